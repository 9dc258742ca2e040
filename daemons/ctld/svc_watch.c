/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/svc.h"

#include <stdlib.h>
#include <string.h>

#include "daemons/ctld/ctld.h"
#include "daemons/ctld/names.h"
#include "daemons/ctld/node_view.h"

/* --- WatchNodes: the nodes that there are, page by page, then those that events are about ------- */

#define PAGE 100

struct node_watch {
	struct watch watch;	/* first: watch.h */
	char node[PKI_ID_MAX + 1], network[PKI_ID_MAX + 1];	/* "": any */
	struct ipam_page page;	/* of the nodes that there are */
	uint64_t revision;	/* that the first page had */
	bool listing;
};

static void
end_watch(void *state)
{
	struct node_watch *nw = state;

	ipam_page_fini(&nw->page);
	watch_fini(&nw->watch);
}

static bool
matches(const struct node_watch *nw, const char *node, const char *network)
{
	return (nw->node[0] == '\0' || strcmp(nw->node, node) == 0) &&
	    (nw->network[0] == '\0' || strcmp(nw->network, network) == 0);
}

/* --- messages --------------------------------------------------------------------------------- */

/* What a message is made of; up to PAGE changes. */
struct changes {
	Litevpn__V1__NodeChange rows[PAGE], *list[PAGE];
	struct node_view views[PAGE];
	size_t n;
};

static void
add(struct changes *ch, const struct ipam_node *node, bool deleted)
{
	Litevpn__V1__NodeChange *row = &ch->rows[ch->n];

	litevpn__v1__node_change__init(row);
	node_view_init(&ch->views[ch->n], node, NULL);
	row->node = &ch->views[ch->n].info;
	row->deleted = deleted;
	ch->list[ch->n++] = row;
}

static void
send_up_to(struct watch *w, uint64_t revision, struct changes *ch)
{
	Litevpn__V1__WatchNodesResponse msg = LITEVPN__V1__WATCH_NODES_RESPONSE__INIT;

	if (ch != NULL) {
		msg.n_changes = ch->n;
		msg.changes = ch->list;
	}
	msg.revision = revision;
	msg.synced = revision != 0 && watch_is_synced(w, revision);
	watch_send(w, &msg.base);
}

static void
mark(struct watch *w)
{
	send_up_to(w, w->seen, NULL);
}

/* --- what happens ----------------------------------------------------------------------------- */

/* What changes nodes without telling which. */
static bool
is_upheaval(const struct node_watch *nw, const struct ipam_event *ev)
{
	if (ev->kind == IPAM_EVENT_RESTORE)
		return true;
	return (ev->kind == IPAM_EVENT_NETWORK_DELETE || ev->kind == IPAM_EVENT_NETWORK_RECREATE) &&
	    (nw->network[0] == '\0' || strcmp(nw->network, ev->network) == 0);
}

static bool
has_upheaval(const struct node_watch *nw, const struct chunk *k)
{
	for (size_t i = 0; i < k->events.n; i++) {
		const struct ipam_event *ev = &k->events.list[i];

		if (ev->revision > nw->watch.seen && is_upheaval(nw, ev))
			return true;
	}
	return false;
}

/* Of one that is gone only its names are left. */
static void
add_deleted(struct changes *ch, const struct ipam_event *ev)
{
	struct ipam_node gone = { 0 };

	strcpy(gone.id, ev->node);
	strcpy(gone.network, ev->network);
	add(ch, &gone, true);
}

static enum watch_told
tell_changes(struct watch *w, struct chunk *k, const struct ipam_event *const *events, size_t n)
{
	struct changes *ch = calloc(1, sizeof(*ch));
	const struct ipam_node *node;

	if (ch == NULL) {
		watch_fail(w, REASON_OVERLOADED, NULL);
		return WATCH_OVER;
	}
	for (size_t i = 0; i < n; i++) {
		if ((node = chunk_node(k, events[i]->node)) != NULL)
			add(ch, node, false);
		else
			add_deleted(ch, events[i]);
	}
	send_up_to(w, chunk_last(k), ch);
	free(ch);
	return WATCH_SENT;
}

static enum watch_told
tell(struct watch *w, struct chunk *k)
{
	const struct node_watch *nw = (const struct node_watch *) w;
	const struct ipam_event *events[IPAM_EVENTS_MAX];
	size_t all, n = 0;

	if (has_upheaval(nw, k)) {
		watch_fail(w, REASON_REVISION_GONE,
		    "many nodes have changed at once: list them anew");
		return WATCH_OVER;
	}
	all = chunk_node_ids(k, w->seen, events);
	for (size_t i = 0; i < all; i++) {
		if (matches(nw, events[i]->node, events[i]->network))
			events[n++] = events[i];
	}
	if (n == 0)
		return WATCH_NOTHING;
	if (!watch_has_nodes(w, k))
		return WATCH_LATER;
	return tell_changes(w, k, events, n);
}

/* --- the nodes that there are ----------------------------------------------------------------- */

static void ask_page(struct watch *w);

/* All pages are told: what follows is what has happened since the first. */
static void
end_listing(struct node_watch *nw)
{
	nw->listing = false;
	nw->watch.seen = nw->watch.goal = nw->revision;
	watch_go_on(&nw->watch);
}

static void
list_on(struct node_watch *nw)
{
	if (nw->page.next != 0)
		watch_take_turn(&nw->watch, ask_page);
	else
		end_listing(nw);
}

static void
tell_page(struct node_watch *nw)
{
	struct changes *ch = calloc(1, sizeof(*ch));

	if (ch == NULL) {
		watch_fail(&nw->watch, REASON_OVERLOADED, NULL);
		return;
	}
	for (size_t i = 0; i < nw->page.n && i < PAGE; i++) {
		const struct ipam_node *node = &nw->page.nodes[i];

		if (matches(nw, node->id, node->network))
			add(ch, node, false);
	}
	if (ch->n > 0)
		send_up_to(&nw->watch, 0, ch);
	else
		list_on(nw);
	free(ch);
}

static void
on_page(struct call *c, const struct err *e)
{
	struct node_watch *nw = call_state_get(c);

	watch_end_turn(&nw->watch);
	if (nw->watch.over)
		return;
	if (e->rc < 0) {
		watch_asked_in_vain(&nw->watch, e);
		return;
	}
	if (nw->revision == 0)
		nw->revision = nw->page.revision;
	tell_page(nw);
}

static void
ask_page(struct watch *w)
{
	struct node_watch *nw = (struct node_watch *) w;
	struct backend *b = call_ctld(w->call)->backend;
	const char *ids[] = { nw->node };
	uint64_t after = nw->page.next;

	ipam_page_fini(&nw->page);
	if (nw->node[0] != '\0')
		ipam_get_nodes(b, w->call, ids, 1, &nw->page, on_page);
	else
		ipam_list_nodes(b, w->call, nw->network, PAGE, after, &nw->page, on_page);
}

/* --- the call --------------------------------------------------------------------------------- */

void
node_watch_sent(struct call *c)
{
	struct node_watch *nw = call_state_get(c);

	if (!nw->listing) {
		watch_sent(c);
		return;
	}
	nw->watch.sending = false;
	if (!nw->watch.over)
		list_on(nw);
}

void
node_watch(struct call *c)
{
	static const struct watch_kind kind = { tell, mark };
	const Litevpn__V1__WatchNodesRequest *req = call_request(c);
	char node[PKI_ID_MAX + 1] = "", network[PKI_ID_MAX + 1] = "";
	struct node_watch *nw;

	if (req->node[0] != '\0' && names_parse("nodes", req->node, node) < 0) {
		call_fail_field(c, "node", "must be nodes/ID");
	} else if (req->network[0] != '\0' && names_parse("networks", req->network, network) < 0) {
		call_fail_field(c, "network", "must be networks/ID");
	} else if ((nw = call_state(c, sizeof(*nw), end_watch)) != NULL) {
		nw->watch.call = c;
		memcpy(nw->node, node, sizeof(node));
		memcpy(nw->network, network, sizeof(network));
		nw->listing = req->after_revision == 0;
		if (!watch_enter(call_ctld(c)->watches, &nw->watch, &kind))
			return;
		if (nw->listing)
			watch_take_turn(&nw->watch, ask_page);
		else
			watch_begin(&nw->watch, req->after_revision);
	}
}
