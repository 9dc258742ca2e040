/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_GATE_H
#define TUNNELD_GATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/ev.h"

/*
 * Work that keeps the loop busy for long, as a step of a handshake does (a millisecond), waits for
 * its turn: one per round of the loop, so that a packet never waits behind two of them, and so many
 * per second that are a beginning, so that strangers do not take all of the processor. What was
 * begun goes first: it is about to be of use to somebody.
 */
#define GATE_PER_SECOND 400	/* beginnings; each costs 1.3 ms until it is done: half a processor */

struct waiter {
	void (*fn)(void *arg);
	void *arg;
	bool waits;
	bool first;		/* a beginning */
	TAILQ_ENTRY(waiter) link;
};

struct gate {
	struct ev *ev;
	struct ev_timer timer;
	TAILQ_HEAD(waiters, waiter) first, further;
	unsigned per_second;	/* beginnings: GATE_PER_SECOND, or what its owner says */
	int64_t due_us;		/* from when on another one may begin, if we had not saved any up */
};

void gate_init(struct gate *g, struct ev *ev);
void gate_fini(struct gate *g);	/* none may wait */

/* Calls fn when it is this one's turn, once, never from inside. One that waits goes on waiting. */
void gate_wait(struct gate *g, struct waiter *w, bool first, void (*fn)(void *arg), void *arg);

/* Gives it up; one that does not wait is fine. */
void gate_leave(struct gate *g, struct waiter *w);

#endif
