/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/batch.h"

#include <check.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/daemon.h"
#include "common/reason.h"
#include "daemons/ipamd/patience.h"
#include "daemons/ipamd/sweep.h"
#include "tests/unit/ipamd/book.h"
#include "tests/unit/kit.h"

/* Commits, and what happens by itself in time: on a loop, over the store in memory. */

#define LOOK_MS 1
#define LIMIT_MS 20000

static struct book b;
static struct ev *ev;
static struct batch batch;
static unsigned committed;

static void
on_committed(void *arg)
{
	(void) arg;
	committed++;
}

/* Time on the loop is the real one. */
static void
set_up(void)
{
	book_init_memory(&b, "10.1.1.1/24");
	b.now_s = clock_utc_s();
	ck_assert_int_eq(ev_new(&ev), 0);
	batch_init(&batch, ev, &b.ledger);
	batch.committed = on_committed;
}

static void
tear_down(void)
{
	batch_fini(&batch);
	ev_free(ev);
	book_fini(&b);
}

/* --- waiting ---------------------------------------------------------------------------------- */

struct wait {
	bool (*is_over)(void);
	struct ev_timer timer;
	int64_t until_ms;
};

static void
on_look(void *arg)
{
	struct wait *w = arg;

	ck_assert_int_lt(clock_mono_ms(), w->until_ms);
	if (w->is_over())
		ev_stop(ev, 0);
	else
		ck_assert_int_eq(ev_timer_start(ev, &w->timer, LOOK_MS, on_look, w), 0);
}

/* What the loop ended with: 0 when it is over. */
static int
run_until(bool (*is_over)(void))
{
	struct wait w = { .is_over = is_over, .until_ms = clock_mono_ms() + LIMIT_MS };
	int rc;

	ck_assert_int_eq(ev_timer_start(ev, &w.timer, LOOK_MS, on_look, &w), 0);
	rc = ev_run(ev);
	ev_timer_stop(ev, &w.timer);
	return rc;
}

/* A call of the store is to fail: not one of those that look. */
static bool failing;

static void
fail_soon(unsigned nth)
{
	memory_fail(b.memory, nth, false);
	failing = true;
}

static bool
may_look(void)
{
	return !failing || memory_failed(b.memory);
}

/* --- commits ---------------------------------------------------------------------------------- */

static int
touch_reserved(void)
{
	struct lease_wish wish = { .node_token = LEDGER_RESERVED, .net_token = "",
		.cert_node_id = LEDGER_RESERVED };
	struct lease lease;

	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	return ledger_answer(&b.ledger, lease_attach(&b.ledger, &wish, &lease, &b.err));
}

static bool
has_committed(void)
{
	return ledger_due(&b.ledger) == STORE_NOTHING;
}

START_TEST(what_must_not_be_lost_is_committed_before_it_is_answered)
{
	set_up();
	ck_assert_int_eq(batch_settle(&batch), 0);
	ck_assert_uint_eq(committed, 0);	/* nothing was asked */
	ck_assert_int_eq(touch_reserved(), 0);
	ck_assert_int_eq(ledger_due(&b.ledger), STORE_NOW);
	ck_assert_int_eq(batch_settle(&batch), 0);
	ck_assert_int_eq(ledger_due(&b.ledger), STORE_NOTHING);
	ck_assert_uint_eq(committed, 1);
	tear_down();
}
END_TEST

START_TEST(what_may_be_lost_rides_along_or_goes_within_a_second)
{
	int64_t begin_ms;

	set_up();
	ck_assert_int_eq(touch_reserved(), 0);
	ck_assert_int_eq(batch_settle(&batch), 0);
	ck_assert_int_eq(touch_reserved(), 0);
	ck_assert_int_eq(ledger_due(&b.ledger), STORE_SOON);
	ck_assert_int_eq(batch_settle(&batch), 0);
	ck_assert_int_eq(ledger_due(&b.ledger), STORE_SOON);
	begin_ms = clock_mono_ms();
	ck_assert_int_eq(run_until(has_committed), 0);
	ck_assert_int_ge(clock_mono_ms() - begin_ms, BATCH_LATE_MS / 2);
	ck_assert_uint_eq(committed, 2);
	tear_down();
}
END_TEST

START_TEST(a_commit_that_fails_is_everybodys)
{
	set_up();
	ck_assert_int_eq(touch_reserved(), 0);
	memory_fail(b.memory, 1, false);
	ck_assert_int_eq(batch_settle(&batch), -REASON_STORE_FAILED);
	ck_assert_uint_eq(committed, 0);
	ck_assert_uint_eq(batch.failures, 1);
	ck_assert_int_eq(touch_reserved(), 0);
	ck_assert_int_eq(batch_settle(&batch), 0);
	ck_assert_uint_eq(batch.failures, 0);
	book_check_pool(&b);
	tear_down();
}
END_TEST

static bool
never(void)
{
	return false;
}

START_TEST(a_store_that_is_broken_ends_the_loop)
{
	set_up();
	ck_assert_int_eq(touch_reserved(), 0);
	memory_fail(b.memory, 1, true);
	ck_assert_int_eq(batch_settle(&batch), -REASON_STORE_FAILED);
	ck_assert_int_eq(run_until(never), DAEMON_FAILED);
	tear_down();
}
END_TEST

/* --- patience --------------------------------------------------------------------------------- */

static struct store_node node;
static struct patience patience;

static bool
is_lost(void)
{
	return may_look() && book_get(&b, node.id).state == NODE_LOST;
}

static bool
has_looked(void)
{
	return patience.looks > 0;
}

START_TEST(sessions_that_nobody_announces_are_over)
{
	set_up();
	book_connect(&b, &node);
	ck_assert_int_eq(patience_start(&patience, ev, &batch, &b.ledger, 20), 0);
	for (unsigned i = 0; i < 2 * PATIENCE_LIMIT; i++) {
		book_sync(&b);	/* somebody does */
		patience.looks = 0;
		ck_assert_int_eq(run_until(has_looked), 0);
		ck_assert(!is_lost());
	}
	ck_assert_int_eq(run_until(is_lost), 0);
	patience_stop(&patience);
	tear_down();
}
END_TEST

START_TEST(patience_that_could_not_be_written_is_lost_again)
{
	set_up();
	book_connect(&b, &node);
	ck_assert_int_eq(patience_start(&patience, ev, &batch, &b.ledger, 5), 0);
	patience.looks = PATIENCE_LIMIT - 1;
	fail_soon(2);
	ck_assert_int_eq(run_until(is_lost), 0);
	ck_assert_uint_ge(batch.commits_failed, 1);
	patience_stop(&patience);
	tear_down();
}
END_TEST

/* --- sweeping --------------------------------------------------------------------------------- */

static bool
is_swept(void)
{
	struct store_node n;

	return may_look() && store_node_by_id(b.ledger.store, node.id, &n) < 0;
}

/* Registrations that are too old; row 1: the first time it fails. */
START_TEST(the_sweeper_goes_on_until_all_is_done)
{
	struct sweeper sweeper;
	int64_t now_s;

	set_up();
	now_s = b.now_s;
	b.now_s -= 2 * BOOK_TTL_S;
	for (unsigned i = 0; i < 200; i++)
		node = book_enroll(&b);
	b.now_s = now_s;
	ck_assert_int_eq(sweeper_start(&sweeper, ev, &batch, &b.ledger, 5), 0);
	if (_i == 1)
		fail_soon(3);
	ck_assert_int_eq(run_until(is_swept), 0);
	ck_assert_uint_eq(pool_used(b.ledger.nets[0].pool), 0);
	ck_assert_uint_eq(batch.commits_failed, (unsigned) _i);
	sweeper_stop(&sweeper);
	book_check_pool(&b);
	tear_down();
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("batch");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, what_must_not_be_lost_is_committed_before_it_is_answered);
	tcase_add_test(tc, what_may_be_lost_rides_along_or_goes_within_a_second);
	tcase_add_test(tc, a_commit_that_fails_is_everybodys);
	tcase_add_test(tc, a_store_that_is_broken_ends_the_loop);
	tcase_add_test(tc, sessions_that_nobody_announces_are_over);
	tcase_add_test(tc, patience_that_could_not_be_written_is_lost_again);
	tcase_add_loop_test(tc, the_sweeper_goes_on_until_all_is_done, 0, 2);
	return kit_run("ipamd/batch", tc);
}
