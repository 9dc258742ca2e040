/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"

/* --- recording -------------------------------------------------------------------------------- */

/* Cuts between characters: half of one would make the whole text unfit for a message. */
static void __attribute__((format(printf, 2, 0)))
set_detail(struct store_event *e, const char *fmt, va_list ap)
{
	char text[STORE_DETAIL_MAX + 8] = "";
	size_t end = STORE_DETAIL_MAX;

	vsnprintf(text, sizeof(text), fmt, ap);
	while (end > 0 && (text[end] & 0xc0) == 0x80)
		end--;
	text[end] = '\0';
	memcpy(e->detail, text, end + 1);
}

/*
 * Twice as many go as have come, so that the log also shrinks to a bound that was lowered, but no
 * request waits for a million deletions.
 */
static int
trim_rows(struct ledger *l, uint64_t newest)
{
	uint64_t rows = (uint64_t) l->conf->events_max_rows, before;
	struct store_event_span span;
	int rc = store_event_span(l->store, &span);

	if (rc < 0 || newest - span.oldest < rows)
		return rc;
	before = newest - rows + 1;
	if (before > span.oldest + 2 * EVENTS_CHUNK)
		before = span.oldest + 2 * EVENTS_CHUNK;
	return store_event_trim(l->store, before);
}

/* The bound by rows holds whatever the sweep does: now and then a chunk goes. */
static int
record(struct ledger *l, struct store_event *e)
{
	int rc;

	e->time_s = l->now_s;
	if ((rc = store_event_add(l->store, e)) < 0)
		return rc;
	return e->revision % EVENTS_CHUNK == 0 ? trim_rows(l, e->revision) : 0;
}

int
events_node(struct ledger *l, enum event_kind kind, const struct store_node *n, const char *fmt,
    ...)
{
	const struct network *net = ledger_network(l, n->net);
	struct store_event e = { .kind = kind, .addr = n->addr };
	va_list ap;

	snprintf(e.node, sizeof(e.node), "%s", n->id);
	snprintf(e.network, sizeof(e.network), "%s", net == NULL ? "" : net->row.name);
	va_start(ap, fmt);
	set_detail(&e, fmt, ap);
	va_end(ap);
	return record(l, &e);
}

int
events_network(struct ledger *l, enum event_kind kind, const struct network *net, const char *fmt,
    ...)
{
	struct store_event e = { .kind = kind };
	va_list ap;

	snprintf(e.network, sizeof(e.network), "%s", net->row.name);
	va_start(ap, fmt);
	set_detail(&e, fmt, ap);
	va_end(ap);
	return record(l, &e);
}

int
events_session(struct ledger *l, const struct store_node *n, enum node_state state, uint64_t epoch)
{
	static const enum event_kind kinds[] = {
		[NODE_CONNECTING] = EVENT_ATTACH,
		[NODE_CONNECTED] = EVENT_CONNECT,
		[NODE_LOST] = EVENT_LOST,
		[NODE_IDLE] = EVENT_DETACH,
	};

	return events_node(l, kinds[state], n, "epoch=%" PRIu64, epoch);
}

/* --- reading ---------------------------------------------------------------------------------- */

static int
check_after(uint64_t after, const struct store_event_span *span, struct err *e)
{
	if (after > span->newest)
		return err_set(e, -REASON_REVISION_GONE, "after: revision %" PRIu64 " was never "
		    "reached, the newest is %" PRIu64, after, span->newest);
	if (after != 0 && after + 1 < span->oldest)
		return err_set(e, -REASON_REVISION_GONE, "after: the oldest event that is kept has "
		    "revision %" PRIu64, span->oldest);
	return 0;
}

int
events_list(struct ledger *l, uint64_t after, size_t size, struct event_page *out, struct err *e)
{
	size_t max = size == 0 ? EVENTS_PAGE_DEFAULT
	    : size > EVENTS_PAGE_MAX ? EVENTS_PAGE_MAX : size;
	struct event_page page = { .span = l->events };
	int rc = check_after(after, &page.span, e);

	if (rc < 0)
		return rc;
	if ((page.events = calloc(max, sizeof(*page.events))) == NULL)
		return -ENOMEM;
	if ((rc = store_event_list(l->store, after, page.events, max)) < 0) {
		free(page.events);
		return rc;
	}
	page.n = (size_t) rc;
	while (page.n > 0 && page.events[page.n - 1].revision > page.span.newest)
		page.n--;
	*out = page;
	return 0;
}

/* --- forgetting ------------------------------------------------------------------------------- */

int
events_trim(struct ledger *l, bool *more_out)
{
	int64_t limit_s = l->now_s - l->conf->events_max_age_ms / 1000;
	struct store_event chunk[EVENTS_CHUNK];
	int n, old = 0, rc = 0;

	if ((n = store_event_list(l->store, 0, chunk, EVENTS_CHUNK)) < 0)
		return n;
	while (old < n && chunk[old].time_s < limit_s)
		old++;
	if (old > 0)
		rc = store_event_trim(l->store, chunk[old - 1].revision + 1);
	*more_out = old == EVENTS_CHUNK;
	return rc;
}
