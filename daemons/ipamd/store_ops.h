/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_STORE_OPS_H
#define LV_IPAMD_STORE_OPS_H

#include "daemons/ipamd/store.h"

/*
 * What stands behind store.h: a table of functions for each way to keep rows. Only implementations
 * include this, and what is the same for all of them: store.c (what a failure means, what waits for
 * the commit, the order of use) and store_node.c, by store_inside.h.
 */

/* A use now: its stamp as update_time shows it (local time) and its number, both never falling. */
#define STORE_STAMP_MAX 20
struct store_use {
	char stamp[STORE_STAMP_MAX];
	int64_t seq;
	int64_t now_s;
};

/* Local time as the columns of the seed's table show it. */
void store_stamp(int64_t now_s, char out[STORE_STAMP_MAX]);

/* What identifies a node that is looked for; the others of its fields do not count. */
enum store_by { BY_TOKEN, BY_ID, BY_KEYS, BY_ADDR };

/* Likewise a kept address. */
enum store_hold_by { HOLD_BY_ADDR, HOLD_BY_NAME, HOLD_BY_TOKEN };

/*
 * Functions return 0 (or how many) or what store.h says; -REASON_STORE_FAILED for a failure of
 * their own, with st->failure filled, and st->broken where nothing can be trusted any more. After
 * such a failure nothing but rollback follows.
 */
struct store_ops {
	void (*close)(struct store *st);

	/*
	 * request opens the transaction where none is open; commit without one does nothing.
	 * accept and refuse come after a guard only: they end it, refuse undoes all since.
	 */
	int (*request)(struct store *st);
	int (*guard)(struct store *st);
	int (*accept)(struct store *st);
	int (*refuse)(struct store *st);
	int (*commit)(struct store *st);
	int (*rollback)(struct store *st);

	int (*network_list)(struct store *st, struct store_network *out, size_t max);
	int (*network_add)(struct store *st, struct store_network *n);
	int (*network_change)(struct store *st, const struct store_network *n);
	int (*network_delete)(struct store *st, int64_t id);
	/* Returns how many nodes there are: they get the numbers that follow use->seq. */
	int (*network_clear)(struct store *st, int64_t id, uint64_t epoch,
	    const struct store_use *use);

	int (*node_find)(struct store *st, enum store_by by, const struct store_node *like,
	    struct store_node *out);
	int (*node_keys)(struct store *st, struct store_node *n);
	int (*node_list)(struct store *st, int64_t net, int64_t after, struct store_node *nodes,
	    size_t max);
	int (*node_victims)(struct store *st, int64_t net, struct store_node *nodes, size_t max);
	int (*nodes_expired)(struct store *st, int64_t created_before_s, struct store_node *nodes,
	    size_t max);
	int (*node_add)(struct store *st, struct store_node *n, const struct store_use *use);
	int (*node_bind)(struct store *st, const struct store_node *n, const struct ip_addr *addr,
	    bool fixed, const struct store_use *use);
	int (*node_describe)(struct store *st, const struct store_node *n, const char *display_name,
	    const char *labels);
	int (*labels)(struct store *st, int64_t net, int64_t first, int64_t last,
	    struct store_labels *out, size_t max);
	int (*node_steal)(struct store *st, const struct store_node *victim, int64_t now_s);
	int (*tombstone)(struct store *st, const char *token, struct store_tombstone *out);
	int (*node_touch)(struct store *st, const struct store_node *n, enum node_state state,
	    uint64_t epoch, int64_t round, const struct store_use *use);
	int (*node_attach)(struct store *st, const struct store_node *n, const struct ip_addr *addr,
	    bool fixed, uint64_t epoch, int64_t round, const struct store_use *use);
	int (*node_announced)(struct store *st, int64_t row, int64_t round);
	int (*node_stale)(struct store *st, int64_t row, bool stale);
	int (*node_delete)(struct store *st, const struct store_node *n);
	/* Returns how many there were, likewise. */
	int (*unannounced)(struct store *st, int64_t round, const struct store_use *use);

	int (*bindings)(struct store *st, int64_t net, int64_t after, struct store_binding *out,
	    size_t max);
	int (*counts)(struct store *st, int64_t net, struct store_counts *out);

	int (*token_add)(struct store *st, struct store_token *t);
	int (*token_by_hash)(struct store *st, const uint8_t hash[SECRET_HASH_LEN],
	    struct store_token *out);
	int (*token_by_label)(struct store *st, const char *label, struct store_token *out);
	int (*token_list)(struct store *st, int64_t net, int64_t after, struct store_token *out,
	    size_t max);
	int (*token_use)(struct store *st, int64_t row);
	int (*token_delete)(struct store *st, int64_t row);
	int (*token_count)(struct store *st, uint64_t *out);
	int (*tokens_expired)(struct store *st, int64_t now_s, struct store_token *out, size_t max);

	int (*hold_add)(struct store *st, struct store_hold *h);
	int (*hold_delete)(struct store *st, int64_t row);
	int (*hold_find)(struct store *st, enum store_hold_by by, const struct store_hold *like,
	    struct store_hold *out);
	int (*hold_list)(struct store *st, int64_t net, int64_t after, struct store_hold *out,
	    size_t max);
	int (*holds_expired)(struct store *st, int64_t now_s, struct store_hold *out, size_t max);
	int (*hold_counts)(struct store *st, int64_t net, uint64_t out[HOLD_REST + 1]);

	int (*reply_add)(struct store *st, const struct store_reply *r);
	int (*reply_by_digest)(struct store *st, const uint8_t digest[SECRET_HASH_LEN],
	    struct store_reply *out);
	int (*forget)(struct store *st, enum store_log which, int64_t before_s, uint64_t keep,
	    size_t max);

	int (*event_add)(struct store *st, struct store_event *e);
	int (*event_list)(struct store *st, uint64_t after, struct store_event *out, size_t max);
	int (*event_span)(struct store *st, struct store_event_span *out);
	int (*event_trim)(struct store *st, uint64_t before);

	int (*boot)(struct store *st, uint32_t at_least, uint32_t *boot_out);
};

#define STORE_FAILURE_MAX 256

/* The first member of each implementation's struct. */
struct store {
	const struct store_ops *ops;
	enum store_due due;
	bool doomed;	/* what waits can only be thrown away */
	bool guarded;	/* the request under way can be undone */
	bool changed;	/* it has changed something before it could */
	bool broken;
	char newest[STORE_STAMP_MAX];	/* not below any update_time; seq likewise */
	int64_t newest_s;	/* the time for which it was found out last */
	int64_t seq;
	uint64_t highest_epoch;		/* that stood in a row when the store was opened */
	char failure[STORE_FAILURE_MAX];
};

#endif
