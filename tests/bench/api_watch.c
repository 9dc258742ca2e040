/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast events reach those who watch:
 *
 *     api_watch SOCKET WATCHERS EVENTS
 *
 * So many WatchEvents by the administrator's socket, a hundred per connection, and one more that is
 * never read; then so many things happen (the reserved node is unregistered, which can be repeated).
 * Prints "RATE LOST": events that reached a watcher, per second, counted over all watchers from the
 * first happening until each has seen the last; and how many watchers saw a gap or a duplicate.
 */
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "litevpn/v1/event.pb-c.h"
#include "litevpn/v1/node.pb-c.h"

#define PER_CONNECTION 100
#define INFLIGHT 8	/* of the calls that make something happen */
#define CALL_S 120

struct bench;

/* A stream, or a call that is made again and again. */
struct caller {
	struct bench *b;
	bool watches;
	grpc_call *call;
	grpc_byte_buffer *request, *reply;
	grpc_metadata_array headers, trailers;
	grpc_status_code status;
	grpc_slice text;
	uint64_t seen, events;
	bool synced, wrong, done;
};

struct bench {
	grpc_completion_queue *queue;
	grpc_channel *makers;
	unsigned watchers, events, synced, done, lost, made, answered;
};

static void
die(const char *what)
{
	fprintf(stderr, "api_watch: %s\n", what);
	exit(1);
}

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static grpc_byte_buffer *
pack(const ProtobufCMessage *msg)
{
	grpc_slice s = grpc_slice_malloc(protobuf_c_message_get_packed_size(msg));
	grpc_byte_buffer *bb;

	protobuf_c_message_pack(msg, GRPC_SLICE_START_PTR(s));
	bb = grpc_raw_byte_buffer_create(&s, 1);
	grpc_slice_unref(s);
	return bb;
}

static void
batch(struct caller *c, const grpc_op *ops, size_t n, void *tag)
{
	if (grpc_call_start_batch(c->call, ops, n, tag, NULL) != GRPC_CALL_OK)
		die("gRPC refuses the call");
}

static void
begin(struct caller *c, grpc_channel *channel, const char *path, const ProtobufCMessage *msg)
{
	grpc_op ops[3] = {
		{ .op = GRPC_OP_SEND_INITIAL_METADATA },
		{ .op = GRPC_OP_SEND_MESSAGE },
		{ .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT },
	};

	c->call = grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS, c->b->queue,
	    grpc_slice_from_static_string(path), NULL,
	    gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_seconds(CALL_S, GPR_TIMESPAN)),
	    NULL);
	c->request = pack(msg);
	ops[1].data.send_message.send_message = c->request;
	batch(c, ops, 3, NULL);
}

/* --- watching ----------------------------------------------------------------------------------- */

static void
read_next(struct caller *c)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	c->reply = NULL;
	op.data.recv_message.recv_message = &c->reply;
	batch(c, &op, 1, c);
}

static void
watch(struct caller *c, grpc_channel *channel, bool reads)
{
	Litevpn__V1__WatchEventsRequest req = LITEVPN__V1__WATCH_EVENTS_REQUEST__INIT;
	grpc_op op = { .op = GRPC_OP_RECV_INITIAL_METADATA };

	req.only_new = true;
	c->watches = true;
	begin(c, channel, "/litevpn.v1.Event/WatchEvents", &req.base);
	grpc_metadata_array_init(&c->headers);
	op.data.recv_initial_metadata.recv_initial_metadata = &c->headers;
	batch(c, &op, 1, NULL);
	if (reads)
		read_next(c);
}

static void
count(struct caller *c, const Litevpn__V1__WatchEventsResponse *msg)
{
	struct bench *b = c->b;

	if (msg->synced && !c->synced) {
		c->synced = true;
		c->seen = msg->revision;
		b->synced++;
	}
	for (size_t i = 0; i < msg->n_events; i++) {
		c->wrong |= msg->events[i]->revision != c->seen + 1;
		c->seen = msg->events[i]->revision;
	}
	c->events += msg->n_events;
	if (c->events >= b->events && !c->done) {
		c->done = true;
		b->done++;
		b->lost += c->wrong;
	}
}

static void
take_message(struct caller *c)
{
	Litevpn__V1__WatchEventsResponse *msg;
	grpc_byte_buffer_reader reader;
	grpc_slice all;

	if (c->reply == NULL || !grpc_byte_buffer_reader_init(&reader, c->reply))
		die("a watch has ended");
	all = grpc_byte_buffer_reader_readall(&reader);
	grpc_byte_buffer_reader_destroy(&reader);
	msg = litevpn__v1__watch_events_response__unpack(NULL, GRPC_SLICE_LENGTH(all),
	    GRPC_SLICE_START_PTR(all));
	if (msg == NULL)
		die("a message is not one");
	count(c, msg);
	litevpn__v1__watch_events_response__free_unpacked(msg, NULL);
	grpc_slice_unref(all);
	grpc_byte_buffer_destroy(c->reply);
	if (!c->done)
		read_next(c);
}

/* --- making things happen ----------------------------------------------------------------------- */

static void
make(struct caller *c)
{
	Litevpn__V1__DeleteNodeRequest req = LITEVPN__V1__DELETE_NODE_REQUEST__INIT;
	grpc_op ops[3] = {
		{ .op = GRPC_OP_RECV_INITIAL_METADATA },
		{ .op = GRPC_OP_RECV_MESSAGE },
		{ .op = GRPC_OP_RECV_STATUS_ON_CLIENT },
	};

	c->b->made++;
	req.name = (char *) "nodes/reserverd";
	begin(c, c->b->makers, "/litevpn.v1.Node/DeleteNode", &req.base);
	grpc_metadata_array_init(&c->headers);
	grpc_metadata_array_init(&c->trailers);
	ops[0].data.recv_initial_metadata.recv_initial_metadata = &c->headers;
	ops[1].data.recv_message.recv_message = &c->reply;
	ops[2].data.recv_status_on_client.trailing_metadata = &c->trailers;
	ops[2].data.recv_status_on_client.status = &c->status;
	ops[2].data.recv_status_on_client.status_details = &c->text;
	batch(c, ops, 3, c);
}

static void
take_answer(struct caller *c)
{
	if (c->status != GRPC_STATUS_OK)
		die("a call has failed");
	grpc_byte_buffer_destroy(c->request);
	grpc_byte_buffer_destroy(c->reply);
	grpc_metadata_array_destroy(&c->headers);
	grpc_metadata_array_destroy(&c->trailers);
	grpc_slice_unref(c->text);
	grpc_call_unref(c->call);
	c->b->answered++;
	if (c->b->made < c->b->events)
		make(c);
}

/* --- the whole ---------------------------------------------------------------------------------- */

static void
run_until(struct bench *b, const unsigned *counter, unsigned goal)
{
	while (*counter < goal) {
		struct caller *c = grpc_completion_queue_next(b->queue,
		    gpr_inf_future(GPR_CLOCK_REALTIME), NULL).tag;

		if (c != NULL && c->watches)
			take_message(c);
		else if (c != NULL)
			take_answer(c);
	}
}

static grpc_channel *
dial(const char *target)
{
	grpc_channel_credentials *creds = grpc_insecure_credentials_create();
	grpc_arg arg = { .type = GRPC_ARG_INTEGER,
		.key = (char *) GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, .value.integer = 1 };
	grpc_channel_args args = { 1, &arg };
	grpc_channel *channel = grpc_channel_create(target, creds, &args);

	grpc_channel_credentials_release(creds);
	return channel;
}

int
main(int argc, char **argv)
{
	struct bench b = { 0 };
	struct caller *callers, makers[INFLIGHT] = { 0 };
	grpc_channel *channel = NULL;
	char target[256];
	double began;

	if (argc != 4 || (b.watchers = (unsigned) atoi(argv[2])) < 1 ||
	    (b.events = (unsigned) atoi(argv[3])) < INFLIGHT)
		die("SOCKET WATCHERS EVENTS");
	snprintf(target, sizeof(target), "unix:%s", argv[1]);
	grpc_init();
	b.queue = grpc_completion_queue_create_for_next(NULL);
	b.makers = dial(target);
	callers = calloc(b.watchers + 1, sizeof(*callers));
	for (unsigned i = 0; i <= b.watchers; i++) {
		if (i % PER_CONNECTION == 0)
			channel = dial(target);
		callers[i].b = &b;
		watch(&callers[i], channel, i < b.watchers);
	}
	run_until(&b, &b.synced, b.watchers);
	began = now_s();
	for (unsigned i = 0; i < INFLIGHT; i++) {
		makers[i].b = &b;
		make(&makers[i]);
	}
	run_until(&b, &b.done, b.watchers);
	printf("%.0f %u\n", (double) b.watchers * b.events / (now_s() - began), b.lost);
	return b.lost == 0 ? 0 : 1;
}
