/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_EVENTS_H
#define LV_IPAMD_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemons/ipamd/ledger.h"

/*
 * What has happened, in the order of commits. An operation records its event in its own request:
 * it is kept if and only if the change is. Revisions rise by one and are never used twice, also
 * not those of a request that was refused: its number goes to the next event. A restored database
 * goes on above what the one before it had reached.
 *
 * The log is bounded by events.maxAge and events.maxRows; the newest event always stays, since the
 * next revision is counted from it.
 */

#define EVENTS_PAGE_MAX 500
#define EVENTS_PAGE_DEFAULT 100
#define EVENTS_CHUNK 64		/* forgotten at a time: a small part of a millisecond */

/*
 * Something happened to a node, as it stands in *n: id, network and address go into the event. The
 * text adds what the kind does not say, as `key=value` ("idle=3600"), one that people have chosen
 * last; it is cut at STORE_DETAIL_MAX bytes. Belongs into a ledger_request. 0 or a failure of the
 * store.
 */
int events_node(struct ledger *l, enum event_kind kind, const struct store_node *n,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Likewise to a network. */
int events_network(struct ledger *l, enum event_kind kind, const struct network *net,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* A node came to a state: attach, connect, lost or detach. */
int events_session(struct ledger *l, const struct store_node *n, enum node_state state,
    uint64_t epoch);

struct event_page {
	struct store_event *events;	/* the caller's: free(3) */
	size_t n;
	struct store_event_span span;	/* of all that are committed and kept */
};

/*
 * Committed events that follow revision `after` (0: from the oldest that is kept on), in order. size 0 means
 * EVENTS_PAGE_DEFAULT, more than EVENTS_PAGE_MAX means that. REVISION_GONE: some that follow it
 * are not kept any more, or it was never reached.
 */
int events_list(struct ledger *l, uint64_t after, size_t size, struct event_page *out,
    struct err *e);

/*
 * Forgets a chunk of what is too old; *more_out: there may be more of it. (What is too much goes
 * when further events are recorded.) Belongs into a ledger_request.
 */
int events_trim(struct ledger *l, bool *more_out);

#endif
