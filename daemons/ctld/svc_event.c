/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/svc.h"

#include <stdlib.h>
#include <string.h>

#include "daemons/ctld/ctld.h"
#include "daemons/ctld/names.h"
#include "litevpn/v1/event.pb-c.h"

#define PAGE_DEFAULT 100
#define PAGE_MAX 500	/* ipamd's own maximum */

#define SAME(kind) ((int) IPAM_EVENT_##kind == (int) LITEVPN__V1__EVENT_INFO__KIND__##kind)
_Static_assert(SAME(CREATE) && SAME(ATTACH) && SAME(CONNECT) && SAME(LOST) && SAME(DETACH) &&
    SAME(RECLAIM) && SAME(UNREGISTER) && SAME(NETWORK_CREATE) && SAME(NETWORK_DELETE) &&
    SAME(NETWORK_RECREATE) && SAME(RESTORE) && SAME(UPDATE) && SAME(TOKEN_REVOKE),
    "the kinds have the API's numbers");

/* --- which events ----------------------------------------------------------------------------- */

struct filter {
	char node[PKI_ID_MAX + 1], network[PKI_ID_MAX + 1];	/* "": any */
	unsigned kinds;		/* 1 << kind; 0: all */
};

/* Reads what a request chooses; false: the call was told what is wrong. */
static bool
read_filter(struct call *c, const Litevpn__V1__EventFilter *pb, struct filter *out)
{
	struct filter f = { 0 };

	if (pb == NULL)
		return true;
	if (pb->node[0] != '\0' && names_parse("nodes", pb->node, f.node) < 0) {
		call_fail_field(c, "filter.node", "must be nodes/ID");
		return false;
	}
	if (pb->network[0] != '\0' && names_parse("networks", pb->network, f.network) < 0) {
		call_fail_field(c, "filter.network", "must be networks/ID");
		return false;
	}
	for (size_t i = 0; i < pb->n_kinds; i++) {
		if ((int) pb->kinds[i] <= 0 || (int) pb->kinds[i] >= IPAM_EVENT_KINDS) {
			call_fail_field(c, "filter.kinds", "there is no such kind");
			return false;
		}
		f.kinds |= 1u << pb->kinds[i];
	}
	*out = f;
	return true;
}

static bool
matches(const struct filter *f, const struct ipam_event *ev)
{
	return (f->node[0] == '\0' || strcmp(f->node, ev->node) == 0) &&
	    (f->network[0] == '\0' || strcmp(f->network, ev->network) == 0) &&
	    (f->kinds == 0 || (f->kinds >> ev->kind & 1) != 0);
}

/* --- how they are shown ----------------------------------------------------------------------- */

struct view {
	Litevpn__V1__EventInfo info;
	Google__Protobuf__Timestamp time;
	char node[NAMES_MAX], network[NAMES_MAX];
};

struct views {
	struct view *rows;
	Litevpn__V1__EventInfo **list;
	size_t n;
};

static void
show(struct view *v, const struct ipam_event *ev)
{
	litevpn__v1__event_info__init(&v->info);
	google__protobuf__timestamp__init(&v->time);
	v->time.seconds = ev->time_s;
	v->info.revision = ev->revision;
	v->info.kind = (Litevpn__V1__EventInfo__Kind) ev->kind;
	v->info.time = &v->time;
	if (ev->node[0] != '\0')
		v->info.node = (char *) names_format("nodes", ev->node, v->node);
	if (ev->network[0] != '\0')
		v->info.network = (char *) names_format("networks", ev->network, v->network);
	v->info.address = (char *) ev->address;
	v->info.detail = (char *) ev->detail;
}

static void
end_views(struct views *views)
{
	free(views->rows);
	free(views->list);
}

/* Those after `seen` that match; false when out of memory. End them with end_views. */
static bool
make_views(const struct ipam_events *events, uint64_t seen, const struct filter *f,
    struct views *out)
{
	struct views views = { 0 };

	views.rows = malloc((events->n + 1) * sizeof(*views.rows));
	views.list = malloc((events->n + 1) * sizeof(Litevpn__V1__EventInfo *));
	if (views.rows == NULL || views.list == NULL) {
		end_views(&views);
		return false;
	}
	for (size_t i = 0; i < events->n; i++) {
		if (events->list[i].revision <= seen || !matches(f, &events->list[i]))
			continue;
		show(&views.rows[views.n], &events->list[i]);
		views.list[views.n] = &views.rows[views.n].info;
		views.n++;
	}
	*out = views;
	return true;
}

/* --- ListEvents ------------------------------------------------------------------------------- */

struct list {
	struct filter filter;
	uint64_t after;
	struct ipam_events page;
};

static void
end_list(void *state)
{
	free(((struct list *) state)->page.list);
}

static void
on_listed(struct call *c, const struct err *e)
{
	Litevpn__V1__ListEventsResponse reply = LITEVPN__V1__LIST_EVENTS_RESPONSE__INIT;
	struct list *l = call_state_get(c);
	char token[NAMES_PAGE_TOKEN_MAX];
	struct views views;

	if (e->rc < 0) {
		call_fail_err(c, e);
		return;
	}
	if (!make_views(&l->page, 0, &l->filter, &views)) {
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
		return;
	}
	reply.n_events = views.n;
	reply.events = views.list;
	reply.revision = l->page.n == 0 ? l->page.newest : l->page.list[l->page.n - 1].revision;
	if (reply.revision < l->page.newest)
		reply.next_page_token = (char *) names_page_token(reply.revision, token);
	call_reply(c, &reply.base);
	end_views(&views);
}

void
event_list(struct call *c)
{
	const Litevpn__V1__ListEventsRequest *req = call_request(c);
	uint32_t want = req->page_size == 0 ? PAGE_DEFAULT : (uint32_t) req->page_size;
	struct filter filter = { 0 };
	struct list *l;
	uint64_t after;

	if (req->page_size < 0) {
		call_fail_field(c, "page_size", "must not be negative");
	} else if (names_page_token_parse(req->page_token, &after) < 0) {
		call_fail_field(c, "page_token", "must be the next_page_token of a page before");
	} else if (read_filter(c, req->filter, &filter) &&
	    (l = call_state(c, sizeof(*l), end_list)) != NULL) {
		l->filter = filter;
		ipam_list_events(call_ctld(c)->backend, c, after != 0 ? after : req->after_revision,
		    want < PAGE_MAX ? want : PAGE_MAX, &l->page, on_listed);
	}
}

/* --- WatchEvents ------------------------------------------------------------------------------ */

struct event_watch {
	struct watch watch;	/* first: watch.h */
	struct filter filter;
};

static void
send_up_to(struct watch *w, uint64_t revision, const struct views *views)
{
	Litevpn__V1__WatchEventsResponse msg = LITEVPN__V1__WATCH_EVENTS_RESPONSE__INIT;

	msg.n_events = views->n;
	msg.events = views->list;
	msg.revision = revision;
	msg.synced = watch_is_synced(w, revision);
	watch_send(w, &msg.base);
}

static enum watch_told
tell(struct watch *w, struct chunk *k)
{
	const struct event_watch *ew = (const struct event_watch *) w;
	struct views views;
	bool any;

	if (!make_views(&k->events, w->seen, &ew->filter, &views)) {
		watch_fail(w, REASON_OVERLOADED, NULL);
		return WATCH_OVER;
	}
	any = views.n > 0;
	if (any)
		send_up_to(w, chunk_last(k), &views);
	end_views(&views);
	return any ? WATCH_SENT : WATCH_NOTHING;
}

static void
mark(struct watch *w)
{
	send_up_to(w, w->seen, &(struct views){ 0 });
}

void
event_watch(struct call *c)
{
	static const struct watch_kind kind = { tell, mark };
	const Litevpn__V1__WatchEventsRequest *req = call_request(c);
	struct filter filter = { 0 };
	struct event_watch *ew;

	if (req->only_new && req->after_revision != 0) {
		call_fail_field(c, "after_revision", "must be 0 where only_new is set");
	} else if (read_filter(c, req->filter, &filter) &&
	    (ew = call_state(c, sizeof(*ew), watch_fini)) != NULL) {
		ew->watch.call = c;
		ew->watch.only_new = req->only_new;
		ew->filter = filter;
		if (watch_enter(call_ctld(c)->watches, &ew->watch, &kind))
			watch_begin(&ew->watch, req->after_revision);
	}
}
