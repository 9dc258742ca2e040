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

int
sql_forget(struct store *st, enum store_log which, int64_t before_s, uint64_t keep, size_t max)
{
	static const struct {
		enum store_stmt old, surplus;
	} stmts[] = {
		[STORE_TOMBSTONES] = { SQL_TOMBSTONES_OLD, SQL_TOMBSTONES_SURPLUS },
		[STORE_REPLIES] = { SQL_REPLIES_OLD, SQL_REPLIES_SURPLUS },
	};
	int rc = sql_run(st, stmts[which].old, ARGS(ARG_I(before_s), ARG_I(max)));
	int64_t n;

	if (rc < 0)
		return rc;
	n = sql_changes(st);
	rc = sql_run(st, stmts[which].surplus, ARGS(ARG_I(keep), ARG_I(max)));
	return rc < 0 ? rc : (int) (n + sql_changes(st));
}
