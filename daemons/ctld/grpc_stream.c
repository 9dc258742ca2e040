/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/grpc_core.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

/* --- life ---------------------------------------------------------------------------- */

struct stream *
stream_new(struct server *srv, const struct lane *lane)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->server = srv;
	s->lane = lane;
	s->message = s->status = grpc_empty_slice();
	grpc_call_details_init(&s->details);
	grpc_metadata_array_init(&s->metadata);
	return s;
}

void
stream_free(struct stream *s)
{
	grpc_metadata_array_destroy(&s->metadata);
	grpc_call_details_destroy(&s->details);
	grpc_byte_buffer_destroy(s->in);
	grpc_byte_buffer_destroy(s->out);
	grpc_slice_unref(s->message);
	grpc_slice_unref(s->status);
	if (s->core != NULL)
		grpc_call_unref(s->core);
	free(s);
}

static void
unref(struct stream *s)
{
	struct grpc *g = s->server->g;

	if (--s->refs > 0)
		return;
	g->events.released(s->owner);
	stream_free(s);
	g->live--;
	grpc_check_stopped(g);
}

static void
start_batch(struct stream *s, const grpc_op *ops, size_t n, struct tag *tag,
    void (*fn)(void *owner, bool ok))
{
	grpc_call_error error;

	*tag = (struct tag){ fn, s };
	s->refs++;
	error = grpc_call_start_batch(s->core, ops, n, tag, NULL);
	if (error != GRPC_CALL_OK) {
		log_err("grpc_batch_refused", "error=%s", grpc_call_error_to_string(error));
		unref(s);
	}
}

void
stream_hold(struct stream *s)
{
	s->refs++;
}

static void
on_woken(void *owner, bool ok)
{
	struct stream *s = owner;

	(void) ok;
	s->server->g->events.woken(s->owner);
	unref(s);
}

void
stream_wake(struct stream *s)
{
	grpc_call *core = s->core;
	struct tag *woken = &s->woken;

	*woken = (struct tag){ on_woken, s };
	/* From here on the stream is the queue's, which may end it at once. */
	atomic_fetch_add_explicit(&s->server->g->handed, 1, memory_order_release);
	/* An empty batch touches nothing of the call: its tag goes straight into the queue. */
	grpc_call_start_batch(core, NULL, 0, woken, NULL);
}

/* --- what they say ------------------------------------------------------------------- */

enum listener
stream_listener(const struct stream *s)
{
	return s->server->id;
}

const void *
stream_method(const struct stream *s)
{
	return s->lane == NULL ? NULL : s->lane->method;
}

char *
stream_path(const struct stream *s)
{
	const grpc_slice *path = &s->details.method;

	return strndup((const char *) GRPC_SLICE_START_PTR(*path), GRPC_SLICE_LENGTH(*path));
}

int64_t
stream_left_ms(const struct stream *s)
{
	if (gpr_time_cmp(s->deadline, gpr_inf_future(s->deadline.clock_type)) == 0)
		return INT64_MAX;
	return gpr_time_to_millis(gpr_time_sub(s->deadline, gpr_now(s->deadline.clock_type)));
}

/* gRPC says "ipv4:192.0.2.1:4711", "ipv6:%5B2001:db8::1%5D:4711", "unix:". */
struct ip_addr
stream_source(const struct stream *s)
{
	static const char open[] = "%5B", close[] = "%5D";
	struct ip_addr addr = { 0 };
	char *peer = grpc_call_get_peer(s->core);
	char *text = strchr(peer, ':'), *end;

	if (text != NULL && strncmp(++text, open, strlen(open)) == 0)
		text += strlen(open);
	end = text == NULL ? NULL : strstr(text, close);
	if (text != NULL && end == NULL)
		end = strrchr(text, ':');
	if (end != NULL) {
		*end = '\0';
		ip_parse(text, &addr);	/* what is none leaves addr alone */
	}
	gpr_free(peer);
	return addr;
}

char *
stream_peer_cert(const struct stream *s)
{
	grpc_auth_context *auth = grpc_call_auth_context(s->core);
	grpc_auth_property_iterator it;
	const grpc_auth_property *p;
	char *pem = NULL;

	if (auth == NULL)
		return NULL;
	it = grpc_auth_context_find_properties_by_name(auth, GRPC_X509_PEM_CERT_PROPERTY_NAME);
	if (grpc_auth_context_peer_is_authenticated(auth) &&
	    (p = grpc_auth_property_iterator_next(&it)) != NULL)
		pem = strndup(p->value, p->value_length);
	grpc_auth_context_release(auth);
	return pem;
}

/* --- messages ------------------------------------------------------------------------ */

static void
deliver(struct stream *s)
{
	const struct grpc_events *ev = &s->server->g->events;
	grpc_byte_buffer_reader reader;
	grpc_slice all;

	if (s->in == NULL || !grpc_byte_buffer_reader_init(&reader, s->in)) {
		ev->message(s->owner, NULL, 0);
		return;
	}
	if (s->in->data.raw.compression != GRPC_COMPRESS_NONE) {
		stream_end(s, RPC_UNIMPLEMENTED, "compressed messages are not read", NULL, 0, NULL,
		    0);
		return;
	}
	all = grpc_byte_buffer_reader_readall(&reader);
	grpc_byte_buffer_reader_destroy(&reader);
	grpc_byte_buffer_destroy(s->in);
	s->in = NULL;
	ev->message(s->owner, GRPC_SLICE_START_PTR(all), GRPC_SLICE_LENGTH(all));
	grpc_slice_unref(all);
}

static void
on_read(void *owner, bool ok)
{
	struct stream *s = owner;

	if (!ok && s->in != NULL) {	/* a part of a message is none */
		grpc_byte_buffer_destroy(s->in);
		s->in = NULL;
	}
	if (!s->ended)
		deliver(s);
	unref(s);
}

void
stream_read(struct stream *s)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	if (s->ended)
		return;
	op.data.recv_message.recv_message = &s->in;
	start_batch(s, &op, 1, &s->read, on_read);
}

/* consumes: bytes */
static grpc_byte_buffer *
wrap(uint8_t *bytes, size_t len)
{
	grpc_slice slice = grpc_slice_new(bytes, len, free);
	grpc_byte_buffer *bb = grpc_raw_byte_buffer_create(&slice, 1);

	grpc_slice_unref(slice);
	return bb;
}

/* The headers go out with whatever is first. */
static size_t
add_headers(struct stream *s, grpc_op *op)
{
	if (s->began)
		return 0;
	s->began = true;
	*op = (grpc_op){ .op = GRPC_OP_SEND_INITIAL_METADATA };
	return 1;
}

static size_t
add_message(struct stream *s, grpc_op *op, uint8_t *bytes, size_t len)
{
	if (bytes == NULL)
		return 0;
	grpc_byte_buffer_destroy(s->out);
	s->out = wrap(bytes, len);
	*op = (grpc_op){ .op = GRPC_OP_SEND_MESSAGE };
	op->data.send_message.send_message = s->out;
	return 1;
}

static void
on_written(void *owner, bool ok)
{
	struct stream *s = owner;

	if (ok && !s->ended)
		s->server->g->events.written(s->owner);
	unref(s);
}

void
stream_write(struct stream *s, uint8_t *bytes, size_t len)
{
	grpc_op ops[2];
	size_t n;

	if (s->ended) {
		free(bytes);
		return;
	}
	n = add_headers(s, ops);
	n += add_message(s, ops + n, bytes, len);
	start_batch(s, ops, n, &s->written, on_written);
}

static void
on_ended(void *owner, bool ok)
{
	(void) ok;
	unref(owner);
}

void
stream_end(struct stream *s, enum rpc_code code, const char *message, const uint8_t *details,
    size_t details_len, uint8_t *bytes, size_t len)
{
	grpc_op ops[4];
	grpc_metadata trailer = { .key = grpc_slice_from_static_string("grpc-status-details-bin") };
	size_t n;

	if (s->ended) {
		free(bytes);
		return;
	}
	s->ended = true;
	n = add_headers(s, ops);
	n += add_message(s, ops + n, bytes, len);
	ops[n] = (grpc_op){ .op = GRPC_OP_SEND_STATUS_FROM_SERVER };
	ops[n].data.send_status_from_server.status = (grpc_status_code) code;
	if (message != NULL) {
		s->message = grpc_slice_from_copied_string(message);
		ops[n].data.send_status_from_server.status_details = &s->message;
	}
	if (details != NULL) {
		s->status = grpc_slice_from_copied_buffer((const char *) details, details_len);
		trailer.value = s->status;
		ops[n].data.send_status_from_server.trailing_metadata = &trailer;
		ops[n].data.send_status_from_server.trailing_metadata_count = 1;
	}
	n++;
	if (!s->watched) {
		ops[n] = (grpc_op){ .op = GRPC_OP_RECV_CLOSE_ON_SERVER };
		ops[n++].data.recv_close_on_server.cancelled = &s->cancelled;
	}
	start_batch(s, ops, n, &s->ended_tag, on_ended);
}

void
stream_cancel(struct stream *s)
{
	grpc_call_cancel(s->core, NULL);
}

static void
on_closed(void *owner, bool ok)
{
	struct stream *s = owner;

	(void) ok;
	s->server->g->events.closed(s->owner);
	if (s->cancelled)
		stream_end(s, RPC_CANCELLED, NULL, NULL, 0, NULL, 0);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the batch has kept a reference */
	unref(s);
}

void
stream_watch(struct stream *s)
{
	grpc_op op = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER };

	s->watched = true;
	op.data.recv_close_on_server.cancelled = &s->cancelled;
	start_batch(s, &op, 1, &s->closed, on_closed);
}

void
stream_begin(struct stream *s)
{
	struct grpc *g = s->server->g;

	g->live++;
	s->refs = 1;	/* of this function */
	if (s->lane == NULL)
		s->deadline = s->details.deadline;
	s->owner = g->events.opened(g->events.arg, s);
	if (s->lane != NULL && !s->ended)
		deliver(s);
	unref(s);
}
