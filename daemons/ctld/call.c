/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/call.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemons/ctld/audit.h"
#include "daemons/ctld/gate.h"
#include "daemons/ctld/meter.h"
#include "daemons/ctld/texts.h"

TAILQ_HEAD(call_list, call);

struct call {
	struct calls *calls;
	struct stream *stream;
	const struct method *method;	/* NULL: the call was refused before it had one */
	struct caller caller;
	ProtobufCMessage *request;
	int64_t began_us;		/* clock_mono_us */
	int64_t deadline_ms;		/* clock_mono_ms */
	struct call_list *list;		/* that it is in; NULL: it is being worked at */
	int64_t listed_ms;
	bool answered;			/* its status is on its way */
	size_t unsent;			/* bytes of its answer then */
	char about[CALL_ABOUT_MAX];
	bool rehearsal;
	void *state;
	void (*state_fini)(void *state);
	call_next *next;		/* of the call_resume under way */
	void *next_arg;
	TAILQ_ENTRY(call) link;
};

struct calls {
	struct calls_conf conf;
	struct call_list waiting;	/* for their request; the oldest first */
	struct call_list answered;	/* for the client to take the answer; the oldest first */
	unsigned live;
	size_t unsent;			/* bytes, of all calls */
	struct gate *gate;
	struct meter *meter;
};

static void
leave_list(struct call *c)
{
	if (c->list != NULL)
		TAILQ_REMOVE(c->list, c, link);
	c->list = NULL;
}

static void
enter_list(struct call *c, struct call_list *list)
{
	leave_list(c);
	c->list = list;
	c->listed_ms = clock_mono_ms();
	TAILQ_INSERT_TAIL(list, c, link);
}

/* The first one that is in that list for too long; NULL: none. */
static struct call *
find_late(const struct call_list *list, int64_t limit_ms)
{
	struct call *c = TAILQ_FIRST(list);

	return c != NULL && clock_mono_ms() - c->listed_ms > limit_ms ? c : NULL;
}

/* --- ending ----------------------------------------------------------------------------------- */

static uint8_t *
pack(const struct call *c, const ProtobufCMessage *msg, size_t *len_out)
{
	uint8_t *bytes;

	assert(msg->descriptor == c->method->reply);
	/* One byte more: an empty message is not the same as none. */
	bytes = malloc(protobuf_c_message_get_packed_size(msg) + 1);
	if (bytes != NULL)
		*len_out = protobuf_c_message_pack(msg, bytes);
	return bytes;
}

static bool
has_trait(const struct call *c, unsigned trait)
{
	return c->method != NULL && (c->method->traits & trait) != 0;
}

/* What others want to know of how it has ended. */
static void
note_result(struct call *c, enum reason result)
{
	const struct ip_addr source = stream_source(c->stream);
	const enum rpc_code code = reason_rpc_code((int) result);

	/* Who is not heard leaves no line either: it would be his to fill the disk. */
	if (has_trait(c, CALL_CHANGES) && result != REASON_TOO_MANY_ATTEMPTS)
		audit_write(&(struct audit){ c->method->path, &c->caller, &source, c->about,
		    c->rehearsal, result });
	/* What makes no sense counts as a failure, too: checking it costs as much. */
	if (has_trait(c, CALL_GUESSABLE) &&
	    (code == RPC_UNAUTHENTICATED || code == RPC_INVALID_ARGUMENT))
		gate_failed(c->calls->gate, c->stream);
}

static void
measure(const struct call *c, enum reason result)
{
	const char *path = c->method == NULL ? NULL : c->method->path;

	meter_answered(c->calls->meter, path, result);
	if (c->method == NULL || c->method->kind == CALL_UNARY)
		meter_took(c->calls->meter, path, clock_mono_us() - c->began_us);
}

/* The status goes on its way, with an answer of that many bytes. */
static void
note_answer(struct call *c, enum reason result, size_t len)
{
	if (c->answered)
		return;
	c->answered = true;
	c->unsent = len;
	c->calls->unsent += len;
	enter_list(c, &c->calls->answered);
	measure(c, result);
	if (has_trait(c, CALL_CHANGES | CALL_GUESSABLE))
		note_result(c, result);
}

void
call_reply_failure(struct call *c, enum reason reason, const ProtobufCMessage *reply)
{
	size_t len = 0;
	uint8_t *bytes = pack(c, reply, &len);

	if (bytes == NULL) {
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
		return;
	}
	note_answer(c, reason, len);
	stream_end(c->stream, RPC_OK, NULL, NULL, 0, bytes, len);
}

void
call_reply(struct call *c, const ProtobufCMessage *reply)
{
	call_reply_failure(c, REASON_NONE, reply);
}

/* A dialog that its client has ended. */
static void
end(struct call *c)
{
	note_answer(c, REASON_NONE, 0);
	stream_end(c->stream, RPC_OK, NULL, NULL, 0, NULL, 0);
}

/* The resource that it is about goes into the metadata, where there is room. */
static struct status
with_resource(const struct call *c, const struct status *status)
{
	struct status st = *status;
	size_t n = 0;

	while (n < STATUS_META_MAX && st.meta[n].key != NULL)
		n++;
	if (n < STATUS_META_MAX && c->about[0] != '\0')
		st.meta[n] = (struct status_pair){ "resource", c->about };
	return st;
}

void
call_fail(struct call *c, const struct status *status)
{
	struct status st = with_resource(c, status);
	uint8_t *details = NULL;
	size_t len = 0;

	/* Without memory for the details the client still gets code and message. */
	if (status_pack(&st, &details, &len) < 0)
		log_warn("status_without_details", "error=%s", err_name(-ENOMEM));
	log_debug("call_failed", "method=%s reason=%s text=%s",
	    c->method == NULL ? "-" : c->method->path, reason_name(status->reason),
	    LOG_Q(status_message(status)));
	note_answer(c, status->reason, 0);
	stream_end(c->stream, reason_rpc_code(status->reason), status_message(status), details, len,
	    NULL, 0);
	free(details);
}

void
call_fail_err(struct call *c, const struct err *e)
{
	call_fail(c, &(struct status){ .reason = reason_of(e->rc, REASON_INTERNAL),
	    .detail = e->text });
}

void
call_fail_field(struct call *c, const char *field, const char *detail)
{
	call_fail(c, &(struct status){ .reason = REASON_FIELD_INVALID, .detail = detail,
	    .field = field, .meta = { { "field", field } } });
}

void
call_send(struct call *c, const ProtobufCMessage *msg)
{
	size_t len = 0;
	uint8_t *bytes = pack(c, msg, &len);

	if (bytes == NULL)
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
	else
		stream_write(c->stream, bytes, len);
}

/* --- what handlers ask ------------------------------------------------------------------------ */

struct ctld *
call_ctld(const struct call *c)
{
	return c->calls->conf.ctld;
}

const struct caller *
call_caller(const struct call *c)
{
	return &c->caller;
}

const void *
call_request(const struct call *c)
{
	return c->request;
}

void *
call_state(struct call *c, size_t size, void (*fini)(void *state))
{
	assert(c->state == NULL);
	c->state = calloc(1, size);
	if (c->state == NULL)
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
	else
		c->state_fini = fini;
	return c->state;
}

void *
call_state_get(const struct call *c)
{
	return c->state;
}

void
call_about(struct call *c, const char *name)
{
	snprintf(c->about, sizeof(c->about), "%s", name);
}

void
call_rehearses(struct call *c)
{
	c->rehearsal = true;
}

/* The time that is granted counts from the request; a tenth is kept for the answer's way back. */
static int64_t
time_for_work(const struct call *c)
{
	int64_t left = stream_left_ms(c->stream);

	return left < CALL_WORK_MS ? left - left / 10 : CALL_WORK_MS;
}

int64_t
call_left_ms(const struct call *c)
{
	int64_t left = c->method->kind == CALL_STREAM ? time_for_work(c)
	    : c->deadline_ms - clock_mono_ms();

	return left < 0 ? 0 : left;
}

void
call_hold(struct call *c)
{
	stream_hold(c->stream);
}

void
call_resume(struct call *c, call_next *next, void *arg)
{
	c->next = next;
	c->next_arg = arg;
	stream_wake(c->stream);
}

/* --- the way of a request --------------------------------------------------------------------- */

static int
authorize(struct call *c, struct err *e)
{
	const struct method *m = c->method;
	const char *subject = m->subject == NULL ? NULL : m->subject(c->request);
	int rc = gate_identify(c->calls->gate, c->stream, &c->caller, e);

	if (subject != NULL)
		snprintf(c->about, sizeof(c->about), "nodes/%s", subject);
	return rc < 0 ? rc : authz_check(&m->rule, &c->caller, subject, e);
}

/* A whole request is there. */
static void
handle(struct call *c)
{
	struct err e;
	int64_t wait_ms = 0;

	if (has_trait(c, CALL_GUESSABLE))
		wait_ms = gate_wait_ms(c->calls->gate, c->stream);
	c->deadline_ms = clock_mono_ms() + time_for_work(c);
	if (authorize(c, &e) < 0)
		call_fail_err(c, &e);
	else if (wait_ms > 0)
		call_fail(c, &(struct status){ .reason = REASON_TOO_MANY_ATTEMPTS,
		    .retry_ms = wait_ms });
	else
		c->method->handle(c);
}

/* Fills c->request; false: it is none that can be handled, and the call has been told so. */
static bool
take_request(struct call *c, const uint8_t *bytes, size_t len)
{
	const ProtobufCMessageDescriptor *type = c->method->request;
	const char *field;
	struct err e;

	if (c->request != NULL)
		protobuf_c_message_free_unpacked(c->request, NULL);
	c->request = bytes == NULL ? NULL : protobuf_c_message_unpack(type, NULL, len, bytes);
	if (c->request == NULL) {
		err_set(&e, -REASON_FIELD_INVALID, "the request is not a %s", type->name);
		call_fail_err(c, &e);
		return false;
	}
	if ((field = texts_find_nul(type, bytes, len)) != NULL) {
		call_fail_field(c, field, "must not contain a NUL");
		return false;
	}
	return true;
}

static void
on_message(void *owner, const uint8_t *bytes, size_t len)
{
	struct call *c = owner;

	leave_list(c);
	if (bytes == NULL && c->method->kind == CALL_DIALOG) {
		end(c);
		return;
	}
	if (take_request(c, bytes, len))
		handle(c);
}

static void
refuse_path(struct call *c, const char *path)
{
	struct err e;

	err_set(&e, -REASON_METHOD_UNKNOWN, "this listener has no method %.128s",
	    path == NULL ? "" : path);
	call_fail_err(c, &e);
}

static void *
on_opened(void *arg, struct stream *s)
{
	struct calls *calls = arg;
	struct call *c = calloc(1, sizeof(*c));
	char *path = stream_path(s);

	if (c == NULL || path == NULL) {
		stream_end(s, RPC_RESOURCE_EXHAUSTED, "out of memory", NULL, 0, NULL, 0);
		free(path);
		free(c);
		return NULL;
	}
	c->calls = calls;
	c->stream = s;
	c->began_us = clock_mono_us();
	calls->live++;
	meter_began(calls->meter);
	if (calls->live > CALLS_MAX || calls->unsent > CALLS_UNSENT_MAX) {
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
	} else if ((c->method = calls->conf.route(path, stream_listener(s))) == NULL) {
		refuse_path(c, path);
	} else {
		enter_list(c, &calls->waiting);
		if (c->method->kind != CALL_UNARY)
			stream_watch(s);
		stream_read(s);
	}
	free(path);
	return c;
}

static void
on_written(void *owner)
{
	struct call *c = owner;

	if (c->method->kind == CALL_DIALOG)
		stream_read(c->stream);
	else if (c->method->sent != NULL)
		c->method->sent(c);
}

static void
on_woken(void *owner)
{
	struct call *c = owner;

	c->next(c, c->next_arg);
}

static void
on_closed(void *owner)
{
	struct call *c = owner;

	if (c == NULL)
		return;
	leave_list(c);
	if (c->method != NULL && c->method->closed != NULL)
		c->method->closed(c);
}

static void
on_released(void *owner)
{
	struct call *c = owner;

	if (c == NULL)
		return;
	leave_list(c);
	c->calls->live--;
	meter_ended(c->calls->meter);
	c->calls->unsent -= c->unsent;
	if (c->state_fini != NULL)
		c->state_fini(c->state);
	free(c->state);
	if (c->request != NULL)
		protobuf_c_message_free_unpacked(c->request, NULL);
	free(c);
}

/* Clients that never say what they want, or never take what they get, must not fill the table. */
static void
on_tick(void *arg)
{
	struct calls *calls = arg;
	struct call *c;

	while ((c = find_late(&calls->waiting, CALL_RECEIVE_MS)) != NULL)
		call_fail(c, &(struct status){ .reason = REASON_DEADLINE,
		    .detail = "the request did not come in time" });
	while ((c = find_late(&calls->answered, CALL_SEND_MS)) != NULL) {
		log_info("answer_not_taken", "method=%s bytes=%zu",
		    c->method == NULL ? "-" : c->method->path, c->unsent);
		leave_list(c);
		stream_cancel(c->stream);
	}
}

static void
on_settled(void *arg)
{
	struct calls *calls = arg;

	calls->conf.settled(calls->conf.ctld);
}

static void
on_stopping(void *arg)
{
	struct calls *calls = arg;

	calls->conf.stopping(calls->conf.ctld);
}

static void
on_stopped(void *arg)
{
	struct calls *calls = arg;

	calls->conf.stopped(calls->conf.ctld);
}

struct grpc_events
calls_events(struct calls *calls)
{
	return (struct grpc_events){
		.opened = on_opened,
		.message = on_message,
		.written = on_written,
		.woken = on_woken,
		.closed = on_closed,
		.released = on_released,
		.settled = on_settled,
		.tick = on_tick,
		.stopping = on_stopping,
		.stopped = on_stopped,
		.arg = calls,
	};
}

int
calls_new(const struct calls_conf *conf, struct calls **out)
{
	struct calls *calls = calloc(1, sizeof(*calls));

	if (calls == NULL || (calls->gate = gate_new()) == NULL ||
	    (calls->meter = meter_new()) == NULL) {
		calls_free(calls);
		return -ENOMEM;
	}
	calls->conf = *conf;
	TAILQ_INIT(&calls->waiting);
	TAILQ_INIT(&calls->answered);
	*out = calls;
	return 0;
}

void
calls_show(const struct calls *calls, struct metrics *out)
{
	meter_show(calls->meter, out);
}

void
calls_free(struct calls *calls)
{
	if (calls == NULL)
		return;
	gate_free(calls->gate);
	meter_free(calls->meter);
	free(calls);
}
