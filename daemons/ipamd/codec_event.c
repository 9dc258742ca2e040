/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/codec_event.h"

#include <errno.h>
#include <stdlib.h>

#include "common/reason.h"
#include "daemons/ipamd/codec_methods.h"

#define SAME(kind) ((int) EVENT_##kind == (int) LITEVPN__IPAM__EVENT__KIND__##kind)
_Static_assert(SAME(CREATE) && SAME(ATTACH) && SAME(CONNECT) && SAME(LOST) && SAME(DETACH) &&
    SAME(RECLAIM) && SAME(UNREGISTER) && SAME(NETWORK_CREATE) && SAME(NETWORK_DELETE) &&
    SAME(NETWORK_RECREATE) && SAME(RESTORE), "the kinds have the same numbers");

/* An event with the text that its message points to. */
struct item {
	Litevpn__Ipam__Event m;
	char addr[IP_TEXT_MAX];
};

struct codec_events {
	Litevpn__Ipam__Events m;
	struct item *items;
	Litevpn__Ipam__Event **list;
};

static void
fill(struct store_event *e, struct item *item)
{
	litevpn__ipam__event__init(&item->m);
	item->m.revision = e->revision;
	item->m.kind = (Litevpn__Ipam__Event__Kind) e->kind;
	item->m.time_s = e->time_s;
	item->m.node_id = e->node;
	item->m.network = e->network;
	if (e->addr.family != 0)
		item->m.address = (char *) ip_format(&e->addr, item->addr);
	item->m.detail = e->detail;
}

int
codec_events_new(const struct event_page *page, struct codec_events **out)
{
	struct codec_events *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->items = calloc(page->n + 1, sizeof(*c->items));
	c->list = calloc(page->n + 1, sizeof(Litevpn__Ipam__Event *));
	if (c->items == NULL || c->list == NULL) {
		codec_events_free(c);
		return -ENOMEM;
	}
	litevpn__ipam__events__init(&c->m);
	for (size_t i = 0; i < page->n; i++) {
		fill(&page->events[i], &c->items[i]);
		c->list[i] = &c->items[i].m;
	}
	c->m.n_events = page->n;
	c->m.events = c->list;
	c->m.oldest = page->span.oldest;
	c->m.newest = page->span.newest;
	*out = c;
	return 0;
}

void
codec_events_free(struct codec_events *c)
{
	if (c == NULL)
		return;
	free(c->items);
	free(c->list);
	free(c);
}

const ProtobufCMessage *
codec_events_message(const struct codec_events *c)
{
	return &c->m.base;
}

/* --- asked for -------------------------------------------------------------------------------- */

int
codec_list_events(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	return events_list(env->ledger, req->list_events->after, req->list_events->max, &a->events,
	    &a->err);
}

void
codec_listed_events(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	struct codec_events *c = NULL;

	(void) env;
	if (codec_events_new(&a->events, &c) < 0) {
		r->result = REASON_INTERNAL;
	} else {
		r->body_case = LITEVPN__IPAM__REPLY__BODY_EVENTS;
		r->events = (Litevpn__Ipam__Events *) codec_events_message(c);
	}
	codec_put(a, r);
	codec_events_free(c);
}

void
codec_release_events(struct answer *a)
{
	free(a->events.events);
}
