/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_NEWS_H
#define LV_CTLD_NEWS_H

#include <stdbool.h>
#include <sys/queue.h>

#include "common/err.h"
#include "common/ev.h"
#include "common/places.h"
#include "daemons/ctld/call.h"
#include "daemons/ctld/chunk.h"

/*
 * What ipamd tells of: its newest events, in order and without a gap, for all who watch. A message
 * that was missed is asked for. Beyond NEWS_EVENTS_MAX the oldest go, whoever may still want them:
 * who is so far behind reads them from ipamd's log (ask_events.h).
 *
 * The loop's thread listens to ipamd, the queue's thread reads for its calls; a lock is between.
 */
struct news;

#define NEWS_EVENTS_MAX 2048	/* kept: a megabyte */
#define NEWS_BEAT_MS 30000	/* a waiter is called so often where nothing happens */
#define NEWS_LOST_MS 15000	/* ipamd, which beats every 5 s, is silent for so long: it is away */

/* A call that waits. Embedded in its owner; zeroed at first. */
struct news_waiter {
	struct call *call;
	call_next *next;
	void *arg;
	int64_t since_ms;
	bool waits;		/* in the list; under the lock */
	TAILQ_ENTRY(news_waiter) link;
};

/* Connects by itself, for ever. */
int news_new(struct ev *ev, const struct places *places, uid_t ipamd, struct news **out,
    struct err *e);
void news_free(struct news *n);	/* NULL is fine; when nobody waits any more */

/* --- on the queue's thread --------------------------------------------------------------------- */

enum news_result {
	NEWS_CHUNK,	/* here is what follows */
	NEWS_NONE,	/* nothing has happened since */
	NEWS_BEHIND,	/* it is not here any more, or not yet: the log has it */
	NEWS_LOST,	/* ipamd is away */
};

/* What follows revision `seen`. The chunk may begin before that; give it back with chunk_unref. */
enum news_result news_next(struct news *n, uint64_t seen, struct chunk **out);

/* Has ipamd been silent for NEWS_LOST_MS? */
bool news_is_lost(struct news *n);

/*
 * Calls next(call, arg) once when something may have happened after `seen`, when ipamd was found or
 * lost, or after NEWS_BEAT_MS while it is there. The call is held until then.
 */
void news_wait(struct news *n, struct news_waiter *w, uint64_t seen);

/* After a question to ipamd was in vain: calls it when ipamd was heard of again, or lost. */
void news_wait_back(struct news *n, struct news_waiter *w);

/* Calls it now, by way of the queue, if it still waits. */
void news_wake(struct news *n, struct news_waiter *w);

#endif
