/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store_sql.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The store's rows of kept addresses: struct store_hold and their columns, both ways. */

int
sql_hold_add(struct store *st, struct store_hold *h)
{
	char addr[IP_TEXT_MAX];
	int rc = sql_run(st, SQL_HOLD_ADD, ARGS(ARG_I(h->net),
	    ARG_T(sql_addr_text(&h->addr, addr)), ARG_I(h->kind), ARG_T(h->name),
	    h->token == 0 ? ARG_0 : ARG_I(h->token), ARG_I(h->until_s)));

	if (rc == 0)
		h->row = sql_added(st);
	return rc;
}

int
sql_hold_delete(struct store *st, int64_t row)
{
	return sql_change(st, SQL_HOLD_DELETE, ARGS(ARG_I(row)));
}

/* --- reading ---------------------------------------------------------------------------------- */

static void
read_hold(struct store *st, enum store_stmt s, struct store_hold *h)
{
	memset(h, 0, sizeof(*h));
	h->row = sql_int(st, s, 0);
	h->net = sql_int(st, s, 1);
	h->addr = sql_addr(st, s, 2);
	h->kind = (enum hold_kind) sql_int(st, s, 3);
	snprintf(h->name, sizeof(h->name), "%s", sql_text(st, s, 4));
	h->token = sql_int(st, s, 5);
	h->until_s = sql_int(st, s, 6);
}

static int
read_holds(struct store *st, enum store_stmt s, struct store_hold *out, size_t max)
{
	size_t n = 0;
	int rc = 0;

	while (n < max && (rc = sql_next(st, s)) > 0)
		read_hold(st, s, &out[n++]);
	sql_done(st, s);
	return rc < 0 ? rc : (int) n;
}

/* addr: where an address becomes text, which must live until the query has run. */
static int
ask_for_hold(struct store *st, enum store_hold_by by, const struct store_hold *like,
    char addr[IP_TEXT_MAX], enum store_stmt *s)
{
	switch (by) {
	case HOLD_BY_ADDR:
		*s = SQL_HOLD_BY_ADDR;
		return sql_query(st, *s, ARGS(ARG_I(like->net),
		    ARG_T(sql_addr_text(&like->addr, addr))));
	case HOLD_BY_NAME:
		*s = SQL_HOLD_BY_NAME;
		return sql_query(st, *s, ARGS(ARG_I(like->net), ARG_T(like->name)));
	default:
		*s = SQL_HOLD_BY_TOKEN;
		return sql_query(st, *s, ARGS(ARG_I(like->token)));
	}
}

int
sql_hold_find(struct store *st, enum store_hold_by by, const struct store_hold *like,
    struct store_hold *out)
{
	char addr[IP_TEXT_MAX];
	enum store_stmt s;
	int rc = ask_for_hold(st, by, like, addr, &s);

	if (rc == 0)
		rc = read_holds(st, s, out, 1);
	return rc < 0 ? rc : rc == 0 ? -ENOENT : 0;
}

int
sql_hold_list(struct store *st, int64_t net, int64_t after, struct store_hold *out, size_t max)
{
	int rc = sql_query(st, SQL_HOLD_LIST, ARGS(ARG_I(net), ARG_I(after), ARG_I(max)));

	return rc < 0 ? rc : read_holds(st, SQL_HOLD_LIST, out, max);
}

int
sql_holds_expired(struct store *st, int64_t now_s, struct store_hold *out, size_t max)
{
	int rc = sql_query(st, SQL_HOLDS_EXPIRED, ARGS(ARG_I(now_s), ARG_I(max)));

	return rc < 0 ? rc : read_holds(st, SQL_HOLDS_EXPIRED, out, max);
}

int
sql_hold_counts(struct store *st, int64_t net, uint64_t out[HOLD_REST + 1])
{
	uint64_t counts[HOLD_REST + 1] = { 0 };
	int rc = sql_query(st, SQL_HOLD_COUNTS, ARGS(ARG_I(net)));

	if (rc < 0)
		return rc;
	while ((rc = sql_next(st, SQL_HOLD_COUNTS)) > 0) {
		int64_t kind = sql_int(st, SQL_HOLD_COUNTS, 0);

		if (kind >= HOLD_PROMISE && kind <= HOLD_REST)
			counts[kind] = (uint64_t) sql_int(st, SQL_HOLD_COUNTS, 1);
	}
	if (rc == 0)
		memcpy(out, counts, sizeof(counts));
	return rc;
}
