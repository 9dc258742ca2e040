/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tunneld/loop.h"

static void
stop(void *arg)
{
	ev_stop(arg, 0);
}

static void
run(struct ev *ev, int64_t ms)
{
	struct ev_timer t = { .slot = 0 };

	ck_assert_int_eq(ev_timer_start(ev, &t, ms, stop, ev), 0);
	ck_assert_int_eq(ev_run(ev), 0);
}

void
loop_step(struct ev *ev)
{
	run(ev, 1);
}

void
loop_round(struct ev *ev)
{
	run(ev, 0);
}

void
loop_for(struct ev *ev, int64_t ms)
{
	run(ev, ms);
}
