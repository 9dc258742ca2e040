/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store_sql.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The store's rows of bootstrap tokens: struct store_token and their columns, both ways. */

static int
read_one(struct store *st, enum store_stmt s, const struct sql_arg *args, size_t nargs,
    struct store_token *out)
{
	int rc = sql_query(st, s, args, nargs);

	if (rc < 0 || (rc = sql_next(st, s)) < 0)
		return rc;
	if (rc == 0)
		return -ENOENT;
	memset(out, 0, sizeof(*out));
	out->row = sql_int(st, s, 0);
	snprintf(out->label, sizeof(out->label), "%s", sql_text(st, s, 1));
	sql_blob(st, s, 2, out->hash, sizeof(out->hash));
	out->net = sql_int(st, s, 3);
	out->addr = sql_addr(st, s, 4);
	out->uses_left = (unsigned) sql_int(st, s, 5);
	out->expire_s = sql_int(st, s, 6);
	sql_done(st, s);
	return 0;
}

int
sql_token_by_hash(struct store *st, const uint8_t hash[SECRET_HASH_LEN], struct store_token *out)
{
	return read_one(st, SQL_TOKEN_BY_HASH, ARGS(ARG_B(hash, SECRET_HASH_LEN)), out);
}

int
sql_token_by_promise(struct store *st, int64_t net, const struct ip_addr *addr,
    struct store_token *out)
{
	char text[IP_TEXT_MAX];

	return read_one(st, SQL_TOKEN_BY_PROMISE,
	    ARGS(ARG_I(net), ARG_T(sql_addr_text(addr, text))), out);
}

int
sql_token_add(struct store *st, struct store_token *t)
{
	char text[IP_TEXT_MAX];
	int rc = sql_run(st, SQL_TOKEN_ADD, ARGS(ARG_T(t->label),
	    ARG_B(t->hash, sizeof(t->hash)), ARG_I(t->net),
	    ARG_T(sql_addr_text(&t->addr, text)), ARG_I(t->uses_left), ARG_I(t->expire_s)));

	if (rc < 0)
		return rc;
	t->row = sql_added(st);
	return 0;
}

int
sql_token_use(struct store *st, int64_t row)
{
	return sql_change(st, SQL_TOKEN_USE, ARGS(ARG_I(row)));
}

int
sql_token_delete(struct store *st, int64_t row)
{
	return sql_run(st, SQL_TOKEN_DELETE, ARGS(ARG_I(row)));
}

int
sql_token_count(struct store *st, uint64_t *out)
{
	int rc = sql_query(st, SQL_TOKEN_COUNT, NULL, 0);

	if (rc < 0 || (rc = sql_next(st, SQL_TOKEN_COUNT)) < 0)
		return rc;
	*out = (uint64_t) sql_int(st, SQL_TOKEN_COUNT, 0);
	sql_done(st, SQL_TOKEN_COUNT);
	return 0;
}

int
sql_tokens_expired(struct store *st, int64_t now_s, struct store_binding *out, size_t max)
{
	int rc = sql_query(st, SQL_TOKENS_EXPIRED, ARGS(ARG_I(now_s), ARG_I(max)));

	return rc < 0 ? rc : sql_read_bindings(st, SQL_TOKENS_EXPIRED, out, max);
}

int
sql_promises(struct store *st, int64_t net, int64_t after, struct store_binding *out, size_t max)
{
	int rc = sql_query(st, SQL_PROMISES, ARGS(ARG_I(net), ARG_I(after), ARG_I(max)));

	return rc < 0 ? rc : sql_read_bindings(st, SQL_PROMISES, out, max);
}
