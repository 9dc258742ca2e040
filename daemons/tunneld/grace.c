/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/grace.h"

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif
#include <urcu/urcu-qsbr.h>

/*
 * liburcu was not built for ThreadSanitizer, which therefore does not see that a reader's last look
 * comes before the writer's return from its wait: it is told.
 */
#ifdef __SANITIZE_THREAD__
static char ordered;
#define TELL_RELEASE() __tsan_release(&ordered)
#define TELL_ACQUIRE() __tsan_acquire(&ordered)
#else
#define TELL_RELEASE() ((void) 0)
#define TELL_ACQUIRE() ((void) 0)
#endif

void
grace_join(void)
{
	urcu_qsbr_register_thread();
}

void
grace_leave(void)
{
	TELL_RELEASE();
	urcu_qsbr_unregister_thread();
}

void
grace_sleep(void)
{
	TELL_RELEASE();
	urcu_qsbr_thread_offline();
}

void
grace_wake(void)
{
	urcu_qsbr_thread_online();
}

/* A round of a worker is bounded, so this takes a millisecond at worst; all sleep: nothing. */
static void
bury(void *arg)
{
	struct grave *g = arg;
	struct grace_item *item;

	urcu_qsbr_synchronize_rcu();
	TELL_ACQUIRE();
	while ((item = STAILQ_FIRST(&g->items)) != NULL) {
		STAILQ_REMOVE_HEAD(&g->items, link);
		item->fn(item);
	}
}

void
grave_init(struct grave *g, struct ev *ev)
{
	*g = (struct grave){ .ev = ev };
	STAILQ_INIT(&g->items);
}

void
grave_fini(struct grave *g)
{
	ev_timer_stop(g->ev, &g->timer);
	bury(g);
}

void
grave_put(struct grave *g, struct grace_item *item, void (*fn)(struct grace_item *item))
{
	item->fn = fn;
	STAILQ_INSERT_TAIL(&g->items, item, link);
	if (g->timer.slot == 0)
		ev_timer_start(g->ev, &g->timer, 0, bury, g);
}
