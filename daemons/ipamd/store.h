/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_STORE_H
#define LV_IPAMD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ip.h"
#include "common/pki.h"
#include "common/secret.h"

/*
 * What must not be forgotten: networks, nodes with their addresses, bootstrap tokens, addresses
 * that are kept, events, answers, counters. Spoken to in intents (register, bind, steal, touch, delete
 * ...), each with its preconditions; how they are kept is the business of whoever implements
 * store_ops.h: sqlite (store_sqlite.h), and for tests memory. One thread.
 *
 * Requests share a commit. Each is bracketed by store_request and store_accept or store_refuse, so
 * that a refused one leaves nothing behind; one that may be refused after it has changed something
 * says so with store_guard before. store_commit makes all accepted ones durable together, or none
 * of them. A failure of the store itself dooms all that waits for the commit: every call says
 * -REASON_STORE_FAILED from then on until store_commit has thrown it away.
 *
 * A row is changed as it was read: who changes it passes what it has read, and is told -ESTALE
 * where the row has been used, changed or deleted since. Where one process alone writes, that
 * shows a mistake; where several do, it is how they agree.
 *
 * The stamp of last use (update_time) never decreases from one write to the next, whatever the
 * clock does, and a rising number decides between equal stamps.
 */
struct store;

#define STORE_TOKEN_MAX 64	/* node tokens; ours have 16 digits, "reserverd" is shorter */
#define STORE_NAME_MAX 63	/* bytes of a display name */
#define STORE_LABEL_LEN 8	/* digits of a bootstrap token's public id */
#define STORE_LABELS_MAX 2048	/* bytes of all of a node's labels, as labels.h writes them */

#define STORE_NETWORK_MAX 63	/* bytes of a network's name */
#define STORE_EXCLUDE_MAX 16	/* prefixes that a network does not give */
#define STORE_NET_DEFAULT 1	/* the network `default` is always there */

struct store_network {
	int64_t id;
	char name[STORE_NETWORK_MAX + 1];
	struct ip_prefix prefix;	/* the server's own address with its network */
	struct ip_prefix exclude[STORE_EXCLUDE_MAX];
	size_t nexclude;
	bool has_token;			/* it is entered with a net-token only */
	uint8_t token_hash[SECRET_HASH_LEN];
	bool from_conf;			/* the configuration names it: it is changed there only */
	int64_t create_s;		/* UTC; 0: not known */
};

enum node_state { NODE_NEVER = 1, NODE_CONNECTING, NODE_CONNECTED, NODE_LOST, NODE_IDLE };

struct store_node {
	int64_t row;			/* rises in order of registration, is never used again */
	int64_t use;			/* the number of its last use */
	char id[PKI_ID_MAX + 1];
	char token[STORE_TOKEN_MAX + 1];
	int64_t net;
	char display_name[STORE_NAME_MAX + 1];
	struct ip_addr addr;		/* none: not bound */
	enum node_state state;
	uint64_t epoch;			/* of its newest session */
	bool attached;			/* has had a session */
	bool reserved;			/* never expires, never reclaimed, never deleted */
	bool fixed;			/* its address was chosen for it: never reclaimed */
	int64_t create_s, seen_s;	/* UTC; seen_s: last change of state, 0: none yet */
	int64_t bootstrap;		/* row of its bootstrap token; 0: none. Not read back */
	/* Of the keys that it was enrolled with; read back by store_node_keys only. */
	uint8_t grpc_spki[PKI_SPKI_LEN], vpn_spki[PKI_SPKI_LEN];
};

/* What people have noted of a node: it may be long, so it is read only where it is shown. */
struct store_labels {
	int64_t row;			/* of the node */
	char text[STORE_LABELS_MAX + 1];
};

struct store_token {
	int64_t row;			/* rises in the order of their making */
	char label[STORE_LABEL_LEN + 1];
	uint8_t hash[SECRET_HASH_LEN];
	int64_t net;
	unsigned uses, uses_left;	/* that it was made with, and has */
	int64_t create_s, expire_s;	/* UTC; create_s 0: not known */
};

/* A node's address. */
struct store_binding {
	int64_t row;
	struct ip_addr addr;
	bool stale;
};

/* An address that the pool does not give: at most one of these for an address. */
enum hold_kind {
	HOLD_PROMISE = 1,	/* for the node that redeems a bootstrap token */
	HOLD_NAME,		/* for nodes of a display name, whether there is one or not */
	HOLD_REST,		/* for nobody: it was another node's until not long ago */
};

struct store_hold {
	int64_t row, net;
	struct ip_addr addr;
	enum hold_kind kind;
	char name[STORE_NAME_MAX + 1];	/* HOLD_NAME; no other has it in its network */
	int64_t token;			/* HOLD_PROMISE: row of the bootstrap token */
	int64_t until_s;		/* UTC; 0: for ever */
};

/* A node that was unregistered for the sake of its address. */
struct store_tombstone {
	char id[PKI_ID_MAX + 1];
	int64_t time_s;
};

/* What a request with an id was answered, for when it is asked again. */
#define STORE_REPLY_MAX 2048	/* bytes of the message */
#define STORE_SALT_LEN 16
struct store_reply {
	uint8_t digest[SECRET_HASH_LEN];	/* of who asked and the id */
	uint8_t body[SECRET_HASH_LEN];		/* of what was asked */
	uint8_t salt[STORE_SALT_LEN];		/* its secrets were made with */
	uint8_t bytes[STORE_REPLY_MAX];
	size_t len;
	int64_t time_s;
};

enum event_kind {
	EVENT_CREATE = 1,	/* a node was registered */
	EVENT_ATTACH,		/* it has authenticated: a session of it begins */
	EVENT_CONNECT,		/* the session carries packets */
	EVENT_LOST,		/* it went silent, or was not announced */
	EVENT_DETACH,		/* it left in good order */
	EVENT_RECLAIM,		/* unregistered for the sake of its address */
	EVENT_UNREGISTER,	/* by an administrator, or since it never attached */
	EVENT_NETWORK_CREATE, EVENT_NETWORK_DELETE, EVENT_NETWORK_RECREATE,
	EVENT_RESTORE,		/* the database was replaced by a backup */
	EVENT_UPDATE,		/* a node has another name, or other labels */
	EVENT_TOKEN_REVOKE,	/* a bootstrap token was, by an administrator */
	EVENT_KINDS		/* their numbers are kept in databases: new ones stand before this */
};

#define STORE_DETAIL_MAX 127	/* bytes of an event's text */

struct store_event {
	uint64_t revision;	/* one more than that of the event before */
	enum event_kind kind;
	int64_t time_s;		/* UTC; as the clock went, so it may fall */
	char node[PKI_ID_MAX + 1];			/* "": of no node */
	char network[STORE_NETWORK_MAX + 1];		/* its name then */
	struct ip_addr addr;				/* none: of no address */
	char detail[STORE_DETAIL_MAX + 1];		/* UTF-8 */
};

/* The events that are kept are those from oldest to newest; 0, 0: there was none yet. */
struct store_event_span {
	uint64_t oldest, newest;
};

struct store_counts {
	uint64_t nodes, bound, connected;
};

void store_close(struct store *st);	/* what was not committed is lost; NULL is fine */

/* --- transactions ----------------------------------------------------------------------------- */

int store_request(struct store *st);
int store_accept(struct store *st);

/*
 * From here on the request can be refused whatever it changes; that costs a copy of all that it
 * touches. Where it has said so already, nothing happens.
 */
int store_guard(struct store *st);

/* After a change without store_guard this is a failure of the store, which dooms what waits. */
int store_refuse(struct store *st);

/* What waits for store_commit: nothing, changes that may be lost with the power, or others. */
enum store_due { STORE_NOTHING, STORE_SOON, STORE_NOW };
enum store_due store_due(const struct store *st);

/* 0, or -REASON_STORE_FAILED: nothing since the last commit was kept. */
int store_commit(struct store *st);

/* The last failure in the implementation's words; "" for none. Valid until the next one. */
const char *store_failure(const struct store *st);

/* An I/O error or a corrupt file was met: what the store says can no longer be trusted. */
bool store_broken(const struct store *st);

/* --- networks --------------------------------------------------------------------------------- */

/* In the order of their creation; how many. */
int store_network_list(struct store *st, struct store_network *out, size_t max);

int store_network_add(struct store *st, struct store_network *n);	/* fills n->id; -EEXIST: name */
int store_network_change(struct store *st, const struct store_network *n);	/* -ESTALE: gone */

/* With all that is in it: nodes, tokens, kept addresses. -ESTALE */
int store_network_delete(struct store *st, int64_t id);

/*
 * Takes the addresses of all its nodes away, and lets none rest. Live nodes have left then, and
 * what is said of sessions up to that epoch is over. All count as used now, in the order of their
 * last use. Returns how many there are.
 */
int store_network_clear(struct store *st, int64_t id, uint64_t epoch, int64_t now_s);

/* --- nodes ------------------------------------------------------------------------------------ */

/* 0 or -ENOENT. */
int store_node_by_token(struct store *st, const char *token, struct store_node *out);
int store_node_by_id(struct store *st, const char *id, struct store_node *out);
int store_node_by_addr(struct store *st, int64_t net, const struct ip_addr *addr,
    struct store_node *out);

/* The newest node that enrolled with this token and these keys. 0 or -ENOENT. */
int store_node_by_keys(struct store *st, const struct store_node *like, struct store_node *out);

/* Fills in the keys that it was enrolled with. -ENOENT: it has enrolled in no way that tells them. */
int store_node_keys(struct store *st, struct store_node *n);

/*
 * Nodes of a network (0: of all) registered after the one in row `after`, oldest first. Returns how
 * many.
 */
int store_node_list(struct store *st, int64_t net, int64_t after, struct store_node *nodes,
    size_t max);

/*
 * The nodes of a network whose address may be taken, in the order in which that happens: idle for
 * longest first. Bound, not live, not reserved, not fixed, not stale. Returns how many.
 */
int store_node_victims(struct store *st, int64_t net, struct store_node *nodes, size_t max);

/*
 * Registers a node that has never connected; fills what the store knows of it.
 * -EEXIST: its id, token or address is had.
 */
int store_node_add(struct store *st, struct store_node *n, int64_t now_s);

/*
 * Gives it `addr` (none: takes its own away), chosen for it or not. Counts as use. A new address is
 * not stale. *n is then as the row. -EEXIST: another node has the address. -ESTALE.
 */
int store_node_bind(struct store *st, struct store_node *n, const struct ip_addr *addr, bool fixed,
    int64_t now_s);

/* Another name and other labels. It is no use of the node. *n is then as the row. -ESTALE. */
int store_node_describe(struct store *st, struct store_node *n, const char *display_name,
    const char *labels);

/*
 * The labels of those nodes of a network (0: of all) in rows `first` to `last` that have any, in
 * order of rows; how many.
 */
int store_labels(struct store *st, int64_t net, int64_t first, int64_t last,
    struct store_labels *out, size_t max);

/*
 * Unregisters a node whose address somebody else needs, and sets it a tombstone. -ESTALE: it is not
 * as it was read any more, or was not one of store_node_victims.
 */
int store_node_steal(struct store *st, const struct store_node *victim, int64_t now_s);

/* What became of the node with this token, if it was stolen from. 0 or -ENOENT. */
int store_tombstone(struct store *st, const char *token, struct store_tombstone *out);

/*
 * A session of n came to `state`; the round is that of store_unannounced. Counts as use. It may be
 * lost with the power, except for a node's first. *n is then as the row. -ESTALE: also where the
 * node has had a newer epoch.
 */
int store_node_touch(struct store *st, struct store_node *n, enum node_state state,
    uint64_t epoch, int64_t round, int64_t now_s);

/*
 * Both at once, at half the cost: gives it `addr` as store_node_bind does, and a session of it begins
 * to connect, as store_node_touch says.
 */
int store_node_attach(struct store *st, struct store_node *n, const struct ip_addr *addr,
    bool fixed, uint64_t epoch, int64_t round, int64_t now_s);

/* Its session goes on as it was: only the round is noted. May be lost with the power. */
int store_node_announced(struct store *st, int64_t row, int64_t round);

/*
 * Nodes that are connecting or connected, but not in this round (or in STORE_NO_ROUND: all of
 * them) are not connected any more. They count as used now, in the order of their last use. One
 * that began to connect in the round before is left alone: tunneld may have made the announcement
 * while the answer to its Attach was under way. Each gets its event, EVENT_LOST. Returns how many
 * there were.
 */
#define STORE_NO_ROUND (-1)
int store_unannounced(struct store *st, int64_t round, int64_t now_s);

int store_node_delete(struct store *st, const struct store_node *n);	/* -ESTALE */

/* Registrations that never attached and are older than that, without reserved ones; how many. */
int store_nodes_expired(struct store *st, int64_t created_before_s, struct store_node *nodes,
    size_t max);

/* --- addresses -------------------------------------------------------------------------------- */

/* Bound nodes of a network in rows after `after`, in order of rows; how many. */
int store_bindings(struct store *st, int64_t net, int64_t after, struct store_binding *out,
    size_t max);

/*
 * Notes whether a node's address lies outside of what its network can give: such a node keeps it
 * until it attaches, and is not worth reclaiming. May be lost with the power.
 */
int store_node_stale(struct store *st, int64_t row, bool stale);

int store_counts(struct store *st, int64_t net, struct store_counts *out);

/* --- bootstrap tokens ------------------------------------------------------------------------- */

int store_token_add(struct store *st, struct store_token *t);	/* fills t->row. -EEXIST */
int store_token_by_hash(struct store *st, const uint8_t hash[SECRET_HASH_LEN],
    struct store_token *out);	/* 0 or -ENOENT */
int store_token_by_label(struct store *st, const char *label, struct store_token *out);	/* likewise */

/* Those of a network (0: of all) in rows after `after`, in order of rows; how many. */
int store_token_list(struct store *st, int64_t net, int64_t after, struct store_token *out,
    size_t max);
int store_token_use(struct store *st, int64_t row);	/* one use less; -ESTALE: none was left */
int store_token_delete(struct store *st, int64_t row);	/* its promise must be gone. -ESTALE */
int store_token_count(struct store *st, uint64_t *out);

/* Tokens whose life is over; how many. */
int store_tokens_expired(struct store *st, int64_t now_s, struct store_token *out, size_t max);

/* --- kept addresses --------------------------------------------------------------------------- */

/* Fills h->row. -EEXIST: its address is held, or its name has one. */
int store_hold_add(struct store *st, struct store_hold *h);
int store_hold_delete(struct store *st, int64_t row);	/* -ESTALE */

/* 0 or -ENOENT. */
int store_hold_by_addr(struct store *st, int64_t net, const struct ip_addr *addr,
    struct store_hold *out);
int store_hold_by_name(struct store *st, int64_t net, const char *name, struct store_hold *out);
int store_hold_by_token(struct store *st, int64_t token, struct store_hold *out);

/* Those of a network in rows after `after`, in order of rows; how many. */
int store_hold_list(struct store *st, int64_t net, int64_t after, struct store_hold *out,
    size_t max);

/* Those that end, and have ended; how many. */
int store_holds_expired(struct store *st, int64_t now_s, struct store_hold *out, size_t max);

/* How many of each kind a network has. */
int store_hold_counts(struct store *st, int64_t net, uint64_t out[HOLD_REST + 1]);

/* --- answers ---------------------------------------------------------------------------------- */

int store_reply_add(struct store *st, const struct store_reply *r);	/* -EEXIST: digest is had */
int store_reply_by_digest(struct store *st, const uint8_t digest[SECRET_HASH_LEN],
    struct store_reply *out);	/* 0 or -ENOENT */

/* --- forgetting ------------------------------------------------------------------------------- */

/*
 * Forgets tombstones or answers: those that are older than that, and the oldest of those above
 * `keep`, but at most `max` of each. Returns how many. May be lost with the power.
 */
enum store_log { STORE_TOMBSTONES, STORE_REPLIES };
int store_forget(struct store *st, enum store_log which, int64_t before_s, uint64_t keep,
    size_t max);

/* --- events ----------------------------------------------------------------------------------- */

/* Fills e->revision. An event is lost with the power where the change that it tells of may be. */
int store_event_add(struct store *st, struct store_event *e);

/* Those with a revision above `after`, in order; how many. */
int store_event_list(struct store *st, uint64_t after, struct store_event *out, size_t max);

int store_event_span(struct store *st, struct store_event_span *out);

/* Forgets those before that revision, but never the newest. May be lost with the power. */
int store_event_trim(struct store *st, uint64_t before);

/* --- counters --------------------------------------------------------------------------------- */

/* Counts a start: a number above that of every start before, also of those in epochs' high half. */
int store_boot(struct store *st, uint32_t *boot_out);

#endif
