/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store_sql.h"

#include <stdio.h>

/* The store's rows of events, and back. */

int
sql_event_add(struct store *st, struct store_event *e)
{
	char addr[IP_TEXT_MAX];
	int rc;

	rc = sql_run(st, SQL_EVENT_ADD, ARGS(ARG_I(e->kind), ARG_I(e->time_s), ARG_T(e->node),
	    ARG_T(e->network), ARG_T(sql_addr_text(&e->addr, addr)), ARG_T(e->detail)));
	if (rc < 0)
		return rc;
	e->revision = (uint64_t) sql_added(st);
	return 0;
}

static void
read_event(struct store *st, struct store_event *e)
{
	*e = (struct store_event){
		.revision = (uint64_t) sql_int(st, SQL_EVENT_LIST, 0),
		.kind = (enum event_kind) sql_int(st, SQL_EVENT_LIST, 1),
		.time_s = sql_int(st, SQL_EVENT_LIST, 2),
		.addr = sql_addr(st, SQL_EVENT_LIST, 5),
	};
	snprintf(e->node, sizeof(e->node), "%s", sql_text(st, SQL_EVENT_LIST, 3));
	snprintf(e->network, sizeof(e->network), "%s", sql_text(st, SQL_EVENT_LIST, 4));
	snprintf(e->detail, sizeof(e->detail), "%s", sql_text(st, SQL_EVENT_LIST, 6));
}

int
sql_event_list(struct store *st, uint64_t after, struct store_event *out, size_t max)
{
	int rc = sql_query(st, SQL_EVENT_LIST, ARGS(ARG_I(after), ARG_I(max)));
	size_t n = 0;

	if (rc < 0)
		return rc;
	while (n < max && (rc = sql_next(st, SQL_EVENT_LIST)) > 0)
		read_event(st, &out[n++]);
	sql_done(st, SQL_EVENT_LIST);
	return rc < 0 ? rc : (int) n;
}

int
sql_event_span(struct store *st, struct store_event_span *out)
{
	int rc = sql_query(st, SQL_EVENT_SPAN, NULL, 0);

	if (rc < 0 || (rc = sql_next(st, SQL_EVENT_SPAN)) < 0)
		return rc;
	*out = (struct store_event_span){
		.oldest = (uint64_t) sql_int(st, SQL_EVENT_SPAN, 0),
		.newest = (uint64_t) sql_int(st, SQL_EVENT_SPAN, 1),
	};
	sql_done(st, SQL_EVENT_SPAN);
	return 0;
}

int
sql_event_trim(struct store *st, uint64_t before)
{
	return sql_run(st, SQL_EVENT_TRIM, ARGS(ARG_I(before)));
}
