/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/codec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/reason.h"
#include "common/secret.h"
#include "config.h"
#include "daemons/ipamd/codec_event.h"
#include "daemons/ipamd/session.h"
#include "ipc/ipam.pb-c.h"

const ProtobufCMessageDescriptor *const codec_request_type = &litevpn__ipam__request__descriptor;
const ProtobufCMessageDescriptor *const codec_reply_type = &litevpn__ipam__reply__descriptor;

/* --- from tunneld ----------------------------------------------------------------------------- */

static int
attach(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	const Litevpn__Ipam__Attach *m = req->attach;
	struct lease_wish wish = {
		.node_token = m->node_token,
		.net_token = m->net_token,
		.cert_node_id = m->cert_node_id,
	};

	return lease_attach(env->ledger, &wish, &a->lease, &a->err);
}

static void
attached(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Attached m = LITEVPN__IPAM__ATTACHED__INIT;
	char addr[IP_TEXT_MAX];

	(void) env;
	lease_log(a->lease.node_id, &a->lease.addr.addr, &a->lease.change);
	m.node_id = a->lease.node_id;
	ip_prefix_format(&a->lease.addr, addr);
	m.address = addr;
	m.epoch = a->lease.epoch;
	r->body_case = LITEVPN__IPAM__REPLY__BODY_ATTACHED;
	r->attached = &m;
	ipc_reply(a->call, &r->base);
}

static int
report(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	static const enum node_state states[] = {
		[LITEVPN__IPAM__REPORT__STATE__CONNECTED] = NODE_CONNECTED,
		[LITEVPN__IPAM__REPORT__STATE__LOST] = NODE_LOST,
		[LITEVPN__IPAM__REPORT__STATE__IDLE] = NODE_IDLE,
	};
	const Litevpn__Ipam__Report *m = req->report;
	unsigned state = (unsigned) m->state;
	struct session s = { .node_id = m->node_id, .epoch = m->epoch };

	if (state >= sizeof(states) / sizeof(states[0]) || states[state] == 0)
		return err_set(&a->err, -REASON_FIELD_INVALID, "state: is not one to report");
	s.state = states[state];
	return session_report(env->ledger, &s, &a->err);
}

static void
reported(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	(void) env;
	ipc_reply(a->call, &r->base);
}

/* The ids whose node is gone; the request that they stand in does not live until the reply. */
static int
copy_gone(const struct session *sessions, const bool *gone, size_t n, struct codec_gone *out)
{
	if ((out->ids = calloc(n + 1, sizeof(char *))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!gone[i])
			continue;
		if ((out->ids[out->n] = strdup(sessions[i].node_id)) == NULL)
			return -ENOMEM;
		out->n++;
	}
	return 0;
}

static int
sync_sessions(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	const Litevpn__Ipam__Sync *m = req->sync;
	struct session *sessions = calloc(m->n_sessions + 1, sizeof(*sessions));
	bool *gone = calloc(m->n_sessions + 1, sizeof(*gone));
	struct session_part part = { m->first, m->last, sessions, m->n_sessions };
	int rc = -ENOMEM;

	if (sessions == NULL || gone == NULL)
		goto out;
	for (size_t i = 0; i < m->n_sessions; i++) {
		sessions[i] = (struct session){
			.node_id = m->sessions[i]->node_id,
			.epoch = m->sessions[i]->epoch,
			.state = m->sessions[i]->connected ? NODE_CONNECTED : NODE_CONNECTING,
		};
	}
	rc = session_announce(env->ledger, &part, gone, &a->err);
	if (rc == 0)
		rc = copy_gone(sessions, gone, m->n_sessions, &a->gone);
out:
	free(sessions);
	free(gone);
	return rc;
}

static void
synced(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Synced m = LITEVPN__IPAM__SYNCED__INIT;

	(void) env;
	m.n_gone = a->gone.n;
	m.gone = a->gone.ids;
	r->body_case = LITEVPN__IPAM__REPLY__BODY_SYNCED;
	r->synced = &m;
	ipc_reply(a->call, &r->base);
}

static void
release_gone(struct answer *a)
{
	for (size_t i = 0; i < a->gone.n; i++)
		free(a->gone.ids[i]);
	free(a->gone.ids);
}

/* --- from ctld: tokens ------------------------------------------------------------------------ */

static int
create_token(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	const Litevpn__Ipam__CreateToken *m = req->create_token;
	struct token_wish wish = {
		.network = m->network,
		.life_s = m->life_s,
		.uses = m->uses,
		.address = m->address,
	};

	return token_create(env->ledger, &wish, &a->made, &a->err);
}

static void
created(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Token m = LITEVPN__IPAM__TOKEN__INIT;
	char addr[IP_TEXT_MAX];

	(void) env;
	log_info("token_created", "token=%s uses=%u addr=%s", a->made.label, a->made.uses,
	    IP_TEXT(&a->made.addr));
	m.id = a->made.label;
	m.secret = a->made.secret;
	m.network = (char *) a->made.network;
	m.expire_s = a->made.expire_s;
	m.uses = a->made.uses;
	if (a->made.addr.family != 0)
		m.address = (char *) ip_format(&a->made.addr, addr);
	r->body_case = LITEVPN__IPAM__REPLY__BODY_TOKEN;
	r->token = &m;
	ipc_reply(a->call, &r->base);
}

static int
redeem(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	const Litevpn__Ipam__Redeem *m = req->redeem;
	struct token_claim claim = {
		.secret = m->bootstrap_token,
		.display_name = m->display_name,
		.grpc_spki = m->grpc_spki.data,
		.grpc_spki_len = m->grpc_spki.len,
		.vpn_spki = m->vpn_spki.data,
		.vpn_spki_len = m->vpn_spki.len,
	};

	return token_redeem(env->ledger, env->granter, &claim, &a->redeemed, &a->err);
}

/* --- from ctld: nodes ------------------------------------------------------------------------- */

/* A node with the text that its message points to. */
struct node_message {
	Litevpn__Ipam__Node m;
	char addr[IP_TEXT_MAX];
};

_Static_assert((int) NODE_NEVER == (int) LITEVPN__IPAM__NODE__STATE__NEVER &&
    (int) NODE_CONNECTING == (int) LITEVPN__IPAM__NODE__STATE__CONNECTING &&
    (int) NODE_CONNECTED == (int) LITEVPN__IPAM__NODE__STATE__CONNECTED &&
    (int) NODE_LOST == (int) LITEVPN__IPAM__NODE__STATE__LOST &&
    (int) NODE_IDLE == (int) LITEVPN__IPAM__NODE__STATE__IDLE, "the states have the same numbers");

static void
fill_node(const struct codec_env *env, struct store_node *n, struct node_message *out)
{
	const struct network *net = ledger_network(env->ledger, n->net);

	litevpn__ipam__node__init(&out->m);
	out->m.id = n->id;
	out->m.display_name = n->display_name;
	if (net != NULL)
		out->m.network = (char *) net->name;
	if (n->addr.family != 0)
		out->m.address = (char *) ip_format(&n->addr, out->addr);
	out->m.state = (Litevpn__Ipam__Node__State) n->state;
	out->m.create_s = n->create_s;
	out->m.seen_s = n->seen_s;
	out->m.epoch = n->epoch;
}

static void
redeemed(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	struct token_node *t = &a->redeemed;
	Litevpn__Ipam__Redeemed m = LITEVPN__IPAM__REDEEMED__INIT;
	struct node_message node;

	if (t->fresh)
		log_info("node_enrolled", "node=%s name=%s", t->node.id,
		    LOG_Q(t->node.display_name));
	lease_log(t->node.id, &t->node.addr, &t->change);
	fill_node(env, &t->node, &node);
	m.node = &node.m;
	m.node_token = t->node.token;
	m.grpc_grant = (ProtobufCBinaryData){ GRANT_WIRE_LEN, t->grpc_grant };
	m.vpn_grant = (ProtobufCBinaryData){ GRANT_WIRE_LEN, t->vpn_grant };
	r->body_case = LITEVPN__IPAM__REPLY__BODY_REDEEMED;
	r->redeemed = &m;
	ipc_reply(a->call, &r->base);
}

static int
get_node(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	return node_get(env->ledger, req->get_node->id, &a->node);
}

static void
got_node(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	struct node_message node;

	fill_node(env, &a->node, &node);
	r->body_case = LITEVPN__IPAM__REPLY__BODY_NODE;
	r->node = &node.m;
	ipc_reply(a->call, &r->base);
}

static int
list_nodes(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	return node_list(env->ledger, (int64_t) req->list_nodes->after, req->list_nodes->page_size,
	    &a->page);
}

static void
listed(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Nodes m = LITEVPN__IPAM__NODES__INIT;
	struct node_message *nodes = calloc(a->page.n + 1, sizeof(*nodes));
	Litevpn__Ipam__Node **list = calloc(a->page.n + 1, sizeof(Litevpn__Ipam__Node *));

	if (nodes == NULL || list == NULL) {
		r->result = REASON_INTERNAL;
	} else {
		for (size_t i = 0; i < a->page.n; i++) {
			fill_node(env, &a->page.nodes[i], &nodes[i]);
			list[i] = &nodes[i].m;
		}
		m.n_nodes = a->page.n;
		m.nodes = list;
		m.next = (uint64_t) a->page.next;
		r->body_case = LITEVPN__IPAM__REPLY__BODY_NODES;
		r->nodes = &m;
	}
	ipc_reply(a->call, &r->base);
	free(nodes);
	free(list);
}

static void
release_page(struct answer *a)
{
	free(a->page.nodes);
}

static int
delete_node(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	int rc = node_delete(env->ledger, req->delete_node->id, &a->deleted.epoch);

	if (rc == 0)
		snprintf(a->deleted.id, sizeof(a->deleted.id), "%s", req->delete_node->id);
	return rc;
}

static void
deleted(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Deleted m = LITEVPN__IPAM__DELETED__INIT;

	(void) env;
	log_info("node_deleted", "node=%s", a->deleted.id);
	m.epoch = a->deleted.epoch;
	r->body_case = LITEVPN__IPAM__REPLY__BODY_DELETED;
	r->deleted = &m;
	ipc_reply(a->call, &r->base);
}

static int
get_info(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	(void) req;
	return node_info(env->ledger, &a->info);
}

static void
got_info(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Info m = LITEVPN__IPAM__INFO__INIT;
	char network[IP_TEXT_MAX];

	(void) env;
	m.network = (char *) ip_prefix_format(&a->info.prefix, network);
	m.addresses = a->info.addresses;
	m.bound = a->info.counts.bound;
	m.nodes = a->info.counts.nodes;
	m.connected = a->info.counts.connected;
	m.started_s = a->info.started_s;
	m.version = (char *) PACKAGE_VERSION;
	m.synced = a->info.synced;
	r->body_case = LITEVPN__IPAM__REPLY__BODY_INFO;
	r->info = &m;
	ipc_reply(a->call, &r->base);
}

/* --- from both -------------------------------------------------------------------------------- */

static int
list_events(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	return events_list(env->ledger, req->list_events->after, req->list_events->max, &a->events,
	    &a->err);
}

static void
listed_events(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	struct codec_events *c = NULL;

	(void) env;
	if (codec_events_new(&a->events, &c) < 0) {
		r->result = REASON_INTERNAL;
	} else {
		r->body_case = LITEVPN__IPAM__REPLY__BODY_EVENTS;
		r->events = (Litevpn__Ipam__Events *) codec_events_message(c);
	}
	ipc_reply(a->call, &r->base);
	codec_events_free(c);
}

static void
release_events(struct answer *a)
{
	free(a->events.events);
}

/* --- who may ask what ------------------------------------------------------------------------- */

struct codec_method {
	Litevpn__Ipam__Request__BodyCase body;
	const char *name;
	unsigned peers;		/* who may ask it */
	int (*perform)(const struct codec_env *env, const Litevpn__Ipam__Request *req,
	    struct answer *a);
	/* What was asked for is done and committed: logs it, sends r with the result in it. */
	void (*reply)(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r);
	void (*release)(struct answer *a);	/* of a result; NULL: nothing to free */
};

#define ON(name) LITEVPN__IPAM__REQUEST__BODY_##name

static const struct codec_method methods[] = {
	{ ON(ATTACH), "attach", PEER_TUNNELD, attach, attached, NULL },
	{ ON(REPORT), "report", PEER_TUNNELD, report, reported, NULL },
	{ ON(SYNC), "sync", PEER_TUNNELD, sync_sessions, synced, release_gone },
	{ ON(CREATE_TOKEN), "create_token", PEER_CTLD, create_token, created, NULL },
	{ ON(REDEEM), "redeem", PEER_CTLD, redeem, redeemed, NULL },
	{ ON(GET_NODE), "get_node", PEER_CTLD, get_node, got_node, NULL },
	{ ON(LIST_NODES), "list_nodes", PEER_CTLD, list_nodes, listed, release_page },
	{ ON(DELETE_NODE), "delete_node", PEER_CTLD, delete_node, deleted, NULL },
	{ ON(GET_INFO), "get_info", PEER_CTLD, get_info, got_info, NULL },
	{ ON(LIST_EVENTS), "list_events", PEER_TUNNELD | PEER_CTLD, list_events, listed_events,
	    release_events },
};

int
codec_admit(const ProtobufCMessage *request, unsigned peer, struct answer *a)
{
	const Litevpn__Ipam__Request *req = (const Litevpn__Ipam__Request *) request;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (methods[i].body != req->body_case)
			continue;
		a->method = &methods[i];
		return (methods[i].peers & peer) != 0 ? 0 : -REASON_ROLE_REQUIRED;
	}
	return -REASON_PROTOCOL_ERROR;
}

int
codec_perform(const struct codec_env *env, const ProtobufCMessage *request, struct answer *a)
{
	return a->method->perform(env, (const Litevpn__Ipam__Request *) request, a);
}

void
codec_reply(const struct codec_env *env, struct answer *a)
{
	Litevpn__Ipam__Reply r = LITEVPN__IPAM__REPLY__INIT;

	if (a->rc == 0) {
		a->method->reply(env, a, &r);
	} else {
		r.result = (int32_t) reason_of(a->rc, REASON_INTERNAL);
		r.detail = a->err.text[0] != '\0' && a->err.rc == a->rc ? a->err.text
		    : (char *) reason_text(r.result);
		ipc_reply(a->call, &r.base);
	}
	if (a->method != NULL && a->method->release != NULL)
		a->method->release(a);
	secret_wipe(a, sizeof(*a));
}

const char *
codec_name(const struct answer *a)
{
	return a->method == NULL ? "none" : a->method->name;
}
