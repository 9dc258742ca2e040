/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_MEMORY_ROWS_H
#define LV_TEST_MEMORY_ROWS_H

#include <assert.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ipamd/store_ops.h"
#include "tests/unit/ipamd/memory.h"

/* Inside of the store in memory: its rows. */

/* A row of a node with what store_node does not show. */
struct memory_line {
	struct store_node n;
	char stamp[STORE_STAMP_MAX];
	enum node_state rest;	/* what it comes to when nobody speaks of its session */
	int64_t round;
	bool stale;
	char labels[STORE_LABELS_MAX + 1];
};

struct memory_tombstone {
	char token[STORE_TOKEN_MAX + 1];
	struct store_tombstone t;
};

struct memory_rows {
	struct memory_line nodes[MEMORY_NODES_MAX];	/* in order of registration, likewise tokens */
	struct store_token tokens[MEMORY_TOKENS_MAX];
	struct store_hold holds[MEMORY_HOLDS_MAX];
	struct store_network networks[MEMORY_NETWORKS_MAX];
	struct store_event events[MEMORY_EVENTS_MAX];	/* the newest ones; in order */
	struct memory_tombstone tombstones[MEMORY_TOMBSTONES_MAX];
	struct store_reply replies[MEMORY_REPLIES_MAX];
	size_t nnodes, ntokens, nholds, nnetworks, nevents, ntombstones, nreplies;
	int64_t row;	/* the last one given, of any kind */
	uint32_t boot;
};

/* Only the rows that are there. */
void memory_copy(struct memory_rows *to, const struct memory_rows *from);

/* Takes the i-th of *n rows of an array out. */
#define MEMORY_REMOVE(rows, n, i)                                                                  \
	memmove((rows) + (i), (rows) + (i) + 1, (--*(n) - (i)) * sizeof((rows)[0]))

/* The rows as they stand, with what waits for the commit. */
struct memory_rows *memory_rows(struct store *st);

/* At the head of each operation: does this call fail? */
bool memory_trip(struct store *st);
#define MEMORY_TRIP(st)                                                                            \
	do {                                                                                       \
		if (memory_trip(st))                                                               \
			return -REASON_STORE_FAILED;                                               \
	} while (0)

/* Is its session one that counts? */
bool memory_is_live(const struct store_node *n);

/* The order of use. */
bool memory_used_before(const struct memory_line *a, const struct memory_line *b);
void memory_mark_use(struct memory_line *l, const struct store_use *use);

/* Appends the event of a node that nobody has announced. */
void memory_append_lost(struct memory_rows *r, const struct store_node *n, int64_t now_s);

/* What the table of functions in memory.c points to. */
int memory_network_list(struct store *st, struct store_network *out, size_t max);
int memory_network_add(struct store *st, struct store_network *n);
int memory_network_change(struct store *st, const struct store_network *n);
int memory_network_delete(struct store *st, int64_t id);
int memory_network_clear(struct store *st, int64_t id, uint64_t epoch,
    const struct store_use *use);
int memory_node_find(struct store *st, enum store_by by, const struct store_node *like,
    struct store_node *out);
int memory_node_keys(struct store *st, struct store_node *n);
int memory_node_list(struct store *st, int64_t net, int64_t after, struct store_node *nodes,
    size_t max);
int memory_node_victims(struct store *st, int64_t net, struct store_node *nodes, size_t max);
int memory_nodes_expired(struct store *st, int64_t created_before_s, struct store_node *nodes,
    size_t max);
int memory_node_add(struct store *st, struct store_node *n, const struct store_use *use);
int memory_node_bind(struct store *st, const struct store_node *n, const struct ip_addr *addr,
    bool fixed, const struct store_use *use);
int memory_node_describe(struct store *st, const struct store_node *n, const char *display_name,
    const char *labels);
int memory_labels(struct store *st, int64_t net, int64_t first, int64_t last,
    struct store_labels *out, size_t max);
int memory_node_steal(struct store *st, const struct store_node *victim, int64_t now_s);
int memory_tombstone(struct store *st, const char *token, struct store_tombstone *out);
int memory_node_attach(struct store *st, const struct store_node *n, const struct ip_addr *addr,
    bool fixed, uint64_t epoch, int64_t round, const struct store_use *use);
int memory_node_touch(struct store *st, const struct store_node *n, enum node_state state,
    uint64_t epoch, int64_t round, const struct store_use *use);
int memory_node_announced(struct store *st, int64_t row, int64_t round);
int memory_node_stale(struct store *st, int64_t row, bool stale);
int memory_node_delete(struct store *st, const struct store_node *n);
int memory_unannounced(struct store *st, int64_t round, const struct store_use *use);
int memory_bindings(struct store *st, int64_t net, int64_t after, struct store_binding *out,
    size_t max);
int memory_counts(struct store *st, int64_t net, struct store_counts *out);
int memory_token_add(struct store *st, struct store_token *t);
int memory_token_by_hash(struct store *st, const uint8_t hash[SECRET_HASH_LEN],
    struct store_token *out);
int memory_token_by_label(struct store *st, const char *label, struct store_token *out);
int memory_token_list(struct store *st, int64_t net, int64_t after, struct store_token *out,
    size_t max);
int memory_token_use(struct store *st, int64_t row);
int memory_token_delete(struct store *st, int64_t row);
int memory_token_count(struct store *st, uint64_t *out);
int memory_tokens_expired(struct store *st, int64_t now_s, struct store_token *out, size_t max);
int memory_hold_add(struct store *st, struct store_hold *h);
int memory_hold_delete(struct store *st, int64_t row);
int memory_hold_find(struct store *st, enum store_hold_by by, const struct store_hold *like,
    struct store_hold *out);
int memory_hold_list(struct store *st, int64_t net, int64_t after, struct store_hold *out,
    size_t max);
int memory_holds_expired(struct store *st, int64_t now_s, struct store_hold *out, size_t max);
int memory_hold_counts(struct store *st, int64_t net, uint64_t out[HOLD_REST + 1]);
int memory_reply_add(struct store *st, const struct store_reply *r);
int memory_reply_by_digest(struct store *st, const uint8_t digest[SECRET_HASH_LEN],
    struct store_reply *out);
int memory_forget(struct store *st, enum store_log which, int64_t before_s, uint64_t keep,
    size_t max);
int memory_event_add(struct store *st, struct store_event *e);
int memory_event_list(struct store *st, uint64_t after, struct store_event *out, size_t max);
int memory_event_span(struct store *st, struct store_event_span *out);
int memory_event_trim(struct store *st, uint64_t before);
int memory_boot(struct store *st, uint32_t at_least, uint32_t *boot_out);

#endif
