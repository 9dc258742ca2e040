/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store_sql.h"

#include <errno.h>
#include <string.h>

/* The store's rows of answers, and how they and tombstones are forgotten. */

int
sql_reply_add(struct store *st, const struct store_reply *r)
{
	return sql_run(st, SQL_REPLY_ADD, ARGS(ARG_B(r->digest, sizeof(r->digest)),
	    ARG_B(r->body, sizeof(r->body)), ARG_B(r->salt, sizeof(r->salt)),
	    ARG_B(r->bytes, r->len), ARG_I(r->time_s)));
}

int
sql_reply_by_digest(struct store *st, const uint8_t digest[SECRET_HASH_LEN],
    struct store_reply *out)
{
	int rc = sql_query(st, SQL_REPLY_BY_DIGEST, ARGS(ARG_B(digest, SECRET_HASH_LEN)));

	if (rc < 0 || (rc = sql_next(st, SQL_REPLY_BY_DIGEST)) < 0)
		return rc;
	if (rc == 0)
		return -ENOENT;
	sql_blob(st, SQL_REPLY_BY_DIGEST, 0, out->digest, sizeof(out->digest));
	sql_blob(st, SQL_REPLY_BY_DIGEST, 1, out->body, sizeof(out->body));
	sql_blob(st, SQL_REPLY_BY_DIGEST, 2, out->salt, sizeof(out->salt));
	out->len = sql_bytes(st, SQL_REPLY_BY_DIGEST, 3, out->bytes, sizeof(out->bytes));
	out->time_s = sql_int(st, SQL_REPLY_BY_DIGEST, 4);
	sql_done(st, SQL_REPLY_BY_DIGEST);
	return 0;
}

/* With the keys of the nodes that the tombstones are of. Returns how many rows went. */
static int
forget(struct store *st, enum store_log which, enum store_stmt keys, enum store_stmt rows,
    int64_t bound, size_t max)
{
	int rc = which == STORE_REPLIES ? 0 : sql_run(st, keys, ARGS(ARG_I(bound), ARG_I(max)));

	if (rc == 0)
		rc = sql_run(st, rows, ARGS(ARG_I(bound), ARG_I(max)));
	return rc < 0 ? rc : (int) sql_changes(st);
}

int
sql_forget(struct store *st, enum store_log which, int64_t before_s, uint64_t keep, size_t max)
{
	static const struct {
		enum store_stmt old_keys, old, surplus_keys, surplus;
	} stmts[] = {
		[STORE_TOMBSTONES] = { SQL_TOMBSTONES_OLD_KEYS, SQL_TOMBSTONES_OLD,
			SQL_TOMBSTONES_SURPLUS_KEYS, SQL_TOMBSTONES_SURPLUS },
		[STORE_REPLIES] = { .old = SQL_REPLIES_OLD, .surplus = SQL_REPLIES_SURPLUS },
	};
	int old = forget(st, which, stmts[which].old_keys, stmts[which].old, before_s, max);
	int surplus = old < 0 ? old : forget(st, which, stmts[which].surplus_keys,
	    stmts[which].surplus, (int64_t) keep, max);

	return surplus < 0 ? surplus : old + surplus;
}
