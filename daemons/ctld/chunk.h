/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_CHUNK_H
#define LV_CTLD_CHUNK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "daemons/ctld/ask_events.h"
#include "daemons/ctld/ask_ipam.h"

/*
 * Consecutive events, and once somebody wants them the nodes that they are about: what all watchers
 * share, so that the nodes are asked for once. The events never change. `nodes`, `state` and
 * `waiting` belong to the queue's thread.
 */
LIST_HEAD(watch_list, watch);

struct chunk {
	atomic_uint refs;
	struct ipam_events events;
	TAILQ_ENTRY(chunk) link;	/* news.c, under its lock */

	enum { CHUNK_UNASKED, CHUNK_ASKING, CHUNK_READY } state;
	struct ipam_page nodes;		/* CHUNK_READY: as they are now; the others are deleted */
	const struct watch *asker;	/* CHUNK_ASKING (watch.h) */
	struct watch_list waiting;	/* CHUNK_ASKING: for the answer */
};

/* consumes: events, which are not none, also on failure. NULL when out of memory. */
struct chunk *chunk_new(struct ipam_events *events);
struct chunk *chunk_ref(struct chunk *k);
void chunk_unref(struct chunk *k);	/* NULL is fine */

/* Its first and its last revision. */
uint64_t chunk_first(const struct chunk *k);
uint64_t chunk_last(const struct chunk *k);

/*
 * The nodes that events after `seen` are about, each once; at most IPAM_EVENTS_MAX, borrowed from
 * the events. Returns how many.
 */
size_t chunk_node_ids(const struct chunk *k, uint64_t seen,
    const struct ipam_event *out[IPAM_EVENTS_MAX]);

/* The node of that id among `nodes`; NULL: it is not registered any more. */
const struct ipam_node *chunk_node(const struct chunk *k, const char *id);

#endif
