/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_WATCH_H
#define LV_CTLD_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemons/ctld/call.h"
#include "daemons/ctld/chunk.h"
#include "daemons/ctld/news.h"

/*
 * A stream that tells what happens, from a revision on, without gap or duplicate. It has one message
 * under way and at most one chunk in hand; what its reader does not take stays where it is, among
 * the news or in ipamd's log, and is read from there by and by. So a reader that has stopped holds up
 * nobody; what it costs is its place, which it keeps for CALL_MESSAGE_MS.
 *
 * All on the queue's thread.
 */

#define WATCHES_MAX 512		/* half of CALLS_MAX: watchers leave room for calls */
#define WATCH_ASKS_MAX 32	/* questions of theirs under way; others wait for their turn */

enum watch_told {
	WATCH_NOTHING,	/* nothing in it matters */
	WATCH_SENT,	/* a message is on its way */
	WATCH_LATER,	/* chunk_nodes are asked for: it is told again when they are there */
	WATCH_OVER,	/* the watch has ended */
};

struct watch;
struct watches;

struct watch_kind {
	/* Tells what is new in a chunk after w->seen; its last revision will be seen by then. */
	enum watch_told (*tell)(struct watch *w, struct chunk *k);
	/* Sends a message that only says how far it is. */
	void (*mark)(struct watch *w);
};

/* The first member of a call's state. */
struct watch {
	struct call *call;
	struct watches *all;
	const struct watch_kind *kind;
	uint64_t seen;		/* all up to it is told, or does not matter */
	uint64_t goal;		/* what had happened when it began; UINT64_MAX: not known yet */
	bool marked;		/* it was told that it has reached the goal */
	bool only_new;
	bool listed, sending, over;
	int64_t sent_ms;
	struct chunk *chunk;	/* in hand; NULL: none */
	struct ipam_events page;	/* the answer under way */
	void (*turn)(struct watch *w);	/* what it asks when its turn comes; NULL: nothing */
	bool asks;			/* it has its turn */
	struct news_waiter waiter;
	bool waits_nodes;
	LIST_ENTRY(watch) link;		/* of all */
	LIST_ENTRY(watch) nodes_link;	/* of those that wait for a chunk's nodes */
	TAILQ_ENTRY(watch) turn_link;	/* of those that wait for their turn */
};

int watches_new(struct news *news, struct watches **out);
void watches_free(struct watches *all);	/* NULL is fine; when no call is left */

/* The server stops: all end with SHUTTING_DOWN. */
void watches_stop(struct watches *all);

/* --- for services ----------------------------------------------------------------------------- */

/* Enters it; false: there is no room, and the call was told so. w is zeroed, but for its call. */
bool watch_enter(struct watches *all, struct watch *w, const struct watch_kind *kind);

/* Begins after revision `after`, which is looked up in the log. */
void watch_begin(struct watch *w, uint64_t after);

/* Goes on after w->seen, with all that there was at w->goal told already. */
void watch_go_on(struct watch *w);

/* Calls `turn` when few enough ask; then the watch asks one question, and ends its turn. */
void watch_take_turn(struct watch *w, void (*turn)(struct watch *w));
void watch_end_turn(struct watch *w);

/* A question of the watch has failed: ends it, or waits until ipamd is back. */
void watch_asked_in_vain(struct watch *w, const struct err *e);

/* The nodes of the chunk in hand: true when they are there, else WATCH_LATER. */
bool watch_has_nodes(struct watch *w, struct chunk *k);

/* One message; the next one when the watch goes on. */
void watch_send(struct watch *w, const ProtobufCMessage *msg);
void watch_fail(struct watch *w, enum reason reason, const char *detail);

/* Is what there was at its beginning told with this revision? */
bool watch_is_synced(const struct watch *w, uint64_t revision);

/* The handlers `sent` and `closed` of its methods, and the end of its state. */
void watch_sent(struct call *c);
void watch_closed(struct call *c);
void watch_fini(void *state);

#endif
