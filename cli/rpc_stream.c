/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rpc_core.h"

#include <assert.h>
#include <errno.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/support/time.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/status.h"

/*
 * Three batches, each with the address of what it fills as its tag: what is sent, the next message,
 * and the status, which comes last. gRPC writes here until a batch was plucked, so a stream is
 * freed only when all were.
 */
struct rpc_stream {
	struct rpc *rpc;
	const ProtobufCMessageDescriptor *reply;
	grpc_call *call;
	grpc_byte_buffer *out, *in;
	grpc_metadata_array headers, trailers;
	grpc_status_code status;
	grpc_slice message;
	bool reading, ended;	/* a message is awaited; the status has come */
};

static grpc_byte_buffer *
pack(const ProtobufCMessage *msg)
{
	grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(msg));
	grpc_byte_buffer *bb;

	protobuf_c_message_pack(msg, GRPC_SLICE_START_PTR(slice));
	bb = grpc_raw_byte_buffer_create(&slice, 1);
	grpc_slice_unref(slice);
	return bb;
}

static ProtobufCMessage *
unpack(grpc_byte_buffer *bb, const ProtobufCMessageDescriptor *d)
{
	grpc_byte_buffer_reader reader;
	ProtobufCMessage *msg;
	grpc_slice all;

	if (!grpc_byte_buffer_reader_init(&reader, bb))
		return NULL;
	all = grpc_byte_buffer_reader_readall(&reader);
	msg = protobuf_c_message_unpack(d, NULL, GRPC_SLICE_LENGTH(all), GRPC_SLICE_START_PTR(all));
	grpc_slice_unref(all);
	grpc_byte_buffer_reader_destroy(&reader);
	return msg;
}

static gpr_timespec
after_ms(int64_t ms)
{
	if (ms < 0)
		return gpr_inf_future(GPR_CLOCK_MONOTONIC);
	return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(ms, GPR_TIMESPAN));
}

static bool
pluck(struct rpc_stream *s, void *tag, int64_t wait_ms)
{
	return grpc_completion_queue_pluck(s->rpc->queue, tag, after_ms(wait_ms), NULL).type ==
	    GRPC_OP_COMPLETE;
}

/* --- beginning -------------------------------------------------------------------------------- */

static void
send_request(struct rpc_stream *s)
{
	grpc_op ops[] = {
		{ .op = GRPC_OP_SEND_INITIAL_METADATA },
		{ .op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = s->out },
		{ .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT },
		{ .op = GRPC_OP_RECV_INITIAL_METADATA,
		    .data.recv_initial_metadata.recv_initial_metadata = &s->headers },
	};

	grpc_call_start_batch(s->call, ops, sizeof(ops) / sizeof(ops[0]), &s->out, NULL);
}

static void
await_status(struct rpc_stream *s)
{
	const grpc_op op = {
		.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
		.data.recv_status_on_client = {
			.trailing_metadata = &s->trailers,
			.status = &s->status,
			.status_details = &s->message,
		},
	};

	grpc_call_start_batch(s->call, &op, 1, &s->status, NULL);
}

static void
await_message(struct rpc_stream *s)
{
	const grpc_op op = {
		.op = GRPC_OP_RECV_MESSAGE,
		.data.recv_message.recv_message = &s->in,
	};

	s->in = NULL;
	s->reading = true;
	grpc_call_start_batch(s->call, &op, 1, &s->in, NULL);
}

int
rpc_stream_open(struct rpc *rpc, const struct rpc_method *method, const ProtobufCMessage *request,
    int64_t timeout_ms, struct rpc_stream **out, struct err *e)
{
	const ProtobufCMethodDescriptor *m = protobuf_c_service_descriptor_get_method_by_name(
	    method->service, method->name);
	struct rpc_stream *s = calloc(1, sizeof(*s));
	grpc_slice path;
	char text[128];

	assert(m != NULL && m->input == request->descriptor);
	if (s == NULL) {
		err_set(e, -ENOMEM, "out of memory");
		return -ENOMEM;
	}
	snprintf(text, sizeof(text), "/%s/%s", method->service->name, method->name);
	path = grpc_slice_from_copied_string(text);
	s->rpc = rpc;
	s->reply = m->output;
	grpc_metadata_array_init(&s->headers);
	grpc_metadata_array_init(&s->trailers);
	s->message = grpc_empty_slice();
	s->out = pack(request);
	s->call = grpc_channel_create_call(rpc->channel, NULL, GRPC_PROPAGATE_DEFAULTS, rpc->queue,
	    path, NULL, after_ms(timeout_ms), NULL);
	grpc_slice_unref(path);
	send_request(s);
	await_status(s);
	await_message(s);
	*out = s;
	return 0;
}

/* --- messages --------------------------------------------------------------------------------- */

/* No message comes any more: why? */
static enum rpc_next
end(struct rpc_stream *s, int64_t wait_ms, struct rpc_error *error)
{
	if (!s->ended && !pluck(s, &s->status, wait_ms))
		return RPC_WAIT;
	s->ended = true;
	if (s->status == GRPC_STATUS_OK)
		return RPC_END;
	rpc_explain(s->rpc, s->status, s->message, &s->trailers, error);
	return RPC_FAILED;
}

enum rpc_next
rpc_stream_next(struct rpc_stream *s, int64_t wait_ms, ProtobufCMessage **msg_out,
    struct rpc_error *error)
{
	ProtobufCMessage *msg;

	if (s->reading && !pluck(s, &s->in, wait_ms))
		return RPC_WAIT;
	s->reading = false;
	if (s->in == NULL)
		return end(s, wait_ms, error);
	msg = unpack(s->in, s->reply);
	grpc_byte_buffer_destroy(s->in);
	await_message(s);
	if (msg == NULL) {
		status_read(RPC_INTERNAL, "the server's answer cannot be read", NULL, 0, error);
		return RPC_FAILED;
	}
	*msg_out = msg;
	return RPC_MESSAGE;
}

void
rpc_stream_close(struct rpc_stream *s)
{
	if (s == NULL)
		return;
	grpc_call_cancel(s->call, NULL);
	pluck(s, &s->out, -1);
	if (s->reading)
		pluck(s, &s->in, -1);
	if (!s->ended)
		pluck(s, &s->status, -1);
	grpc_byte_buffer_destroy(s->out);
	grpc_byte_buffer_destroy(s->in);
	grpc_metadata_array_destroy(&s->headers);
	grpc_metadata_array_destroy(&s->trailers);
	grpc_slice_unref(s->message);
	grpc_call_unref(s->call);
	free(s);
}

/* --- one question, one answer ----------------------------------------------------------------- */

/* Of an answer that is no answer yet when its status says otherwise. */
static int
one_answer(struct rpc_stream *s, ProtobufCMessage **reply_out, struct rpc_error *error)
{
	ProtobufCMessage *msg = NULL, *more = NULL;
	enum rpc_next next = rpc_stream_next(s, -1, &msg, error);

	if (next == RPC_MESSAGE)
		next = rpc_stream_next(s, -1, &more, error);
	if (next == RPC_END && msg != NULL) {
		*reply_out = msg;
		return 0;
	}
	if (next != RPC_FAILED)
		status_read(RPC_INTERNAL, "the server's answer cannot be read", NULL, 0, error);
	if (msg != NULL)
		protobuf_c_message_free_unpacked(msg, NULL);
	if (more != NULL)
		protobuf_c_message_free_unpacked(more, NULL);
	return -1;
}

int
rpc_call(struct rpc *rpc, const struct rpc_method *method, const ProtobufCMessage *request,
    ProtobufCMessage **reply_out, struct rpc_error *error)
{
	struct rpc_stream *s = NULL;
	struct err e;
	int rc;

	/* The call has a deadline of its own; its status comes then at the latest. */
	if (rpc_stream_open(rpc, method, request, rpc->timeout_ms, &s, &e) < 0) {
		status_read(RPC_INTERNAL, e.text, NULL, 0, error);
		return -1;
	}
	rc = one_answer(s, reply_out, error);
	rpc_stream_close(s);
	return rc;
}
