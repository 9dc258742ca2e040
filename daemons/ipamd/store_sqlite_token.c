/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store_sql.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The store's rows of bootstrap tokens: struct store_token and their columns, both ways. */

static void
read_token(struct store *st, enum store_stmt s, struct store_token *t)
{
	memset(t, 0, sizeof(*t));
	t->row = sql_int(st, s, 0);
	snprintf(t->label, sizeof(t->label), "%s", sql_text(st, s, 1));
	sql_blob(st, s, 2, t->hash, sizeof(t->hash));
	t->net = sql_int(st, s, 3);
	t->uses = (unsigned) sql_int(st, s, 4);
	t->uses_left = (unsigned) sql_int(st, s, 5);
	t->create_s = sql_int(st, s, 6);
	t->expire_s = sql_int(st, s, 7);
}

/* All rows of a query for tokens; how many. */
static int
read_tokens(struct store *st, enum store_stmt s, struct store_token *out, size_t max)
{
	size_t n = 0;
	int rc = 0;

	while (n < max && (rc = sql_next(st, s)) > 0)
		read_token(st, s, &out[n++]);
	sql_done(st, s);
	return rc < 0 ? rc : (int) n;
}

int
sql_token_by_hash(struct store *st, const uint8_t hash[SECRET_HASH_LEN], struct store_token *out)
{
	int rc = sql_query(st, SQL_TOKEN_BY_HASH, ARGS(ARG_B(hash, SECRET_HASH_LEN)));

	if (rc == 0)
		rc = read_tokens(st, SQL_TOKEN_BY_HASH, out, 1);
	return rc < 0 ? rc : rc == 0 ? -ENOENT : 0;
}

int
sql_token_by_label(struct store *st, const char *label, struct store_token *out)
{
	int rc = sql_query(st, SQL_TOKEN_BY_LABEL, ARGS(ARG_T(label)));

	if (rc == 0)
		rc = read_tokens(st, SQL_TOKEN_BY_LABEL, out, 1);
	return rc < 0 ? rc : rc == 0 ? -ENOENT : 0;
}

int
sql_token_list(struct store *st, int64_t net, int64_t after, struct store_token *out, size_t max)
{
	int rc = sql_query(st, SQL_TOKEN_LIST, ARGS(ARG_I(net), ARG_I(after), ARG_I(max)));

	return rc < 0 ? rc : read_tokens(st, SQL_TOKEN_LIST, out, max);
}

int
sql_token_add(struct store *st, struct store_token *t)
{
	int rc = sql_run(st, SQL_TOKEN_ADD, ARGS(ARG_T(t->label), ARG_B(t->hash, sizeof(t->hash)),
	    ARG_I(t->net), ARG_I(t->uses), ARG_I(t->uses_left), ARG_I(t->create_s),
	    ARG_I(t->expire_s)));

	if (rc == 0)
		t->row = sql_added(st);
	return rc;
}

int
sql_token_use(struct store *st, int64_t row)
{
	return sql_change(st, SQL_TOKEN_USE, ARGS(ARG_I(row)));
}

int
sql_token_delete(struct store *st, int64_t row)
{
	return sql_change(st, SQL_TOKEN_DELETE, ARGS(ARG_I(row)));
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
sql_tokens_expired(struct store *st, int64_t now_s, struct store_token *out, size_t max)
{
	int rc = sql_query(st, SQL_TOKENS_EXPIRED, ARGS(ARG_I(now_s), ARG_I(max)));

	return rc < 0 ? rc : read_tokens(st, SQL_TOKENS_EXPIRED, out, max);
}
