/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_STORE_SQL_H
#define LV_IPAMD_STORE_SQL_H

#include <stddef.h>
#include <stdint.h>

#include "daemons/ipamd/store_ops.h"

/*
 * Inside of the store in sqlite: its statements, and how store_sqlite_*.c run them without
 * knowing the library. Nobody else includes this (but the test of the query plans).
 */

enum store_stmt {
	SQL_BEGIN, SQL_SAVEPOINT, SQL_RELEASE, SQL_ROLLBACK_TO, SQL_COMMIT, SQL_ROLLBACK,
	SQL_HIGHEST, SQL_BOOT,
	SQL_NET_LIST, SQL_NET_ADD, SQL_NET_CHANGE, SQL_NET_DELETE, SQL_NET_DELETE_KEYS, SQL_NET_DELETE_NODES,
	SQL_NET_DELETE_TOKENS, SQL_NET_DELETE_HOLDS, SQL_NET_CLEAR, SQL_NET_CLEAR_HOLDS,
	SQL_NODE_BY_TOKEN, SQL_NODE_BY_ADDR, SQL_NODE_BY_ID, SQL_NODE_BY_KEYS, SQL_NODE_LIST,
	SQL_KEYS_ADD, SQL_KEYS, SQL_KEYS_DELETE, SQL_NODE_VICTIMS, SQL_LABELS,
	SQL_NODE_ADD, SQL_NODE_DESCRIBE, SQL_NODE_BIND, SQL_NODE_ATTACH, SQL_NODE_STEAL, SQL_NODE_TOUCH,
	SQL_NODE_ANNOUNCED, SQL_NODE_STALE,
	SQL_NODE_DELETE, SQL_UNANNOUNCED, SQL_NODES_EXPIRED, SQL_BINDINGS,
	SQL_COUNT_BOUND, SQL_COUNT_UNBOUND, SQL_COUNT_CONNECTED,
	SQL_TOKEN_ADD, SQL_TOKEN_BY_HASH, SQL_TOKEN_BY_LABEL, SQL_TOKEN_LIST, SQL_TOKEN_USE, SQL_TOKEN_DELETE,
	SQL_TOKEN_COUNT, SQL_TOKENS_EXPIRED,
	SQL_HOLD_ADD, SQL_HOLD_DELETE, SQL_HOLD_BY_ADDR, SQL_HOLD_BY_NAME, SQL_HOLD_BY_TOKEN,
	SQL_HOLD_LIST, SQL_HOLDS_EXPIRED, SQL_HOLD_COUNTS,
	SQL_TOMBSTONE_ADD, SQL_TOMBSTONE, SQL_TOMBSTONES_OLD, SQL_TOMBSTONES_OLD_KEYS,
	SQL_TOMBSTONES_SURPLUS, SQL_TOMBSTONES_SURPLUS_KEYS,
	SQL_REPLY_ADD, SQL_REPLY_BY_DIGEST, SQL_REPLIES_OLD, SQL_REPLIES_SURPLUS,
	SQL_EVENT_ADD, SQL_EVENT_LOST, SQL_EVENT_LIST, SQL_EVENT_SPAN, SQL_EVENT_TRIM,
	SQL_STATEMENTS
};

extern const char *const store_sql[SQL_STATEMENTS];

/* The numbers of vpn_mgr.state (the seed's) and of vpn_mgr.phase, which tells -1 apart. */
enum { ROW_IDLE = -1, ROW_CONNECTING = 1, ROW_CONNECTED = 3 };
enum { PHASE_NEVER = 0, PHASE_LOST = 1, PHASE_LEFT = 2 };

/* A value for a statement's next parameter; bytes and texts must live until the rows are read. */
struct sql_arg {
	const void *bytes;	/* NULL: an integer */
	size_t len;
	int64_t number;
	enum { ARG_INT, ARG_TEXT, ARG_BLOB, ARG_NULL } kind;
};

#define ARG_I(v)	((struct sql_arg){ .kind = ARG_INT, .number = (int64_t) (v) })
#define ARG_T(s)	((struct sql_arg){ .kind = ARG_TEXT, .bytes = (s) })
#define ARG_B(p, n)	((struct sql_arg){ .kind = ARG_BLOB, .bytes = (p), .len = (n) })
#define ARG_0		((struct sql_arg){ .kind = ARG_NULL })
#define ARGS(...)	(const struct sql_arg[]){ __VA_ARGS__ }, \
			sizeof((const struct sql_arg[]){ __VA_ARGS__ }) / sizeof(struct sql_arg)

/* Runs a statement that gives no rows. 0, -EEXIST for a value that must be unique, or failure. */
int sql_run(struct store *st, enum store_stmt which, const struct sql_arg *args, size_t nargs);

/* Runs one that changes a row; -ESTALE where none was as it says. */
int sql_change(struct store *st, enum store_stmt which, const struct sql_arg *args, size_t nargs);

/*
 * Rows: store_query, then store_next until it returns 0 (1: a row is there; below 0: it failed),
 * or store_done to leave off. Columns count from 0.
 */
int sql_query(struct store *st, enum store_stmt which, const struct sql_arg *args, size_t nargs);
int sql_next(struct store *st, enum store_stmt which);
void sql_done(struct store *st, enum store_stmt which);
int64_t sql_int(struct store *st, enum store_stmt which, int column);
const char *sql_text(struct store *st, enum store_stmt which, int column);	/* never NULL */
bool sql_is_null(struct store *st, enum store_stmt which, int column);

/* Exactly len bytes, or zeros. Up to max bytes; how many. */
void sql_blob(struct store *st, enum store_stmt which, int column, void *out, size_t len);
size_t sql_bytes(struct store *st, enum store_stmt which, int column, void *out, size_t max);

/* Rows that the last statement has changed; the row that it has added. */
int64_t sql_changes(struct store *st);
int64_t sql_added(struct store *st);

/* "" for none, and back (text that is no address is none). */
const char *sql_addr_text(const struct ip_addr *addr, char buf[IP_TEXT_MAX]);
struct ip_addr sql_addr(struct store *st, enum store_stmt which, int column);

/* What the table of functions in store_sqlite.c points to; store_ops.h says what each does. */
int sql_network_list(struct store *st, struct store_network *out, size_t max);
int sql_network_add(struct store *st, struct store_network *n);
int sql_network_change(struct store *st, const struct store_network *n);
int sql_network_delete(struct store *st, int64_t id);
int sql_network_clear(struct store *st, int64_t id, uint64_t epoch, const struct store_use *use);
int sql_node_find(struct store *st, enum store_by by, const struct store_node *like,
    struct store_node *out);
int sql_node_keys(struct store *st, struct store_node *n);
int sql_node_list(struct store *st, int64_t net, int64_t after, struct store_node *nodes,
    size_t max);
int sql_node_victims(struct store *st, int64_t net, struct store_node *nodes, size_t max);
int sql_nodes_expired(struct store *st, int64_t created_before_s, struct store_node *nodes,
    size_t max);
int sql_node_add(struct store *st, struct store_node *n, const struct store_use *use);
int sql_node_bind(struct store *st, const struct store_node *n, const struct ip_addr *addr,
    bool fixed, const struct store_use *use);
int sql_node_describe(struct store *st, const struct store_node *n, const char *display_name,
    const char *labels);
int sql_labels(struct store *st, int64_t net, int64_t first, int64_t last,
    struct store_labels *out, size_t max);
int sql_node_steal(struct store *st, const struct store_node *victim, int64_t now_s);
int sql_tombstone(struct store *st, const char *token, struct store_tombstone *out);
int sql_node_attach(struct store *st, const struct store_node *n, const struct ip_addr *addr,
    bool fixed, uint64_t epoch, int64_t round, const struct store_use *use);
int sql_node_touch(struct store *st, const struct store_node *n, enum node_state state,
    uint64_t epoch, int64_t round, const struct store_use *use);
int sql_node_announced(struct store *st, int64_t row, int64_t round);
int sql_node_stale(struct store *st, int64_t row, bool stale);
int sql_node_delete(struct store *st, const struct store_node *n);
int sql_unannounced(struct store *st, int64_t round, const struct store_use *use);
int sql_bindings(struct store *st, int64_t net, int64_t after, struct store_binding *out,
    size_t max);
int sql_counts(struct store *st, int64_t net, struct store_counts *out);
int sql_token_add(struct store *st, struct store_token *t);
int sql_token_by_hash(struct store *st, const uint8_t hash[SECRET_HASH_LEN],
    struct store_token *out);
int sql_token_by_label(struct store *st, const char *label, struct store_token *out);
int sql_token_list(struct store *st, int64_t net, int64_t after, struct store_token *out,
    size_t max);
int sql_token_use(struct store *st, int64_t row);
int sql_token_delete(struct store *st, int64_t row);
int sql_token_count(struct store *st, uint64_t *out);
int sql_tokens_expired(struct store *st, int64_t now_s, struct store_token *out, size_t max);
int sql_hold_add(struct store *st, struct store_hold *h);
int sql_hold_delete(struct store *st, int64_t row);
int sql_hold_find(struct store *st, enum store_hold_by by, const struct store_hold *like,
    struct store_hold *out);
int sql_hold_list(struct store *st, int64_t net, int64_t after, struct store_hold *out,
    size_t max);
int sql_holds_expired(struct store *st, int64_t now_s, struct store_hold *out, size_t max);
int sql_hold_counts(struct store *st, int64_t net, uint64_t out[HOLD_REST + 1]);
int sql_reply_add(struct store *st, const struct store_reply *r);
int sql_reply_by_digest(struct store *st, const uint8_t digest[SECRET_HASH_LEN],
    struct store_reply *out);
int sql_forget(struct store *st, enum store_log which, int64_t before_s, uint64_t keep,
    size_t max);
int sql_event_add(struct store *st, struct store_event *e);
int sql_event_list(struct store *st, uint64_t after, struct store_event *out, size_t max);
int sql_event_span(struct store *st, struct store_event_span *out);
int sql_event_trim(struct store *st, uint64_t before);
int sql_boot(struct store *st, uint32_t at_least, uint32_t *boot_out);

#endif
