/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_STORE_SQL_H
#define LV_IPAMD_STORE_SQL_H

#include <stddef.h>
#include <stdint.h>

#include "daemons/ipamd/store.h"

/*
 * Inside of the store: its statements, and how store_node.c, store_token.c and migrate.c run them
 * without knowing the library. Nobody else includes this (but the test of the query plans).
 */

enum store_stmt {
	SQL_BEGIN, SQL_SAVEPOINT, SQL_RELEASE, SQL_ROLLBACK_TO, SQL_COMMIT, SQL_ROLLBACK,
	SQL_HIGHEST, SQL_BOOT,
	SQL_NODE_BY_TOKEN, SQL_NODE_BY_ID, SQL_NODE_BY_KEYS, SQL_NODE_LIST, SQL_NODE_OLDEST,
	SQL_NODE_ADD, SQL_NODE_BIND, SQL_NODE_SESSION, SQL_NODE_ANNOUNCED, SQL_NODE_STALE,
	SQL_NODE_DELETE, SQL_UNANNOUNCED, SQL_NODES_EXPIRED, SQL_BINDINGS,
	SQL_COUNT_BOUND, SQL_COUNT_UNBOUND, SQL_COUNT_CONNECTED,
	SQL_TOKEN_ADD, SQL_TOKEN_BY_HASH, SQL_TOKEN_BY_PROMISE, SQL_TOKEN_USE, SQL_TOKEN_DELETE,
	SQL_TOKEN_COUNT, SQL_TOKENS_EXPIRED, SQL_PROMISES,
	SQL_EVENT_ADD, SQL_EVENT_LOST, SQL_EVENT_LIST, SQL_EVENT_SPAN, SQL_EVENT_TRIM,
	SQL_STATEMENTS
};

extern const char *const store_sql[SQL_STATEMENTS];

/* The numbers of vpn_mgr.state (the seed's) and of vpn_mgr.phase, which tells -1 apart. */
enum { ROW_IDLE = -1, ROW_CONNECTING = 1, ROW_CONNECTED = 3 };
enum { PHASE_NEVER = 0, PHASE_LOST = 1, PHASE_LEFT = 2 };

/* A value for a statement's next parameter; bytes and texts are borrowed for the call. */
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
int store_run(struct store *st, enum store_stmt which, const struct sql_arg *args, size_t nargs);

/*
 * Rows: store_query, then store_next until it returns 0 (1: a row is there; below 0: it failed),
 * or store_done to leave off. Columns count from 0.
 */
int store_query(struct store *st, enum store_stmt which, const struct sql_arg *args, size_t nargs);
int store_next(struct store *st, enum store_stmt which);
void store_done(struct store *st, enum store_stmt which);
int64_t store_int(struct store *st, enum store_stmt which, int column);
const char *store_text(struct store *st, enum store_stmt which, int column);	/* never NULL */
void store_blob(struct store *st, enum store_stmt which, int column, void *out, size_t len);

/* Runs statements separated by semicolons, for schema steps. Outside of requests. */
int store_script(struct store *st, const char *sql);

/* The one number that a query without parameters gives; for pragmas. */
int store_pragma(struct store *st, const char *sql, int64_t *out);

/* Notes that changes wait for the commit. */
void store_wants(struct store *st, enum store_due due);

/* Rows that the last statement has changed; the row that it has added. */
int64_t store_changes(struct store *st);
int64_t store_added(struct store *st);

/* Local time as the seed's columns show it. */
#define STORE_STAMP_MAX 20
void store_local(int64_t now_s, char out[STORE_STAMP_MAX]);

/* The stamp of a use now, and its number: neither below those of any use before. */
struct store_use {
	const char *stamp;
	int64_t seq;
};
struct store_use store_use(struct store *st, int64_t now_s);

/* `n` more numbers were given out by a statement itself. */
void store_used(struct store *st, int64_t n);

/* The highest epoch that stood in a row when the store was opened. */
uint64_t store_highest_epoch(const struct store *st);

/* "" for none, and back (text that is no address is none). */
const char *store_addr_text(const struct ip_addr *addr, char buf[IP_TEXT_MAX]);
struct ip_addr store_addr(struct store *st, enum store_stmt which, int column);

/* All rows of a query for bindings: row, network, address, staleness. How many. */
int store_read_bindings(struct store *st, enum store_stmt which, struct store_binding *out,
    size_t max);

#endif
