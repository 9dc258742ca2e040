/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store_sql.h"

#include <stdio.h>

/* The store's rows of events. */

int
store_event_add(struct store *st, struct store_event *e)
{
	char addr[IP_TEXT_MAX];
	int rc;

	rc = store_run(st, SQL_EVENT_ADD, ARGS(ARG_I(e->kind), ARG_I(e->time_s), ARG_T(e->node),
	    ARG_T(e->network), ARG_T(store_addr_text(&e->addr, addr)), ARG_T(e->detail)));
	if (rc < 0)
		return rc;
	e->revision = (uint64_t) store_added(st);
	store_wants(st, STORE_SOON);
	return 0;
}

static void
read_event(struct store *st, struct store_event *e)
{
	*e = (struct store_event){
		.revision = (uint64_t) store_int(st, SQL_EVENT_LIST, 0),
		.kind = (enum event_kind) store_int(st, SQL_EVENT_LIST, 1),
		.time_s = store_int(st, SQL_EVENT_LIST, 2),
		.addr = store_addr(st, SQL_EVENT_LIST, 5),
	};
	snprintf(e->node, sizeof(e->node), "%s", store_text(st, SQL_EVENT_LIST, 3));
	snprintf(e->network, sizeof(e->network), "%s", store_text(st, SQL_EVENT_LIST, 4));
	snprintf(e->detail, sizeof(e->detail), "%s", store_text(st, SQL_EVENT_LIST, 6));
}

int
store_event_list(struct store *st, uint64_t after, struct store_event *out, size_t max)
{
	int rc = store_query(st, SQL_EVENT_LIST, ARGS(ARG_I(after), ARG_I(max)));
	size_t n = 0;

	if (rc < 0)
		return rc;
	while (n < max && (rc = store_next(st, SQL_EVENT_LIST)) > 0)
		read_event(st, &out[n++]);
	store_done(st, SQL_EVENT_LIST);
	return rc < 0 ? rc : (int) n;
}

int
store_event_span(struct store *st, struct store_event_span *out)
{
	int rc = store_query(st, SQL_EVENT_SPAN, NULL, 0);

	if (rc < 0 || (rc = store_next(st, SQL_EVENT_SPAN)) < 0)
		return rc;
	*out = (struct store_event_span){
		.oldest = (uint64_t) store_int(st, SQL_EVENT_SPAN, 0),
		.newest = (uint64_t) store_int(st, SQL_EVENT_SPAN, 1),
	};
	store_done(st, SQL_EVENT_SPAN);
	return 0;
}

int
store_event_trim(struct store *st, uint64_t before)
{
	store_wants(st, STORE_SOON);
	return store_run(st, SQL_EVENT_TRIM, ARGS(ARG_I(before)));
}
