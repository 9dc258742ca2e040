/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/codec_methods.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/reason.h"
#include "config.h"

/* What ctld asks of tokens and nodes. */

/* --- tokens ----------------------------------------------------------------------------------- */

int
codec_create_token(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	const Litevpn__Ipam__CreateToken *m = req->create_token;
	struct token_wish wish = {
		.network = m->network,
		.life_s = m->life_s,
		.uses = m->uses,
		.address = m->address,
	};

	return token_create(env->ledger, &a->request, &wish, &a->made, &a->err);
}

void
codec_log_created(const struct answer *a)
{
	log_info("token_created", "token=%s network=%s uses=%u addr=%s", a->made.label,
	    a->made.network, a->made.uses, IP_TEXT(&a->made.addr));
}

void
codec_created(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Token m = LITEVPN__IPAM__TOKEN__INIT;
	char addr[IP_TEXT_MAX];

	(void) env;
	m.id = a->made.label;
	m.secret = a->made.secret;
	m.network = a->made.network;
	m.expire_s = a->made.expire_s;
	m.uses = a->made.uses;
	if (a->made.addr.family != 0)
		m.address = (char *) ip_format(&a->made.addr, addr);
	r->body_case = LITEVPN__IPAM__REPLY__BODY_TOKEN;
	r->token = &m;
	codec_put(a, r);
}

char **
codec_token_secret(Litevpn__Ipam__Reply *r)
{
	return &r->token->secret;
}

int
codec_redeem(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	const Litevpn__Ipam__Redeem *m = req->redeem;
	struct token_claim claim = {
		.secret = m->bootstrap_token,
		.display_name = m->display_name,
		.grpc_spki = m->grpc_spki.data,
		.grpc_spki_len = m->grpc_spki.len,
		.vpn_spki = m->vpn_spki.data,
		.vpn_spki_len = m->vpn_spki.len,
		.litekube = m->litekube,
	};

	return token_redeem(env->ledger, env->granter, &claim, &a->redeemed, &a->err);
}

/* --- nodes ------------------------------------------------------------------------------------ */

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
		out->m.network = (char *) net->row.name;
	if (n->addr.family != 0)
		out->m.address = (char *) ip_format(&n->addr, out->addr);
	out->m.state = (Litevpn__Ipam__Node__State) n->state;
	out->m.create_s = n->create_s;
	out->m.seen_s = n->seen_s;
	out->m.epoch = n->epoch;
	out->m.fixed = n->fixed;
}

void
codec_log_redeemed(const struct answer *a)
{
	const struct token_node *t = &a->redeemed;

	if (t->fresh)
		log_info("node_enrolled", "node=%s name=%s", t->node.id,
		    LOG_Q(t->node.display_name));
	lease_log(t->node.id, &t->node.addr, &t->change);
}

void
codec_redeemed(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	struct token_node *t = &a->redeemed;
	Litevpn__Ipam__Redeemed m = LITEVPN__IPAM__REDEEMED__INIT;
	const struct network *net = ledger_network(env->ledger, t->node.net);
	char server[IP_TEXT_MAX];
	struct node_message node;

	fill_node(env, &t->node, &node);
	m.node = &node.m;
	if (net != NULL)
		m.server_address = (char *) ip_format(&net->row.prefix.addr, server);
	m.node_token = t->node.token;
	m.grpc_grant = (ProtobufCBinaryData){ GRANT_WIRE_LEN, t->grpc_grant };
	m.vpn_grant = (ProtobufCBinaryData){ GRANT_WIRE_LEN, t->vpn_grant };
	r->body_case = LITEVPN__IPAM__REPLY__BODY_REDEEMED;
	r->redeemed = &m;
	codec_put(a, r);
}

int
codec_renew(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	const Litevpn__Ipam__Renew *m = req->renew;
	struct renew_claim claim = {
		.node_id = m->node_id,
		.grpc_spki = m->grpc_spki.data,
		.vpn_spki = m->vpn_spki.data,
		.grpc_spki_len = m->grpc_spki.len,
		.vpn_spki_len = m->vpn_spki.len,
	};

	return renew_grant(env->ledger, env->granter, &claim, &a->renewal, &a->err);
}

void
codec_log_renewed(const struct answer *a)
{
	log_info("renewal_granted", "node=%s grpc=%d vpn=%d", a->renewal.node_id,
	    a->renewal.grpc, a->renewal.vpn);
}

void
codec_renewed(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Renewal m = LITEVPN__IPAM__RENEWAL__INIT;

	(void) env;
	if (a->renewal.grpc)
		m.grpc_grant = (ProtobufCBinaryData){ GRANT_WIRE_LEN, a->renewal.grpc_grant };
	if (a->renewal.vpn)
		m.vpn_grant = (ProtobufCBinaryData){ GRANT_WIRE_LEN, a->renewal.vpn_grant };
	r->body_case = LITEVPN__IPAM__REPLY__BODY_RENEWAL;
	r->renewal = &m;
	codec_put(a, r);
}

int
codec_get_node(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	const Litevpn__Ipam__GetNode *m = req->get_node;

	return m->node_token[0] == '\0' ? node_get(env->ledger, m->id, &a->node)
	    : node_get_by_token(env->ledger, m->node_token, &a->node);
}

void
codec_got_node(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	struct node_message node;

	fill_node(env, &a->node, &node);
	r->body_case = LITEVPN__IPAM__REPLY__BODY_NODE;
	r->node = &node.m;
	codec_put(a, r);
}

int
codec_list_nodes(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	return node_list(env->ledger, (int64_t) req->list_nodes->after, req->list_nodes->page_size,
	    &a->page);
}

void
codec_listed_nodes(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
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
		m.revision = a->page.revision;
		r->body_case = LITEVPN__IPAM__REPLY__BODY_NODES;
		r->nodes = &m;
	}
	codec_put(a, r);
	free(nodes);
	free(list);
}

void
codec_release_page(struct answer *a)
{
	free(a->page.nodes);
}

int
codec_delete_node(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	int rc = node_delete(env->ledger, req->delete_node->id, &a->deleted.epoch);

	if (rc == 0)
		snprintf(a->deleted.id, sizeof(a->deleted.id), "%s", req->delete_node->id);
	return rc;
}

void
codec_log_deleted(const struct answer *a)
{
	log_info("node_deleted", "node=%s", a->deleted.id);
}

void
codec_deleted(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Deleted m = LITEVPN__IPAM__DELETED__INIT;

	(void) env;
	m.epoch = a->deleted.epoch;
	r->body_case = LITEVPN__IPAM__REPLY__BODY_DELETED;
	r->deleted = &m;
	codec_put(a, r);
}

int
codec_get_info(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	(void) req;
	return node_info(env->ledger, &a->info);
}

void
codec_got_info(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
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
	m.full = a->info.full;
	r->body_case = LITEVPN__IPAM__REPLY__BODY_INFO;
	r->info = &m;
	codec_put(a, r);
}

/* --- who would be reclaimed ------------------------------------------------------------------- */

int
codec_list_victims(const struct codec_env *env, const Litevpn__Ipam__Request *req,
    struct answer *a)
{
	return lease_victims(env->ledger, req->list_victims->network, req->list_victims->max,
	    &a->victims);
}

struct victim_message {
	Litevpn__Ipam__Victim m;
	struct node_message node;
};

static void
fill_victim(const struct codec_env *env, struct lease_victim *v, struct victim_message *out)
{
	litevpn__ipam__victim__init(&out->m);
	fill_node(env, &v->node, &out->node);
	out->m.node = &out->node.m;
	out->m.idle_s = v->idle_s;
	out->m.eligible = v->eligible;
}

void
codec_listed_victims(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Victims m = LITEVPN__IPAM__VICTIMS__INIT;
	struct victim_message *victims = calloc(a->victims.n + 1, sizeof(*victims));
	Litevpn__Ipam__Victim **list = calloc(a->victims.n + 1, sizeof(Litevpn__Ipam__Victim *));

	if (victims == NULL || list == NULL) {
		r->result = REASON_INTERNAL;
	} else {
		for (size_t i = 0; i < a->victims.n; i++) {
			fill_victim(env, &a->victims.victims[i], &victims[i]);
			list[i] = &victims[i].m;
		}
		m.n_victims = a->victims.n;
		m.victims = list;
		m.refused = a->victims.refused;
		m.synced = a->victims.synced;
		r->body_case = LITEVPN__IPAM__REPLY__BODY_VICTIMS;
		r->victims = &m;
	}
	codec_put(a, r);
	free(victims);
	free(list);
}

void
codec_release_victims(struct answer *a)
{
	free(a->victims.victims);
}
