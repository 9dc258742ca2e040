/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/codec_methods.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/reason.h"
#include "config.h"

/* What ctld asks of nodes, and how tokens become them. */

/* --- nodes ------------------------------------------------------------------------------------ */

/* A node with the texts that its message points to. */
struct node_message {
	Litevpn__Ipam__Node m;
	char addr[IP_TEXT_MAX];
	struct labels labels;
	Litevpn__Ipam__Label label[LABELS_MAX], *list[LABELS_MAX];
};

_Static_assert((int) NODE_NEVER == (int) LITEVPN__IPAM__NODE__STATE__NEVER &&
    (int) NODE_CONNECTING == (int) LITEVPN__IPAM__NODE__STATE__CONNECTING &&
    (int) NODE_CONNECTED == (int) LITEVPN__IPAM__NODE__STATE__CONNECTED &&
    (int) NODE_LOST == (int) LITEVPN__IPAM__NODE__STATE__LOST &&
    (int) NODE_IDLE == (int) LITEVPN__IPAM__NODE__STATE__IDLE, "the states have the same numbers");

static void
fill_labels(struct node_message *out, const char *text)
{
	labels_read(&out->labels, text);
	for (size_t i = 0; i < out->labels.n; i++) {
		litevpn__ipam__label__init(&out->label[i]);
		out->label[i].key = out->labels.rows[i].key;
		out->label[i].value = out->labels.rows[i].value;
		out->list[i] = &out->label[i];
	}
	out->m.n_labels = out->labels.n;
	out->m.labels = out->list;
}

static void
fill_node(const struct codec_env *env, struct store_node *n, const char *labels,
    struct node_message *out)
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
	fill_labels(out, labels);
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

	fill_node(env, &t->node, "", &node);
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

	fill_node(env, &a->node.node, node_notes_of(&a->node.notes, a->node.node.row), &node);
	r->body_case = LITEVPN__IPAM__REPLY__BODY_NODE;
	r->node = &node.m;
	codec_put(a, r);
}

void
codec_release_node(struct answer *a)
{
	node_notes_fini(&a->node.notes);
}

/* The wish of a message, with its labels in `set`, which has room for LABELS_MAX. */
static int
read_wish(const Litevpn__Ipam__UpdateNode *m, struct label_text *set, struct node_wish *out,
    struct err *e)
{
	if (m->n_set > LABELS_MAX)
		return err_set(e, -REASON_FIELD_INVALID, "labels: a node has at most %d",
		    LABELS_MAX);
	for (size_t i = 0; i < m->n_set; i++)
		set[i] = (struct label_text){ m->set[i]->key, m->set[i]->value };
	*out = (struct node_wish){
		.rename = m->rename,
		.display_name = m->display_name,
		.drop_all = m->drop_all,
		.drop = m->drop,
		.ndrop = m->n_drop,
		.set = set,
		.nset = m->n_set,
	};
	return 0;
}

int
codec_update_node(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	struct label_text set[LABELS_MAX];
	struct node_wish wish;
	int rc = read_wish(req->update_node, set, &wish, &a->err);

	return rc < 0 ? rc
	    : node_update(env->ledger, req->update_node->id, &wish, &a->node, &a->err);
}

void
codec_log_updated(const struct answer *a)
{
	log_info("node_updated", "node=%s name=%s", a->node.node.id,
	    LOG_Q(a->node.node.display_name));
}

int
codec_get_nodes(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	const Litevpn__Ipam__GetNodes *m = req->get_nodes;

	if (m->n_ids > NODE_PAGE_MAX)
		return err_set(&a->err, -REASON_FIELD_INVALID, "ids: at most %d", NODE_PAGE_MAX);
	return node_get_several(env->ledger, (const char *const *) m->ids, m->n_ids, &a->page);
}

int
codec_list_nodes(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	const Litevpn__Ipam__ListNodes *m = req->list_nodes;

	return node_list(env->ledger, m->network, (int64_t) m->after, m->page_size, &a->page);
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
			struct store_node *n = &a->page.nodes[i];

			fill_node(env, n, node_notes_of(&a->page.notes, n->row), &nodes[i]);
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
	node_page_fini(&a->page);
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
	fill_node(env, &v->node, "", &out->node);
	out->m.node = &out->node.m;
	out->m.idle_s = v->idle_s;
	out->m.eligible = v->eligible;
}

/* The first n victims as messages behind pointers, in one piece that is to be freed; or NULL. */
static Litevpn__Ipam__Victim **
list_victims(const struct codec_env *env, struct answer *a, size_t n)
{
	Litevpn__Ipam__Victim **list = calloc(n + 1, sizeof(*list) + sizeof(struct victim_message));
	struct victim_message *victims = (struct victim_message *) (list + n + 1);

	for (size_t i = 0; list != NULL && i < n; i++) {
		fill_victim(env, &a->victims.victims[i], &victims[i]);
		list[i] = &victims[i].m;
	}
	return list;
}

void
codec_listed_victims(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Victims m = LITEVPN__IPAM__VICTIMS__INIT;
	Litevpn__Ipam__Victim **list = list_victims(env, a, a->victims.n);

	if (list == NULL) {
		r->result = REASON_INTERNAL;
	} else {
		m.n_victims = a->victims.n;
		m.victims = list;
		m.refused = a->victims.refused;
		m.synced = a->victims.synced;
		r->body_case = LITEVPN__IPAM__REPLY__BODY_VICTIMS;
		r->victims = &m;
	}
	codec_put(a, r);
	free(list);
}

void
codec_release_victims(struct answer *a)
{
	free(a->victims.victims);
}

int
codec_reclaim(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	const Litevpn__Ipam__Reclaim *m = req->reclaim;

	return lease_reclaim(env->ledger, m->network, m->count, m->min_idle_s, &a->victims,
	    &a->err);
}

void
codec_log_reclaimed(const struct answer *a)
{
	for (size_t i = 0; i < a->victims.n; i++) {
		const struct lease_victim *v = &a->victims.victims[i];

		log_info("address_reclaimed", "node=%s addr=%s idle=%" PRId64, v->node.id,
		    IP_TEXT(&v->node.addr), v->idle_s);
	}
}

/* A thousand victims are too much to be kept: an answer that is repeated only counts them. */
void
codec_reclaimed(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Reclaimed m = LITEVPN__IPAM__RECLAIMED__INIT;
	size_t n = a->keep_in != NULL ? 0 : a->victims.n;
	Litevpn__Ipam__Victim **list = list_victims(env, a, n);

	if (list == NULL) {
		r->result = REASON_INTERNAL;
	} else {
		m.n_victims = n;
		m.victims = list;
		m.count = (uint32_t) a->victims.n;
		r->body_case = LITEVPN__IPAM__REPLY__BODY_RECLAIMED;
		r->reclaimed = &m;
	}
	codec_put(a, r);
	free(list);
}
