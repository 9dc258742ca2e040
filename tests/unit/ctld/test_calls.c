/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/calls.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "grpc/health/v1/health.pb-c.h"
#include "tests/unit/kit.h"

/*
 * Calls on streams that only write down what they are told, at a time that the test chooses: how long
 * a client may take for his request and for what he gets.
 */

struct stream {
	unsigned nreads, nwrites;
	bool ended, cancelled;
	enum rpc_code code;
};

static int64_t now_ms;
static const struct method *routed;

/* --- in the place of common/clock.c and grpc.c ------------------------------------------------ */

int64_t
clock_mono_ms(void)
{
	return now_ms;
}

int64_t
clock_mono_us(void)
{
	return now_ms * 1000;
}

int64_t
clock_utc_s(void)
{
	return 1700000000;
}

int64_t
clock_utc_ms(void)
{
	return clock_utc_s() * 1000;
}

const char *
clock_format(int64_t utc_s, char buf[CLOCK_TEXT_MAX])
{
	(void) utc_s;
	return strcpy(buf, "now");
}

enum listener
stream_listener(const struct stream *s)
{
	(void) s;
	return LISTENER_ADMIN;
}

/* gRPC knows the unary ones beforehand. */
const void *
stream_method(const struct stream *s)
{
	(void) s;
	return routed != NULL && routed->kind == CALL_UNARY ? routed : NULL;
}

char *
stream_path(const struct stream *s)
{
	(void) s;
	return strdup("/service/Method");
}

struct ip_addr
stream_source(const struct stream *s)
{
	(void) s;
	return (struct ip_addr){ 0 };
}

int64_t
stream_left_ms(const struct stream *s)
{
	(void) s;
	return INT64_MAX;
}

char *
stream_peer_cert(const struct stream *s)
{
	(void) s;
	return NULL;
}

void
stream_watch(struct stream *s)
{
	(void) s;
}

void
stream_read(struct stream *s)
{
	s->nreads++;
}

void
stream_write(struct stream *s, uint8_t *bytes, size_t len)
{
	(void) len;
	s->nwrites++;
	free(bytes);
}

void
stream_end(struct stream *s, enum rpc_code code, const char *message, const uint8_t *details,
    size_t details_len, uint8_t *bytes, size_t len)
{
	(void) message, (void) details, (void) details_len, (void) len;
	free(bytes);
	s->ended = true;
	s->code = code;
}

void
stream_cancel(struct stream *s)
{
	s->cancelled = true;
}

void
stream_hold(struct stream *s)
{
	(void) s;
}

void
stream_wake(struct stream *s)
{
	(void) s;
}

/* --- the rig ---------------------------------------------------------------------------------- */

static struct calls *calls;
static struct grpc_events ev;
static unsigned nsent, nclosed;

static void
handle_unary(struct call *c)
{
	const Grpc__Health__V1__HealthCheckResponse reply =
	    GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

	call_reply(c, &reply.base);
}

static void
send_one(struct call *c)
{
	const Grpc__Health__V1__HealthCheckResponse msg =
	    GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

	call_send(c, &msg.base);
}

static void
on_sent(struct call *c)
{
	(void) c;
	nsent++;
}

static void
on_closed(struct call *c)
{
	(void) c;
	nclosed++;
}

#define TYPES &grpc__health__v1__health_check_request__descriptor, \
	&grpc__health__v1__health_check_response__descriptor

static const struct method unary = { "/service/Method", CALL_UNARY, 1u << LISTENER_ADMIN,
	{ ROLE_NONE, NODE_AS_OTHERS }, 0, NULL, TYPES, handle_unary, NULL, NULL };
static const struct method endless = { "/service/Method", CALL_STREAM, 1u << LISTENER_ADMIN,
	{ ROLE_NONE, NODE_AS_OTHERS }, 0, NULL, TYPES, send_one, on_sent, on_closed };
static const struct method dialog = { "/service/Method", CALL_DIALOG, 1u << LISTENER_ADMIN,
	{ ROLE_NONE, NODE_AS_OTHERS }, 0, NULL, TYPES, send_one, NULL, NULL };
static const struct method *
route(const char *path, enum listener from)
{
	ck_assert_str_eq(path, "/service/Method");
	ck_assert_int_eq(from, LISTENER_ADMIN);
	return routed;
}

static void
nothing(struct ctld *ctld)
{
	(void) ctld;
}

static void
begin(const struct method *m)
{
	const struct calls_conf conf = { NULL, route, nothing, nothing, nothing };

	log_set_level(LOG_LV_ERR);
	routed = m;
	nsent = nclosed = 0;
	now_ms = 1000000;
	ck_assert_int_eq(calls_new(&conf, &calls), 0);
	ev = calls_events(calls);
}

/* After so long. */
static void
tick(int64_t ms)
{
	now_ms += ms;
	ev.tick(ev.arg);
}

/* --- the tests -------------------------------------------------------------------------------- */

START_TEST(a_request_must_come_in_time)
{
	struct stream s = { 0 };
	void *c;

	begin(&endless);
	c = ev.opened(ev.arg, &s);
	ck_assert_uint_eq(s.nreads, 1);
	tick(CALL_RECEIVE_MS);
	ck_assert(!s.ended);
	tick(1);
	ck_assert(s.ended);
	ck_assert_int_eq(s.code, RPC_DEADLINE_EXCEEDED);
	ev.released(c);
	calls_free(calls);
}
END_TEST

START_TEST(an_answer_must_be_taken_in_time)
{
	struct stream s = { 0 }, other = { 0 };
	void *c, *later;

	begin(&unary);
	c = ev.opened(ev.arg, &s);
	ev.message(c, (const uint8_t *) "", 0);
	ck_assert(s.ended);
	ck_assert_int_eq(s.code, RPC_OK);
	tick(CALL_SEND_MS);
	later = ev.opened(ev.arg, &other);
	ev.message(later, (const uint8_t *) "", 0);
	tick(1);
	ck_assert(s.cancelled);
	ck_assert(!other.cancelled);
	ev.released(c);
	ev.released(later);
	tick(CALL_SEND_MS + 1);
	ck_assert(!other.cancelled);	/* it is gone by then */
	calls_free(calls);
}
END_TEST

/* Who reads, however slowly, is never given up; who has stopped is. */
START_TEST(a_message_of_a_stream_must_be_taken_in_time)
{
	struct stream slow = { 0 }, stopped = { 0 }, quiet = { 0 };
	void *c, *d, *q;

	begin(&endless);
	c = ev.opened(ev.arg, &slow);
	d = ev.opened(ev.arg, &stopped);
	q = ev.opened(ev.arg, &quiet);
	ev.message(c, (const uint8_t *) "", 0);
	ev.message(d, (const uint8_t *) "", 0);
	ev.message(q, (const uint8_t *) "", 0);
	ev.written(q);	/* and nothing follows for a long time */
	for (unsigned i = 1; i <= 3; i++) {
		tick(CALL_MESSAGE_MS);
		ck_assert(!slow.cancelled);
		ev.written(c);
		ck_assert_uint_eq(nsent, i + 1);
		send_one(c);
	}
	ck_assert(stopped.cancelled);
	ck_assert(!quiet.cancelled);
	ev.closed(d);
	ck_assert_uint_eq(nclosed, 1);
	ev.released(c);
	ev.released(d);
	ev.released(q);
	calls_free(calls);
}
END_TEST

/* Its end after that is an answer as others are. */
START_TEST(a_stream_that_was_ended_has_the_time_of_an_answer)
{
	struct stream s = { 0 };
	struct call *c;

	begin(&endless);
	c = ev.opened(ev.arg, &s);
	ev.message(c, (const uint8_t *) "", 0);
	tick(CALL_MESSAGE_MS - 1);
	call_fail(c, &(struct status){ .reason = REASON_SHUTTING_DOWN });
	tick(CALL_SEND_MS);
	ck_assert(!s.cancelled);
	tick(1);
	ck_assert(s.cancelled);
	ev.released(c);
	calls_free(calls);
}
END_TEST

START_TEST(a_dialog_that_does_not_read_is_given_up)
{
	struct stream s = { 0 };
	void *c;

	begin(&dialog);
	c = ev.opened(ev.arg, &s);
	ev.message(c, (const uint8_t *) "", 0);
	ev.written(c);
	ck_assert_uint_eq(s.nreads, 2);
	tick(CALL_MESSAGE_MS + 1);
	ck_assert(!s.cancelled);	/* it may think about its next question */
	ev.message(c, (const uint8_t *) "", 0);
	tick(CALL_MESSAGE_MS + 1);
	ck_assert(s.cancelled);
	ev.released(c);
	calls_free(calls);
}
END_TEST

START_TEST(more_than_the_table_holds_are_refused)
{
	static struct stream streams[CALLS_MAX + 1];
	static void *all[CALLS_MAX + 1];

	begin(&unary);
	for (size_t i = 0; i <= CALLS_MAX; i++)
		all[i] = ev.opened(ev.arg, &streams[i]);
	ck_assert(!streams[CALLS_MAX - 1].ended);
	ck_assert(streams[CALLS_MAX].ended);
	ck_assert_int_eq(streams[CALLS_MAX].code, RPC_RESOURCE_EXHAUSTED);
	for (size_t i = 0; i <= CALLS_MAX; i++)
		ev.released(all[i]);
	calls_free(calls);
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
	enum rpc_code code;
} requests[] = {
	{ "", 0, RPC_OK },
	{ "\x0a\x01x", 3, RPC_OK },
	{ "\x0a\x02x", 3, RPC_INVALID_ARGUMENT },	/* cut */
	{ "\x0a\x01\0", 3, RPC_INVALID_ARGUMENT },	/* a NUL in a text */
	{ NULL, 0, RPC_INVALID_ARGUMENT },		/* no request at all */
};

START_TEST(what_is_no_request_is_refused)
{
	struct stream s = { 0 };
	void *c;

	begin(&unary);
	c = ev.opened(ev.arg, &s);
	ev.message(c, (const uint8_t *) requests[_i].bytes, requests[_i].len);
	ck_assert(s.ended);
	ck_assert_int_eq(s.code, requests[_i].code);
	ev.released(c);
	calls_free(calls);
}
END_TEST

START_TEST(a_path_without_a_method_is_refused)
{
	struct stream s = { 0 };
	void *c;

	begin(NULL);
	c = ev.opened(ev.arg, &s);
	ck_assert_int_eq(s.code, RPC_UNIMPLEMENTED);
	tick(CALL_SEND_MS + 1);
	ck_assert(s.cancelled);
	ev.released(c);
	calls_free(calls);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("calls");

	tcase_add_test(tc, a_request_must_come_in_time);
	tcase_add_test(tc, an_answer_must_be_taken_in_time);
	tcase_add_test(tc, a_message_of_a_stream_must_be_taken_in_time);
	tcase_add_test(tc, a_stream_that_was_ended_has_the_time_of_an_answer);
	tcase_add_test(tc, a_dialog_that_does_not_read_is_given_up);
	tcase_add_test(tc, more_than_the_table_holds_are_refused);
	KIT_ROWS(tc, what_is_no_request_is_refused, requests);
	tcase_add_test(tc, a_path_without_a_method_is_refused);
	return kit_run("ctld/calls", tc);
}
