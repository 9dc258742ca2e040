/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/call.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemons/ctld/audit.h"
#include "daemons/ctld/call_inside.h"

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

bool
call_has(const struct call *c, unsigned trait)
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
	if (call_has(c, CALL_CHANGES) && result != REASON_TOO_MANY_ATTEMPTS)
		audit_write(&(struct audit){ c->method->path, &c->caller, &source, c->about,
		    c->rehearsal, result });
	/* What makes no sense counts as a failure, too: checking it costs as much. */
	if (call_has(c, CALL_GUESSABLE) &&
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
	call_enter(c, &c->calls->answered);
	measure(c, result);
	if (call_has(c, CALL_CHANGES | CALL_GUESSABLE))
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

void
call_end(struct call *c)
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

	if (bytes == NULL) {
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
		return;
	}
	if (!c->answered)
		call_enter(c, &c->calls->sending);
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

int64_t
call_time(const struct call *c)
{
	int64_t left = stream_left_ms(c->stream);

	return left < CALL_WORK_MS ? left - left / 10 : CALL_WORK_MS;
}

int64_t
call_left_ms(const struct call *c)
{
	int64_t left = c->method->kind == CALL_STREAM ? call_time(c)
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
