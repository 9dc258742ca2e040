/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_MEMORY_ROWS_H
#define LV_TEST_MEMORY_ROWS_H

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
};

struct memory_rows {
	struct memory_line nodes[MEMORY_NODES_MAX];	/* in order of registration, likewise tokens */
	struct store_token tokens[MEMORY_TOKENS_MAX];
	struct store_event events[MEMORY_EVENTS_MAX];	/* the newest ones; in order */
	size_t nnodes, ntokens, nevents;
	int64_t node_row, token_row;	/* the last ones given */
	uint32_t boot;
};

/* The rows as they stand, with what waits for the commit. */
struct memory_rows *memory_rows(struct store *st);

/* At the head of each operation: does this call fail? */
bool memory_trip(struct store *st);
#define MEMORY_TRIP(st)                                                                            \
	do {                                                                                       \
		if (memory_trip(st))                                                               \
			return -REASON_STORE_FAILED;                                               \
	} while (0)

/* Appends the event of a node that nobody has announced. */
void memory_append_lost(struct memory_rows *r, const struct store_node *n, int64_t now_s);

/* What the table of functions in memory.c points to. */
int memory_node_find(struct store *st, enum store_by by, const struct store_node *like,
    struct store_node *out);
int memory_node_list(struct store *st, int64_t after, struct store_node *nodes, size_t max);
int memory_node_victims(struct store *st, int64_t net, struct store_node *nodes, size_t max);
int memory_nodes_expired(struct store *st, int64_t created_before_s, struct store_node *nodes,
    size_t max);
int memory_node_add(struct store *st, struct store_node *n, const struct store_use *use);
int memory_node_bind(struct store *st, const struct store_node *n, const struct ip_addr *addr,
    bool fixed, const struct store_use *use);
int memory_node_steal(struct store *st, const struct store_node *victim);
int memory_node_touch(struct store *st, const struct store_node *n, enum node_state state,
    uint64_t epoch, int64_t round, const struct store_use *use);
int memory_node_announced(struct store *st, int64_t row, int64_t round);
int memory_node_stale(struct store *st, int64_t row, bool stale);
int memory_node_delete(struct store *st, const struct store_node *n);
int memory_unannounced(struct store *st, int64_t round, const struct store_use *use);
int memory_bindings(struct store *st, int64_t net, int64_t after, struct store_binding *out,
    size_t max);
int memory_promises(struct store *st, int64_t net, int64_t after, struct store_binding *out,
    size_t max);
int memory_counts(struct store *st, int64_t net, struct store_counts *out);
int memory_token_add(struct store *st, struct store_token *t);
int memory_token_by_hash(struct store *st, const uint8_t hash[SECRET_HASH_LEN],
    struct store_token *out);
int memory_token_by_promise(struct store *st, int64_t net, const struct ip_addr *addr,
    struct store_token *out);
int memory_token_use(struct store *st, int64_t row);
int memory_token_delete(struct store *st, int64_t row);
int memory_token_count(struct store *st, uint64_t *out);
int memory_tokens_expired(struct store *st, int64_t now_s, struct store_binding *out, size_t max);
int memory_event_add(struct store *st, struct store_event *e);
int memory_event_list(struct store *st, uint64_t after, struct store_event *out, size_t max);
int memory_event_span(struct store *st, struct store_event_span *out);
int memory_event_trim(struct store *st, uint64_t before);
int memory_boot(struct store *st, uint32_t at_least, uint32_t *boot_out);

#endif
