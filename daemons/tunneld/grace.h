/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_GRACE_H
#define TUNNELD_GRACE_H

#include <sys/queue.h>

#include "common/ev.h"

/*
 * When may memory be freed that the workers may be looking at? Read-copy-update: the control thread
 * changes tables by publishing new pointers (atom.h) and never waits for a worker, a worker reads
 * them without a lock. What was taken out is freed when every worker has been at a place where it
 * holds nothing: its sleep between two rounds of its loop (liburcu's QSBR flavour, the only one that
 * costs readers nothing).
 */

/* --- for the threads that read ----------------------------------------------------------------- */

void grace_join(void);	/* this thread reads from now on */
void grace_leave(void);	/* and no more */

/* It holds nothing and goes to sleep; it is back. For ev_on_wait. */
void grace_sleep(void);
void grace_wake(void);

/* --- for the thread that writes ------------------------------------------------------------------ */

/* Embedded in what is to be freed. */
struct grace_item {
	STAILQ_ENTRY(grace_item) link;
	void (*fn)(struct grace_item *item);
};

/* What waits to be freed: many in one wait, at the end of a round of the loop. */
struct grave {
	struct ev *ev;
	struct ev_timer timer;
	STAILQ_HEAD(, grace_item) items;
};

void grave_init(struct grave *g, struct ev *ev);

/* Calls fn for all that is left, at once: there are no readers any more. */
void grave_fini(struct grave *g);

/* fn frees the item when nobody can see it any more. It must have been taken out of sight. */
void grave_put(struct grave *g, struct grace_item *item, void (*fn)(struct grace_item *item));

#endif
