/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_CHORES_H
#define LV_CTLD_CHORES_H

#include "common/err.h"
#include "common/ev.h"
#include "daemons/ctld/call.h"

/*
 * What a call wants of the loop's thread: things that only that one may touch, or that take longer
 * than other calls should wait for.
 */
struct chores;

int chores_new(struct ev *ev, struct chores **out, struct err *e);
void chores_free(struct chores *ch);	/* NULL is fine; when no call is left */

/*
 * On the queue's thread: has the loop's thread run `work`, which finds what it needs in the state of
 * the call, and then the queue's thread `next`.
 */
void chores_do(struct chores *ch, struct call *c, void (*work)(struct call *c), call_next *next);

#endif
