/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_LOOP_H
#define LV_TEST_LOOP_H

#include <check.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/ev.h"
#include "tests/unit/kit.h"

/* An event loop that runs until something is so: what tests wait by. */

/* Below the limit of four seconds that check has for a test, which grows likewise. */
#define LOOP_LIMIT_MS (3000 * kit_slow())

/* Waits once for what is ready and for timers that are due, but not for long. */
void loop_step(struct ev *ev);

/* Exactly one round: what is ready now, each once. */
void loop_round(struct ev *ev);

/* Runs for that long: where nothing may happen. */
void loop_for(struct ev *ev, int64_t ms);

/* Runs until the condition holds; the test fails where it never does. */
#define LOOP_UNTIL(ev, condition)                                                                  \
	do {                                                                                       \
		int64_t loop_end_ms = clock_mono_ms() + LOOP_LIMIT_MS;                             \
		while (!(condition)) {                                                             \
			ck_assert_msg(clock_mono_ms() < loop_end_ms, "never: " #condition);        \
			loop_step(ev);                                                             \
		}                                                                                  \
	} while (0)

#endif
