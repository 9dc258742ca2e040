/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/svc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemons/ctld/ctld.h"
#include "daemons/ctld/fields.h"
#include "daemons/ctld/names.h"
#include "daemons/ctld/node_view.h"
#include "daemons/ctld/node_wish.h"

void
node_fail(struct call *c, const struct err *e)
{
	struct err gone;

	if (e->rc == -REASON_NODE_UNKNOWN && call_caller(c)->role == ROLE_NODE) {
		err_set(&gone, -REASON_NODE_DELETED, "%s", reason_text(REASON_NODE_DELETED));
		e = &gone;
	}
	call_fail_err(c, e);
}

static const char *
subject(const char *name)
{
	char id[PKI_ID_MAX + 1];

	return names_parse("nodes", name, id) < 0 ? NULL : strchr(name, '/') + 1;
}

const char *
node_get_subject(const ProtobufCMessage *request)
{
	return subject(((const Litevpn__V1__GetNodeRequest *) request)->name);
}

const char *
node_delete_subject(const ProtobufCMessage *request)
{
	return subject(((const Litevpn__V1__DeleteNodeRequest *) request)->name);
}

/* --- GetNode ---------------------------------------------------------------------------------- */

/* Whether tunneld may know more of it: a node that has never come, or has left, is not there. */
static bool
has_session(const struct ipam_node *node)
{
	return node->state != IPAM_NEVER && node->state != IPAM_IDLE;
}

struct get {
	struct ipam_node node;
	struct tunneld_sessions sessions;
};

static void
end_get(void *state)
{
	struct get *g = state;

	tunneld_sessions_fini(&g->sessions);
}

/* e says whether there are sessions; the node is shown without one if not. */
static void
reply_get(struct call *c, const struct err *e)
{
	struct get *g = call_state_get(c);
	struct node_view view;

	(void) e;
	node_view_init(&view, &g->node, tunneld_session_of(&g->sessions, g->node.id));
	call_reply(c, &view.info.base);
}

static void
on_get_node(struct call *c, const struct err *e)
{
	struct backend *b = call_ctld(c)->backend;
	struct get *g = call_state_get(c);
	const char *ids[] = { g->node.id };

	if (e->rc < 0)
		node_fail(c, e);
	else if (!has_session(&g->node) || !backend_is_up(b, BACKEND_TUNNELD))
		reply_get(c, e);
	else
		tunneld_get_sessions(b, c, ids, 1, &g->sessions, reply_get);
}

void
node_get_by_id(struct call *c, const char *id)
{
	struct get *g = call_state(c, sizeof(*g), end_get);

	if (g != NULL)
		ipam_get_node(call_ctld(c)->backend, c, id, &g->node, on_get_node);
}

void
node_get(struct call *c)
{
	const Litevpn__V1__GetNodeRequest *req = call_request(c);
	char id[PKI_ID_MAX + 1];

	if (fields_name(c, "nodes", req->name, id))
		node_get_by_id(c, id);
}

/* --- ListNodes -------------------------------------------------------------------------------- */

struct list {
	struct ipam_page page;
	struct tunneld_sessions sessions;
};

static void
end_list(void *state)
{
	struct list *l = state;

	ipam_page_fini(&l->page);
	tunneld_sessions_fini(&l->sessions);
}

static void
reply_list(struct call *c, const struct err *e)
{
	Litevpn__V1__ListNodesResponse reply = LITEVPN__V1__LIST_NODES_RESPONSE__INIT;
	struct list *l = call_state_get(c);
	size_t n = l->page.n;
	struct node_view *views = calloc(n + 1, sizeof(*views));
	Litevpn__V1__NodeInfo **infos = calloc(n + 1, sizeof(*infos));
	char token[NAMES_PAGE_TOKEN_MAX];

	(void) e;	/* without tunneld the nodes are shown without sessions */
	if (views == NULL || infos == NULL) {
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		const struct ipam_node *node = &l->page.nodes[i];

		node_view_init(&views[i], node, tunneld_session_of(&l->sessions, node->id));
		infos[i] = &views[i].info;
	}
	reply.n_nodes = n;
	reply.nodes = infos;
	if (l->page.next != 0)
		reply.next_page_token = (char *) names_page_token(l->page.next, token);
	call_reply(c, &reply.base);
out:
	free(views);
	free(infos);
}

static void
on_list_nodes(struct call *c, const struct err *e)
{
	struct backend *b = call_ctld(c)->backend;
	struct list *l = call_state_get(c);
	const char *ids[IPAM_PAGE_MAX];

	if (e->rc < 0) {
		call_fail_err(c, e);
	} else if (l->page.n == 0 || !backend_is_up(b, BACKEND_TUNNELD)) {
		reply_list(c, e);
	} else {
		for (size_t i = 0; i < l->page.n; i++)
			ids[i] = l->page.nodes[i].id;
		tunneld_get_sessions(b, c, ids, l->page.n, &l->sessions, reply_list);
	}
}

void
node_list(struct call *c)
{
	const Litevpn__V1__ListNodesRequest *req = call_request(c);
	char network[PKI_ID_MAX + 1];
	struct fields_page page;
	struct list *l;

	if (fields_page(c, req->page_size, req->page_token, &page) &&
	    fields_network(c, "network", req->network, network) &&
	    (l = call_state(c, sizeof(*l), end_list)) != NULL)
		ipam_list_nodes(call_ctld(c)->backend, c, network, page.size, page.after, &l->page,
		    on_list_nodes);
}

/* --- UpdateNode ------------------------------------------------------------------------------- */

void
node_update(struct call *c)
{
	const Litevpn__V1__UpdateNodeRequest *req = call_request(c);
	const char *why, *wrong;
	struct ipam_node_wish wish;
	struct ipam_once once;
	char id[PKI_ID_MAX + 1];
	struct get *g;

	if ((wrong = node_wish_read(req, id, &wish, &why)) != NULL) {
		call_fail_field(c, wrong, why);
		return;
	}
	call_about(c, req->node->name);
	if (fields_once(c, req->request_id, req->validate_only, &once) &&
	    (g = call_state(c, sizeof(*g), end_get)) != NULL)
		ipam_update_node(call_ctld(c)->backend, c, id, &wish, &once, &g->node, on_get_node);
}

/* --- DisconnectNode: its newest session, and those before it ---------------------------------- */

struct disconnect {
	struct ipam_node node;
	bool had_session;
};

static void
on_disconnected(struct call *c, const struct err *e)
{
	Litevpn__V1__DisconnectNodeResponse reply = LITEVPN__V1__DISCONNECT_NODE_RESPONSE__INIT;
	const struct disconnect *d = call_state_get(c);

	if (e->rc < 0) {
		call_fail_err(c, e);
		return;
	}
	reply.had_session = d->had_session;
	call_reply(c, &reply.base);
}

static void
on_node_to_disconnect(struct call *c, const struct err *e)
{
	struct disconnect *d = call_state_get(c);

	if (e->rc < 0)
		call_fail_err(c, e);
	else
		tunneld_cut(call_ctld(c)->backend, c, d->node.id, d->node.epoch,
		    REASON_DISCONNECTED, &d->had_session, on_disconnected);
}

void
node_disconnect(struct call *c)
{
	const Litevpn__V1__DisconnectNodeRequest *req = call_request(c);
	char id[PKI_ID_MAX + 1];
	struct disconnect *d;

	if (fields_name(c, "nodes", req->name, id) &&
	    (d = call_state(c, sizeof(*d), NULL)) != NULL)
		ipam_get_node(call_ctld(c)->backend, c, id, &d->node, on_node_to_disconnect);
}

/* --- DeleteNode ------------------------------------------------------------------------------- */

static void
removed(struct call *c)
{
	struct node_removal *r = call_state_get(c);

	cuts_remove(&call_ctld(c)->cuts, r->id);
	r->next(c, &(struct err){ 0 });
}

static void
on_cut(struct call *c, const struct err *e)
{
	struct node_removal *r = call_state_get(c);
	struct err not_cut;

	/* A tunneld that is gone has taken its sessions with it. */
	if (e->rc == 0 || !backend_is_up(call_ctld(c)->backend, BACKEND_TUNNELD)) {
		removed(c);
		return;
	}
	err_set(&not_cut, -REASON_SESSION_NOT_CUT, "%s", reason_text(REASON_SESSION_NOT_CUT));
	r->next(c, &not_cut);
}

/*
 * The node is gone from ipamd. This goes on also when the client has left meanwhile: from here on
 * the session must not live.
 */
static void
cut(struct call *c)
{
	struct ctld *ctld = call_ctld(c);
	struct node_removal *r = call_state_get(c);

	if (!backend_is_up(ctld->backend, BACKEND_TUNNELD)) {
		removed(c);
		return;
	}
	if (!cuts_add(&ctld->cuts, r->id, r->epoch))
		log_warn("cut_forgotten", "limit=%d consequence=\"repeating the oldest delete "
		    "without an answer gives NODE_UNKNOWN\"", CUTS_MAX);
	tunneld_cut(ctld->backend, c, r->id, r->epoch, REASON_NODE_DELETED, &r->had_session,
	    on_cut);
}

static void
on_delete_node(struct call *c, const struct err *e)
{
	struct node_removal *r = call_state_get(c);

	if (r->once.validate_only)
		r->next(c, e);
	else if (e->rc == 0 || (e->rc == -REASON_NODE_UNKNOWN &&
	    cuts_find(&call_ctld(c)->cuts, r->id, &r->epoch)))
		cut(c);
	else
		r->next(c, e);
}

void
node_remove(struct call *c, backend_next *next)
{
	struct node_removal *r = call_state_get(c);

	r->next = next;
	ipam_delete_node(call_ctld(c)->backend, c, r->id, &r->once, &r->epoch, on_delete_node);
}

static void
reply_deleted(struct call *c, const struct err *e)
{
	Google__Protobuf__Empty empty = GOOGLE__PROTOBUF__EMPTY__INIT;

	if (e->rc == 0)
		call_reply(c, &empty.base);
	else if (e->rc == -REASON_SESSION_NOT_CUT)
		call_fail(c, &(struct status){ .reason = REASON_SESSION_NOT_CUT,
		    .meta = { { "committed", "true" } } });
	else
		node_fail(c, e);
}

static void
delete(struct call *c, const char *id, const struct ipam_once *once)
{
	struct node_removal *r = call_state(c, sizeof(*r), NULL);

	if (r == NULL)
		return;
	snprintf(r->id, sizeof(r->id), "%s", id);
	r->once = *once;
	node_remove(c, reply_deleted);
}

void
node_delete_by_id(struct call *c, const char *id)
{
	delete(c, id, &(struct ipam_once){ 0 });
}

void
node_delete(struct call *c)
{
	const Litevpn__V1__DeleteNodeRequest *req = call_request(c);
	char id[PKI_ID_MAX + 1];
	struct ipam_once once;

	if (fields_name(c, "nodes", req->name, id) &&
	    fields_once(c, "", req->validate_only, &once))
		delete(c, id, &once);
}
