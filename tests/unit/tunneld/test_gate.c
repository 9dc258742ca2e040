/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/gate.h"

#include <check.h>

#include "tests/unit/kit.h"
#include "tests/unit/tunneld/loop.h"

#define MANY (2 * GATE_PER_SECOND)

static struct ev *ev;
static struct gate gate;
static struct waiter waiters[MANY];
static unsigned order[MANY + 1], n;

static void
on_turn(void *arg)
{
	order[n++] = (unsigned) ((struct waiter *) arg - waiters);
}

static void
come(unsigned i, bool first)
{
	gate_wait(&gate, &waiters[i], first, on_turn, &waiters[i]);
}

static void
open_gate(void)
{
	ck_assert_int_eq(ev_new(&ev), 0);
	gate_init(&gate, ev);
}

static void
close_gate(void)
{
	for (unsigned i = 0; i < MANY; i++)
		gate_leave(&gate, &waiters[i]);
	gate_fini(&gate);
	ev_free(ev);
}

START_TEST(one_each_round)
{
	open_gate();
	for (unsigned i = 0; i < 10; i++)
		come(i, i % 2 == 0);
	ck_assert_uint_eq(n, 0);	/* never from inside */
	for (unsigned i = 1; i <= 10; i++) {
		loop_round(ev);
		ck_assert_uint_eq(n, i);
	}
	close_gate();
}
END_TEST

START_TEST(what_was_begun_goes_first)
{
	const unsigned expected[] = { 2, 3, 0, 1 };

	open_gate();
	for (unsigned i = 0; i < 4; i++)
		come(i, i < 2);
	LOOP_UNTIL(ev, n == 4);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(order[i], expected[i]);
	close_gate();
}
END_TEST

START_TEST(so_many_begin_per_second)
{
	int64_t begin = clock_mono_ms();
	unsigned most;

	open_gate();
	for (unsigned i = 0; i < MANY; i++)
		come(i, true);
	loop_for(ev, 500);
	/* What was saved up, and half a second's. */
	most = GATE_PER_SECOND * (unsigned) (1000 + clock_mono_ms() - begin) / 1000 + 1;
	ck_assert_uint_ge(n, GATE_PER_SECOND);
	ck_assert_uint_le(n, most);
	ck_assert_uint_lt(n, MANY);
	/* What was begun does not wait for that. */
	gate_leave(&gate, &waiters[MANY - 1]);
	come(MANY - 1, false);
	loop_round(ev);
	loop_round(ev);
	ck_assert(!waiters[MANY - 1].waits);
	close_gate();
}
END_TEST

START_TEST(who_leaves_has_no_turn)
{
	open_gate();
	come(0, true);
	come(1, false);
	come(1, false);		/* it waits already */
	come(2, true);
	gate_leave(&gate, &waiters[0]);
	gate_leave(&gate, &waiters[0]);
	loop_for(ev, 50);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(order[0], 1);
	ck_assert_uint_eq(order[1], 2);
	close_gate();
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("gate");

	tcase_add_test(tc, one_each_round);
	tcase_add_test(tc, what_was_begun_goes_first);
	tcase_add_test(tc, so_many_begin_per_second);
	tcase_add_test(tc, who_leaves_has_no_turn);
	return kit_run("tunneld/gate", tc);
}
