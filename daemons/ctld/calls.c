/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemons/ctld/call_inside.h"
#include "daemons/ctld/texts.h"

void
call_leave(struct call *c)
{
	if (c->list != NULL)
		TAILQ_REMOVE(c->list, c, link);
	c->list = NULL;
}

void
call_enter(struct call *c, struct call_list *list)
{
	call_leave(c);
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

	if (call_has(c, CALL_GUESSABLE))
		wait_ms = gate_wait_ms(c->calls->gate, c->stream);
	c->deadline_ms = clock_mono_ms() + call_time(c);
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

	call_leave(c);
	if (bytes == NULL && c->method->kind == CALL_DIALOG) {
		call_end(c);
		return;
	}
	if (take_request(c, bytes, len))
		handle(c);
}

/* Whose path gRPC does not know beforehand: those that go on, and what we do not have. */
static void
route(struct call *c)
{
	char *path = stream_path(c->stream);
	struct err e;

	if (path != NULL)
		c->method = c->calls->conf.route(path, stream_listener(c->stream));
	if (c->method != NULL) {
		call_enter(c, &c->calls->waiting);
		stream_watch(c->stream);
		stream_read(c->stream);
	} else {
		err_set(&e, -REASON_METHOD_UNKNOWN, "this listener has no method %.128s",
		    path == NULL ? "" : path);
		call_fail_err(c, &e);
	}
	free(path);
}

static void *
on_opened(void *arg, struct stream *s)
{
	struct calls *calls = arg;
	struct call *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		stream_end(s, RPC_RESOURCE_EXHAUSTED, "out of memory", NULL, 0, NULL, 0);
		return NULL;
	}
	c->calls = calls;
	c->stream = s;
	c->began_us = clock_mono_us();
	calls->live++;
	meter_began(calls->meter);
	c->method = stream_method(s);
	if (calls->live > CALLS_MAX || calls->unsent > CALLS_UNSENT_MAX)
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
	else if (c->method == NULL)
		route(c);
	return c;
}

static void
on_written(void *owner)
{
	struct call *c = owner;

	call_leave(c);
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
	call_leave(c);
	if (c->method != NULL && c->method->closed != NULL)
		c->method->closed(c);
}

static void
on_released(void *owner)
{
	struct call *c = owner;

	if (c == NULL)
		return;
	call_leave(c);
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

/* Gives up those of the list that wait for too long for their clients to read. */
static void
give_up_late(const struct call_list *list, int64_t limit_ms, const char *event)
{
	struct call *c;

	while ((c = find_late(list, limit_ms)) != NULL) {
		log_info(event, "method=%s bytes=%zu", c->method == NULL ? "-" : c->method->path,
		    c->unsent);
		call_leave(c);
		stream_cancel(c->stream);
	}
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
	give_up_late(&calls->sending, CALL_MESSAGE_MS, "message_not_taken");
	give_up_late(&calls->answered, CALL_SEND_MS, "answer_not_taken");
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
	TAILQ_INIT(&calls->sending);
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
