/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/probe.h"

#include <check.h>
#include <stddef.h>

#include "tests/unit/kit.h"

#define MS 1000
#define S 1000000
#define KEEPALIVE_US (25 * (int64_t) S)
#define ANSWERS_MAX 64

/* A probe with the path that it asks, in simulated time. */
struct sim {
	struct probe p;
	int64_t now_us, rtt_us;
	bool open;		/* the path answers */
	uint64_t nonce;		/* of the last question */
	unsigned asked;
	int64_t asked_us;	/* when last */
	struct {
		uint64_t nonce;
		int64_t at_us;
	} answers[ANSWERS_MAX];	/* on their way, in order */
	unsigned first, n;
};

static void
sim_init(struct sim *s, int64_t rtt_us)
{
	*s = (struct sim){ .now_us = 5 * S, .rtt_us = rtt_us, .open = true };
	probe_init(&s->p, s->now_us, KEEPALIVE_US);
}

static void
ask(struct sim *s)
{
	bool question;

	probe_tick(&s->p, s->nonce + 1, s->now_us, &question);
	if (!question)
		return;
	s->nonce++;
	s->asked++;
	s->asked_us = s->now_us;
	if (!s->open)
		return;
	ck_assert_uint_lt(s->n, ANSWERS_MAX);
	s->answers[(s->first + s->n) % ANSWERS_MAX].nonce = s->nonce;
	s->answers[(s->first + s->n++) % ANSWERS_MAX].at_us = s->now_us + s->rtt_us;
}

/* An answer is an authentic packet first, as session_input has it. */
static void
answer(struct sim *s)
{
	uint64_t nonce = s->answers[s->first].nonce;

	s->first = (s->first + 1) % ANSWERS_MAX;
	s->n--;
	probe_received(&s->p, s->now_us);
	probe_answered(&s->p, nonce, s->now_us);
}

/* Lets time pass, with all that happens in it. */
static void
run(struct sim *s, int64_t us)
{
	int64_t end = s->now_us + us;

	for (;;) {
		int64_t due = probe_due(&s->p);
		bool answered = s->n > 0 && s->answers[s->first].at_us <= due;
		int64_t next = answered ? s->answers[s->first].at_us : due;

		if (next > end)
			break;
		s->now_us = next > s->now_us ? next : s->now_us;
		if (answered)
			answer(s);
		else
			ask(s);
	}
	s->now_us = end;
}

/* Data goes out; it is lost with the path. */
static void
send_data(struct sim *s)
{
	probe_sent(&s->p, s->now_us);
}

/* Straight to UDP, with nothing out and nothing waited for. */
static void
reach_udp(struct sim *s)
{
	run(s, 2 * s->rtt_us + 1);
	ck_assert(s->p.on_udp);
}

/* --- the way to UDP --------------------------------------------------------------------------- */

START_TEST(the_first_answer_takes_udp)
{
	struct sim s;

	sim_init(&s, 30 * MS);
	ck_assert(!s.p.on_udp);
	ck_assert_int_eq(probe_due(&s.p), s.now_us);	/* asks at once */
	run(&s, 29 * MS);
	ck_assert_uint_eq(s.asked, 1);
	ck_assert(!s.p.on_udp);
	run(&s, 1 * MS);
	ck_assert(s.p.on_udp);
	ck_assert_int_eq(s.p.rtt_us, 30 * MS);
}
END_TEST

START_TEST(a_closed_path_is_asked_ever_more_slowly)
{
	struct sim s;

	sim_init(&s, 30 * MS);
	s.open = false;
	run(&s, 600 * MS - 1);
	ck_assert_uint_eq(s.asked, 3);
	run(&s, 60 * (int64_t) S);
	ck_assert(!s.p.on_udp);
	s.asked = 0;
	run(&s, 10 * (int64_t) PROBE_SLOW_US);
	ck_assert_uint_eq(s.asked, 10);
	/* And found soon after it has opened: no later than the slowest question. */
	s.open = true;
	run(&s, PROBE_SLOW_US + 30 * MS);
	ck_assert(s.p.on_udp);
}
END_TEST

/* Satellites: the answer comes after the next question, until those are far enough apart. */
START_TEST(a_slow_path_is_found)
{
	struct sim s;

	sim_init(&s, 1500 * MS);
	run(&s, 15 * (int64_t) S);
	ck_assert(s.p.on_udp);
	ck_assert_int_eq(s.p.rtt_us, 1500 * MS);
}
END_TEST

START_TEST(only_the_last_question_can_be_answered)
{
	struct sim s;

	sim_init(&s, 30 * MS);
	s.open = false;
	run(&s, 300 * MS);
	ck_assert_uint_eq(s.asked, 2);
	ck_assert(!probe_answered(&s.p, 1, s.now_us));
	ck_assert(!probe_answered(&s.p, 0, s.now_us));
	ck_assert(!probe_answered(&s.p, 77, s.now_us));
	ck_assert(!s.p.on_udp);
	ck_assert_int_eq(s.p.rtt_us, 0);
	ck_assert(probe_answered(&s.p, 2, s.now_us));
	ck_assert(s.p.on_udp);
	ck_assert(!probe_answered(&s.p, 2, s.now_us));	/* counts once */
}
END_TEST

START_TEST(the_round_trip_is_smoothed)
{
	struct sim s;

	sim_init(&s, 80 * MS);
	reach_udp(&s);
	s.rtt_us = 160 * MS;
	run(&s, KEEPALIVE_US + 200 * MS);
	ck_assert_uint_eq(s.asked, 2);
	ck_assert_int_eq(s.p.rtt_us, 90 * MS);	/* 7/8 of the old one, RFC 6298 */
}
END_TEST

/* --- away from UDP ---------------------------------------------------------------------------- */

/* Three questions, each as long after the last as an answer may take. */
static void
check_fall_back(struct sim *s, int64_t patience_us)
{
	s->open = false;
	s->asked = 0;
	send_data(s);
	for (unsigned i = 0; i < PROBE_TRIES; i++) {
		run(s, patience_us - 1);
		ck_assert_uint_eq(s->asked, i);
		run(s, 1);
		ck_assert_uint_eq(s->asked, i + 1);
	}
	run(s, patience_us - 1);
	ck_assert(s->p.on_udp);
	run(s, 1);
	ck_assert(!s->p.on_udp);
}

static const struct {
	int64_t rtt_us, patience_us;
} silences[] = {
	{ 1 * MS, 200 * MS },
	{ 100 * MS, 200 * MS },
	{ 101 * MS, 202 * MS },
	{ 300 * MS, 600 * MS },
};

START_TEST(silence_after_data_falls_back)
{
	struct sim s;

	sim_init(&s, silences[_i].rtt_us);
	run(&s, 30 * (int64_t) S);	/* with one keepalive in it */
	ck_assert(s.p.on_udp && s.p.nonce == 0);
	check_fall_back(&s, silences[_i].patience_us);
}
END_TEST

/* A question whose answer was lost while other things came is no part of the next silence. */
START_TEST(an_old_question_does_not_count)
{
	struct sim s;

	sim_init(&s, 10 * MS);
	reach_udp(&s);
	s.open = false;
	send_data(&s);
	run(&s, 250 * MS);
	ck_assert(s.p.nonce != 0);
	probe_received(&s.p, s.now_us);
	check_fall_back(&s, 200 * MS);
}
END_TEST

START_TEST(only_the_first_data_starts_the_wait)
{
	struct sim s;

	sim_init(&s, 10 * MS);
	ck_assert(!probe_sent(&s.p, s.now_us));		/* on TLS nothing is waited for */
	reach_udp(&s);
	ck_assert(probe_sent(&s.p, s.now_us));
	ck_assert(!probe_sent(&s.p, s.now_us + 150 * MS));
	ck_assert_int_eq(probe_due(&s.p), s.now_us + 200 * MS);
}
END_TEST

START_TEST(whatever_comes_is_an_answer)
{
	struct sim s;

	sim_init(&s, 10 * MS);
	reach_udp(&s);
	s.open = false;		/* echoes are lost, data passes */
	s.asked = 0;
	for (unsigned i = 0; i < 100; i++) {
		send_data(&s);
		run(&s, 150 * MS);
		probe_received(&s.p, s.now_us);
	}
	ck_assert_uint_eq(s.asked, 0);
	for (unsigned i = 0; i < 100; i++) {	/* slower than its patience: it asks, and stays */
		send_data(&s);
		run(&s, 500 * MS);
		probe_received(&s.p, s.now_us);
	}
	ck_assert_uint_ge(s.asked, 100);
	ck_assert(s.p.on_udp);
}
END_TEST

START_TEST(without_data_it_asks_once_per_keepalive)
{
	struct sim s;

	sim_init(&s, 10 * MS);
	reach_udp(&s);
	s.asked = 0;
	run(&s, 10 * KEEPALIVE_US);
	ck_assert_uint_ge(s.asked, 9);
	ck_assert_uint_le(s.asked, 10);
	ck_assert(s.p.on_udp);
	/* The path breaks with nobody sending: found out by the next one. */
	s.open = false;
	run(&s, KEEPALIVE_US + 600 * MS);
	ck_assert(!s.p.on_udp);
}
END_TEST

/* --- and back --------------------------------------------------------------------------------- */

static void
fall_back(struct sim *s)
{
	reach_udp(s);
	s->open = false;
	send_data(s);
	run(s, 800 * MS);
	ck_assert(!s->p.on_udp);
}

START_TEST(three_answers_in_a_row_bring_it_back)
{
	struct sim s;

	sim_init(&s, 10 * MS);
	fall_back(&s);
	s.open = true;
	s.asked = 0;
	run(&s, 200 * MS + 29 * MS);
	ck_assert_uint_eq(s.asked, 3);
	ck_assert(!s.p.on_udp);
	run(&s, 1 * MS);
	ck_assert(s.p.on_udp);
}
END_TEST

START_TEST(a_row_begins_again_after_a_loss)
{
	struct sim s;

	sim_init(&s, 10 * MS);
	fall_back(&s);
	for (unsigned i = 0; i < 20; i++) {
		s.open = true;	/* two pass, the next one does not */
		s.asked = 0;
		while (s.asked < 2)
			run(&s, 1 * MS);
		s.open = false;
		while (s.asked < 3)
			run(&s, 1 * MS);
		run(&s, 199 * MS);
		ck_assert(!s.p.on_udp);
	}
}
END_TEST

START_TEST(a_late_answer_brings_nothing_back)
{
	struct sim s;
	uint64_t late;

	sim_init(&s, 10 * MS);
	fall_back(&s);
	late = s.nonce;		/* of the third question, which is not waited for any more */
	for (unsigned i = 0; i < 10; i++) {
		probe_received(&s.p, s.now_us);
		ck_assert(!probe_answered(&s.p, late, s.now_us));
	}
	ck_assert(!s.p.on_udp);
}
END_TEST

/* A path that is open half of the time is not changed at every turn. */
START_TEST(it_does_not_flap)
{
	struct sim s;
	unsigned changes = 0;

	sim_init(&s, 10 * MS);
	reach_udp(&s);
	for (unsigned i = 0; i < 1000; i++) {
		bool before = s.p.on_udp;

		s.open = i % 2 == 0;
		send_data(&s);
		run(&s, 100 * MS);
		changes += before != s.p.on_udp;
	}
	ck_assert_uint_le(changes, 100);
}
END_TEST

/* --- the other end moves ---------------------------------------------------------------------- */

START_TEST(a_new_end_is_asked_at_once)
{
	struct sim s;

	sim_init(&s, 10 * MS);
	reach_udp(&s);
	run(&s, 5 * (int64_t) S);
	s.asked = 0;
	probe_moved(&s.p, s.now_us);
	ck_assert_int_le(probe_due(&s.p), s.now_us);
	run(&s, 10 * MS);
	ck_assert_uint_eq(s.asked, 1);
	ck_assert(s.p.on_udp);
	run(&s, 5 * (int64_t) S);
	ck_assert_uint_eq(s.asked, 1);
}
END_TEST

START_TEST(a_new_end_that_is_silent_falls_back)
{
	struct sim s;

	sim_init(&s, 10 * MS);
	reach_udp(&s);
	s.open = false;
	probe_moved(&s.p, s.now_us);
	run(&s, 600 * MS - 1);
	ck_assert(s.p.on_udp);
	run(&s, 1);
	ck_assert(!s.p.on_udp);
}
END_TEST

START_TEST(the_old_end_cannot_answer_for_the_new)
{
	struct sim s;
	uint64_t old;

	sim_init(&s, 10 * MS);
	s.open = false;
	run(&s, 1 * MS);
	old = s.nonce;
	probe_moved(&s.p, s.now_us);
	ck_assert(!probe_answered(&s.p, old, s.now_us));
	ck_assert(!s.p.on_udp);
	ck_assert_int_eq(probe_due(&s.p), s.now_us);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("probe");

	tcase_add_test(tc, the_first_answer_takes_udp);
	tcase_add_test(tc, a_closed_path_is_asked_ever_more_slowly);
	tcase_add_test(tc, a_slow_path_is_found);
	tcase_add_test(tc, only_the_last_question_can_be_answered);
	tcase_add_test(tc, the_round_trip_is_smoothed);
	KIT_ROWS(tc, silence_after_data_falls_back, silences);
	tcase_add_test(tc, an_old_question_does_not_count);
	tcase_add_test(tc, only_the_first_data_starts_the_wait);
	tcase_add_test(tc, whatever_comes_is_an_answer);
	tcase_add_test(tc, without_data_it_asks_once_per_keepalive);
	tcase_add_test(tc, three_answers_in_a_row_bring_it_back);
	tcase_add_test(tc, a_row_begins_again_after_a_loss);
	tcase_add_test(tc, a_late_answer_brings_nothing_back);
	tcase_add_test(tc, it_does_not_flap);
	tcase_add_test(tc, a_new_end_is_asked_at_once);
	tcase_add_test(tc, a_new_end_that_is_silent_falls_back);
	tcase_add_test(tc, the_old_end_cannot_answer_for_the_new);
	return kit_run("tunneld/probe", tc);
}
