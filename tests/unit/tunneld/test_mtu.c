/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/mtu.h"

#include <check.h>
#include <stddef.h>

#include "tests/unit/kit.h"

#define MS 1000
#define S ((int64_t) 1000000)
#define RTT_US (20 * MS)

/* A search with the path that it asks, in simulated time. */
struct sim {
	struct mtu m;
	int64_t now_us;
	unsigned link, path;	/* the longest that our own link takes, and the rest of the way */
	unsigned loses;		/* so many answers get lost */
	unsigned asked, changes;
	uint64_t nonce;
	int64_t answer_us;	/* to the question nonce; 0: none is on its way */
};

static void
sim_init(struct sim *s, unsigned top, unsigned link, unsigned path)
{
	*s = (struct sim){ .now_us = 1000 * S, .link = link, .path = path };
	mtu_init(&s->m, top, s->now_us);
	s->m.patience_us = 200 * MS;
}

static void
ask(struct sim *s)
{
	unsigned len;

	s->changes += mtu_tick(&s->m, ++s->nonce, s->now_us, &len);
	while (len > s->link)
		s->changes += mtu_refused(&s->m, s->now_us, &len);
	if (len == 0)
		return;
	s->asked++;
	if (len <= s->path && s->loses == 0)
		s->answer_us = s->now_us + RTT_US;
	else if (s->loses > 0)
		s->loses--;
}

static void
run(struct sim *s, int64_t us)
{
	int64_t end = s->now_us + us;

	for (;;) {
		bool answered = s->answer_us != 0 && s->answer_us <= mtu_due(&s->m);
		int64_t next = answered ? s->answer_us : mtu_due(&s->m);

		if (next > end)
			break;
		s->now_us = next > s->now_us ? next : s->now_us;
		if (answered) {
			s->answer_us = 0;
			s->changes += mtu_answered(&s->m, s->nonce, s->now_us);
		} else {
			ask(s);
		}
	}
	s->now_us = end;
}

static const struct {
	unsigned outer, inner;
} insides[] = { { 0, 512 - 2 }, { 576, 514 }, { 1500, 1438 }, { 1492, 1430 }, { 9000, 8938 },
	{ 65535, 8998 } };

/* The ESP packet around it fills the datagram to the last four bytes. */
START_TEST(what_fits_inside)
{
	ck_assert_uint_eq(mtu_inside(insides[_i].outer), insides[_i].inner);
}
END_TEST

static const struct {
	unsigned top, link, path, fit, asked;
} finds[] = {
	{ 1438, 9000, 9000, 1438, 1 },		/* all that is wanted: one question */
	{ 8938, 8938, 8938, 8938, 1 },
	{ 8938, 1438, 1438, 1438, 0 },		/* a link of ours that is narrower */
	{ 1438, 1438, 1338, 1338, 0 },
	{ 1438, 1438, 1340, 1338, 0 },		/* in steps of ESP's padding */
	{ 1438, 1438, 514, 514, 0 },
	{ 8938, 8938, 514, 514, 0 },
	{ 1438, 1438, 100, MTU_LEAST, 0 },	/* not even the least: it is taken for granted */
	{ 576, 1438, 1438, 576, 1 },
};

START_TEST(finds_the_longest)
{
	struct sim s;

	sim_init(&s, finds[_i].top, finds[_i].link, finds[_i].path);
	run(&s, 15 * S);
	ck_assert_uint_eq(s.m.fit, finds[_i].fit);
	ck_assert_uint_eq(s.changes, 1);
	if (finds[_i].asked != 0)
		ck_assert_uint_eq(s.asked, finds[_i].asked);
	ck_assert_uint_le(s.asked, 12 * MTU_TRIES);
}
END_TEST

/* Two lost answers in a row are bad luck. */
START_TEST(a_loss_is_not_a_limit)
{
	struct sim s;

	sim_init(&s, 1438, 1438, 1438);
	s.loses = MTU_TRIES - 1;
	run(&s, 2 * S);
	ck_assert_uint_eq(s.m.fit, 1438);
	ck_assert_uint_eq(s.asked, MTU_TRIES);
}
END_TEST

START_TEST(answers_no_faster_than_the_peer_may)
{
	struct sim s;

	sim_init(&s, 1438, 1438, 1000);
	for (unsigned i = 0; i < 10; i++) {
		unsigned before = s.asked;

		run(&s, 1 * S);
		ck_assert_uint_le(s.asked - before, 6);
	}
}
END_TEST

START_TEST(a_fixed_one_asks_nothing)
{
	struct sim s;

	sim_init(&s, 0, 1438, 1438);
	mtu_moved(&s.m, s.now_us);
	mtu_suspect(&s.m, s.now_us);
	run(&s, 3600 * S);
	ck_assert_uint_eq(s.asked, 0);
	ck_assert_uint_eq(s.m.fit, 0);
	ck_assert(mtu_due(&s.m) == INT64_MAX);
}
END_TEST

/* --- later ------------------------------------------------------------------------------------- */

START_TEST(a_path_in_use_is_checked_and_an_idle_one_is_not)
{
	struct sim s;

	sim_init(&s, 1438, 1438, 1438);
	run(&s, 1 * S);
	s.asked = 0;
	run(&s, 5 * MTU_CHECK_US);
	ck_assert_uint_eq(s.asked, 0);
	s.m.in_use = true;
	run(&s, MTU_CHECK_US + 1 * S);
	ck_assert_uint_eq(s.asked, 1);
	ck_assert_uint_eq(s.changes, 1);
}
END_TEST

START_TEST(a_doubt_finds_the_narrower_path)
{
	struct sim s;

	sim_init(&s, 1438, 1438, 1438);
	run(&s, 3 * S);
	s.path = 1238;
	mtu_suspect(&s.m, s.now_us);
	run(&s, MTU_TRIES * MTU_PACE_US + 50 * MS);
	/* What had passed has failed: from now on only what is sure goes in one datagram. */
	ck_assert_int_eq(s.m.state, MTU_SEARCH);
	ck_assert_uint_le(s.m.failed, s.m.fit);
	run(&s, 10 * S);
	ck_assert_uint_eq(s.m.fit, 1238);
	ck_assert_uint_eq(s.changes, 2);
}
END_TEST

/* The kernel says so once, and nobody sends any more. */
START_TEST(a_doubt_that_comes_too_soon_waits)
{
	struct sim s;

	sim_init(&s, 1438, 1438, 1438);
	run(&s, 1 * S);
	ck_assert_int_eq(s.m.state, MTU_REST);
	s.path = 1238;
	mtu_suspect(&s.m, s.now_us);
	ck_assert_int_eq(s.m.state, MTU_REST);
	run(&s, MTU_DOUBT_US + 10 * S);
	ck_assert_uint_eq(s.m.fit, 1238);
}
END_TEST

START_TEST(doubts_are_rare)
{
	struct sim s;

	sim_init(&s, 1438, 1438, 1438);
	run(&s, 3 * S);
	s.asked = 0;
	for (unsigned i = 0; i < 100; i++) {
		mtu_suspect(&s.m, s.now_us);
		run(&s, 100 * MS);
	}
	ck_assert_uint_le(s.asked, 5);
	ck_assert_uint_ge(s.asked, 3);
}
END_TEST

START_TEST(a_wider_path_is_found_in_time)
{
	struct sim s;

	sim_init(&s, 1438, 1438, 1238);
	run(&s, 15 * S);
	ck_assert_uint_eq(s.m.fit, 1238);
	s.path = 1438;
	run(&s, MTU_RAISE_US + MTU_CHECK_US);
	ck_assert_uint_eq(s.m.fit, 1438);
}
END_TEST

START_TEST(another_path_is_searched_anew)
{
	struct sim s;

	sim_init(&s, 1438, 1438, 1438);
	run(&s, 1 * S);
	s.path = 1000;
	mtu_moved(&s.m, s.now_us);
	ck_assert_uint_eq(s.m.fit, 1438);	/* until it is known better */
	run(&s, 10 * S);
	ck_assert_uint_eq(s.m.fit, 998);
}
END_TEST

START_TEST(a_new_session_knows_what_the_old_one_has_found)
{
	struct sim old, s;

	sim_init(&old, 1438, 1438, 1238);
	run(&old, 15 * S);
	sim_init(&s, 1438, 1438, 1238);
	mtu_inherit(&s.m, &old.m, s.now_us);
	ck_assert_uint_eq(s.m.fit, 1238);
	run(&s, 1 * S);
	ck_assert_uint_eq(s.asked, 1);
	ck_assert_uint_eq(s.changes, 0);
	/* Not what was found under another limit, nor nothing. */
	sim_init(&s, 1338, 1438, 1438);
	mtu_inherit(&s.m, &old.m, s.now_us);
	ck_assert_uint_eq(s.m.fit, 0);
	mtu_init(&old.m, 1338, 0);
	mtu_inherit(&s.m, &old.m, s.now_us);
	ck_assert_uint_eq(s.m.fit, 0);
}
END_TEST

START_TEST(foreign_answers_say_nothing)
{
	struct mtu m;
	unsigned len;

	mtu_init(&m, 1438, 0);
	ck_assert(!mtu_answered(&m, 0, 0));
	mtu_tick(&m, 7, 0, &len);
	ck_assert_uint_eq(len, 1438);
	ck_assert(!mtu_answered(&m, 8, 0));
	ck_assert(!mtu_answered(&m, 0, 0));
	ck_assert(mtu_answered(&m, 7, 0));
	ck_assert(!mtu_answered(&m, 7, 0));
}
END_TEST

START_TEST(what_hosts_take_for_granted_stays)
{
	ck_assert_uint_eq(mtu_of(514, false), 576);
	ck_assert_uint_eq(mtu_of(514, true), 1280);
	ck_assert_uint_eq(mtu_of(1400, false), 1400);
	ck_assert_uint_eq(mtu_of(1400, true), 1400);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("mtu");

	KIT_ROWS(tc, what_fits_inside, insides);
	KIT_ROWS(tc, finds_the_longest, finds);
	tcase_add_test(tc, a_loss_is_not_a_limit);
	tcase_add_test(tc, answers_no_faster_than_the_peer_may);
	tcase_add_test(tc, a_fixed_one_asks_nothing);
	tcase_add_test(tc, a_path_in_use_is_checked_and_an_idle_one_is_not);
	tcase_add_test(tc, a_doubt_finds_the_narrower_path);
	tcase_add_test(tc, a_doubt_that_comes_too_soon_waits);
	tcase_add_test(tc, doubts_are_rare);
	tcase_add_test(tc, a_wider_path_is_found_in_time);
	tcase_add_test(tc, another_path_is_searched_anew);
	tcase_add_test(tc, a_new_session_knows_what_the_old_one_has_found);
	tcase_add_test(tc, foreign_answers_say_nothing);
	tcase_add_test(tc, what_hosts_take_for_granted_stays);
	return kit_run("mtu", tc);
}
