/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_LEDGER_H
#define LV_IPAMD_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf_server.h"
#include "common/err.h"
#include "common/ip.h"
#include "daemons/ipamd/pool.h"
#include "daemons/ipamd/store.h"

/*
 * What ipamd knows: the store, a pool per network as the cache of the store's addresses, and what
 * holds only while it runs. lease, session, node, token, hold, network and expire are the
 * operations on it; each call of theirs happens between ledger_request and ledger_answer.
 *
 * pool == store: what an operation has changed of networks and pools is read again when the request
 * is refused after all, or the commit fails. An undo list would be quicker, but a second account of
 * the same thing, used only when things go wrong.
 */

#define NETWORKS_MAX 64		/* each has a TUN device and routes on every server */
#define NETWORK_DEFAULT "default"

/* The registration that is always there: one machine, never expires, never reclaimed. */
#define LEDGER_RESERVED "reserverd"

struct network {
	struct store_network row;	/* id 0: the place is free */
	struct pool *pool;
	bool full;	/* pool.warnAt was reached, and it was told */
};

/* How far expire.c has looked since then for rests that are too long. */
struct ledger_look {
	unsigned place;		/* of a network; NETWORKS_MAX: through */
	int64_t row;		/* of its holds */
};

struct ledger {
	const struct conf_server *conf;	/* borrowed */
	struct store *store;
	struct network nets[NETWORKS_MAX];	/* places do not move; the default one is first */
	int64_t started_s;
	int64_t now_s;		/* of the request under way; UTC */
	int64_t set_back_s;	/* when the clock was seen to be set back last, or the start */
	struct ledger_look rests, rests_before;	/* before: when the request began */
	uint64_t epoch;		/* the newest handed out: number of the start << 32 | counter */
	int64_t round;		/* of the announcement of sessions that runs or has ended */
	bool announcing;	/* it runs */
	bool synced;		/* who is idle is known: one has ended since the start */
	unsigned announced;	/* how many have ended */
	struct store_event_span events;		/* that are committed; later ones may be undone */
	bool touched;		/* the request under way has changed networks or pools */
	bool broken;		/* pools and store may differ */
};

/*
 * Counts the start, sees to the networks of the configuration and to the reserved registration, and
 * loads the pools. Who was connected counts as such until tunneld has said otherwise, or nothing
 * for too long (session.h). conf must outlive it. consumes: store
 * -EINVAL: networks of configuration and store do not go together.
 */
int ledger_open(struct ledger *l, const struct conf_server *conf, struct store *store,
    int64_t now_s, struct err *e);
void ledger_close(struct ledger *l);	/* what was not committed is lost; a zeroed one is fine */

/* A request begins; now_s is the time for all that it reads and writes. 0 or a failure. */
int ledger_request(struct ledger *l, int64_t now_s);

/*
 * One that is refused only while it has changed nothing yet, or says store_guard itself: the store
 * need not remember what was there before, which is a fifth of the time of an attach.
 */
int ledger_request_firm(struct ledger *l, int64_t now_s);

/*
 * It has ended with rc: below 0 nothing of it stays. Returns rc, or the failure of the store. The
 * answer may leave only as ledger_due says.
 */
int ledger_answer(struct ledger *l, int rc);

/* STORE_NOW: answers wait for ledger_commit. STORE_SOON: they may leave, the commit may follow. */
enum store_due ledger_due(const struct ledger *l);

/*
 * 0, or -REASON_STORE_FAILED: then every request since the last commit was for nothing. Answers
 * that left before may have told of a session, so nobody is taken for idle until the next
 * announcement of sessions.
 */
int ledger_commit(struct ledger *l);

/* It cannot go on: end the process, the next start reads everything anew. */
bool ledger_broken(const struct ledger *l);

/* NULL for one that does not exist; an empty name means the default one. */
struct network *ledger_network(struct ledger *l, int64_t id);
struct network *ledger_network_named(struct ledger *l, const char *name);

/* The number of one that a list is of; an empty name means all of them, 0. NETWORK_UNKNOWN. */
int ledger_network_id(struct ledger *l, const char *name, int64_t *out);

/* The next network after one (NULL: the first), NULL after the last. */
struct network *ledger_network_next(struct ledger *l, const struct network *after);

/* An address of a network is somebody's now, or nobody's. One that it cannot give is no matter. */
void ledger_take(struct ledger *l, struct network *net, const struct ip_addr *addr);
void ledger_free(struct ledger *l, struct network *net, const struct ip_addr *addr);

/*
 * When something was that was noted for noted_s. A time that is still to come was noted before the
 * clock was set back: then as long ago as that, at least.
 */
int64_t ledger_since(const struct ledger *l, int64_t noted_s);

/* A registration whose first session has not come within tokenTTL is worth nothing any more. */
bool ledger_expired(const struct ledger *l, const struct store_node *n);

#endif
