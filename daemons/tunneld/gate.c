/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/gate.h"

#include <stddef.h>

#include "common/clock.h"

#define SAVED_US 1000000	/* after a quiet second this many may begin at once */

static void on_timer(void *arg);

/* Now, or when the next one may begin: whichever comes first. */
static void
schedule(struct gate *g)
{
	int64_t wait_us = 0;

	if (TAILQ_EMPTY(&g->first) && TAILQ_EMPTY(&g->further)) {
		ev_timer_stop(g->ev, &g->timer);
		return;
	}
	if (TAILQ_EMPTY(&g->further))
		wait_us = g->due_us - clock_mono_us();
	ev_timer_start(g->ev, &g->timer, wait_us > 0 ? wait_us / 1000 + 1 : 0, on_timer, g);
}

/* Whose turn it is. NULL: it is too early. */
static struct waiter *
choose(struct gate *g)
{
	int64_t now = clock_mono_us();

	if (!TAILQ_EMPTY(&g->further))
		return TAILQ_FIRST(&g->further);
	if (TAILQ_EMPTY(&g->first) || g->due_us > now)
		return NULL;
	if (g->due_us < now - SAVED_US)
		g->due_us = now - SAVED_US;
	g->due_us += 1000000 / g->per_second;
	return TAILQ_FIRST(&g->first);
}

static void
on_timer(void *arg)
{
	struct gate *g = arg;
	struct waiter *w = choose(g);

	if (w != NULL)
		gate_leave(g, w);
	schedule(g);
	if (w != NULL)
		w->fn(w->arg);	/* last: it may be gone after this */
}

void
gate_init(struct gate *g, struct ev *ev)
{
	*g = (struct gate){ .ev = ev, .per_second = GATE_PER_SECOND };
	TAILQ_INIT(&g->first);
	TAILQ_INIT(&g->further);
}

void
gate_fini(struct gate *g)
{
	ev_timer_stop(g->ev, &g->timer);
}

void
gate_wait(struct gate *g, struct waiter *w, bool first, void (*fn)(void *arg), void *arg)
{
	if (w->waits)
		return;
	*w = (struct waiter){ .fn = fn, .arg = arg, .waits = true, .first = first };
	if (first)
		TAILQ_INSERT_TAIL(&g->first, w, link);
	else
		TAILQ_INSERT_TAIL(&g->further, w, link);
	if (g->timer.slot == 0 || !first)
		schedule(g);
}

void
gate_leave(struct gate *g, struct waiter *w)
{
	if (!w->waits)
		return;
	w->waits = false;
	if (w->first)
		TAILQ_REMOVE(&g->first, w, link);
	else
		TAILQ_REMOVE(&g->further, w, link);
}
