/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/codec_methods.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/reason.h"

/* What ctld asks of kept addresses and of networks. */

/* --- kept addresses --------------------------------------------------------------------------- */

_Static_assert((int) HOLD_PROMISE == (int) LITEVPN__IPAM__ADDRESS__KIND__PROMISED &&
    (int) HOLD_NAME == (int) LITEVPN__IPAM__ADDRESS__KIND__RESERVED &&
    (int) HOLD_REST == (int) LITEVPN__IPAM__ADDRESS__KIND__RESTING,
    "the kinds have the same numbers");

int
codec_reserve_address(const struct codec_env *env, const Litevpn__Ipam__Request *req,
    struct answer *a)
{
	const Litevpn__Ipam__ReserveAddress *m = req->reserve_address;
	struct reserve_wish wish = { m->network, m->name, m->address };

	return reserve_address(env->ledger, &wish, &a->address, &a->err);
}

void
codec_log_reserved(const struct answer *a)
{
	log_info("address_reserved", "addr=%s network=%s name=%s",
	    IP_TEXT(&a->address.hold.addr), a->address.network, LOG_Q(a->address.hold.name));
}

int
codec_release_address(const struct codec_env *env, const Litevpn__Ipam__Request *req,
    struct answer *a)
{
	const Litevpn__Ipam__ReleaseAddress *m = req->release_address;
	struct reserve_wish which = { m->network, m->name, m->address };

	return reserve_release(env->ledger, &which, &a->address, &a->err);
}

void
codec_log_released(const struct answer *a)
{
	log_info("address_released", "addr=%s network=%s name=%s",
	    IP_TEXT(&a->address.hold.addr), a->address.network, LOG_Q(a->address.hold.name));
}

/* A kept address with the text that its message points to. */
struct address_message {
	Litevpn__Ipam__Address m;
	char addr[IP_TEXT_MAX];
};

static void
fill_address(struct reserve_view *v, struct address_message *out)
{
	litevpn__ipam__address__init(&out->m);
	out->m.network = v->network;
	out->m.address = (char *) ip_format(&v->hold.addr, out->addr);
	out->m.kind = v->hold.kind == 0 ? LITEVPN__IPAM__ADDRESS__KIND__BOUND
	    : (Litevpn__Ipam__Address__Kind) v->hold.kind;
	out->m.name = v->hold.name;
	out->m.node_id = v->node;
	out->m.until_s = v->hold.until_s;
}

void
codec_told_address(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	struct address_message address;

	(void) env;
	fill_address(&a->address, &address);
	r->body_case = LITEVPN__IPAM__REPLY__BODY_ADDRESS;
	r->address = &address.m;
	codec_put(a, r);
}

int
codec_list_addresses(const struct codec_env *env, const Litevpn__Ipam__Request *req,
    struct answer *a)
{
	const Litevpn__Ipam__ListAddresses *m = req->list_addresses;

	return reserve_list(env->ledger, m->network, m->kept_only, (int64_t) m->after,
	    m->page_size, &a->addresses);
}

void
codec_listed_addresses(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Addresses m = LITEVPN__IPAM__ADDRESSES__INIT;
	struct address_message *addresses = calloc(a->addresses.n + 1, sizeof(*addresses));
	Litevpn__Ipam__Address **list = calloc(a->addresses.n + 1, sizeof(Litevpn__Ipam__Address *));

	(void) env;
	if (addresses == NULL || list == NULL) {
		r->result = REASON_INTERNAL;
	} else {
		for (size_t i = 0; i < a->addresses.n; i++) {
			fill_address(&a->addresses.holds[i], &addresses[i]);
			list[i] = &addresses[i].m;
		}
		m.n_addresses = a->addresses.n;
		m.addresses = list;
		m.next = (uint64_t) a->addresses.next;
		r->body_case = LITEVPN__IPAM__REPLY__BODY_ADDRESSES;
		r->addresses = &m;
	}
	codec_put(a, r);
	free(addresses);
	free(list);
}

void
codec_release_addresses(struct answer *a)
{
	free(a->addresses.holds);
}

/* --- networks: asking ------------------------------------------------------------------------- */

int
codec_create_network(const struct codec_env *env, const Litevpn__Ipam__Request *req,
    struct answer *a)
{
	const Litevpn__Ipam__CreateNetwork *m = req->create_network;
	struct network_wish wish = { m->name, m->address, m->exclude, m->n_exclude, m->open };

	return network_create(env->ledger, &a->request, &wish, &a->network, &a->err);
}

int
codec_recreate_network(const struct codec_env *env, const Litevpn__Ipam__Request *req,
    struct answer *a)
{
	const Litevpn__Ipam__RecreateNetwork *m = req->recreate_network;
	struct network_wish wish = { .name = m->name, .address = m->address,
		.exclude = m->exclude, .nexclude = m->n_exclude };

	return network_recreate(env->ledger, &wish, &a->network, &a->err);
}

int
codec_delete_network(const struct codec_env *env, const Litevpn__Ipam__Request *req,
    struct answer *a)
{
	return network_delete(env->ledger, req->delete_network->name, req->delete_network->force,
	    &a->network, &a->err);
}

int
codec_set_net_token(const struct codec_env *env, const Litevpn__Ipam__Request *req,
    struct answer *a)
{
	return network_token(env->ledger, &a->request, req->set_net_token->network,
	    req->set_net_token->open, &a->network);
}

int
codec_get_network(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	return network_get(env->ledger, req->get_network->name, &a->network);
}

int
codec_list_networks(const struct codec_env *env, const Litevpn__Ipam__Request *req,
    struct answer *a)
{
	(void) req;
	return network_list(env->ledger, &a->networks);
}

/* --- networks: answering ---------------------------------------------------------------------- */

void
codec_log_network_created(const struct answer *a)
{
	log_notice("network_created", "network=%s address=%s", a->network.row.name,
	    PREFIX_TEXT(&a->network.row.prefix));
}

void
codec_log_network_recreated(const struct answer *a)
{
	log_notice("network_recreated", "network=%s address=%s nodes=%" PRIu64,
	    a->network.row.name, PREFIX_TEXT(&a->network.row.prefix), a->network.counts.nodes);
}

void
codec_log_network_deleted(const struct answer *a)
{
	log_notice("network_deleted", "network=%s nodes=%" PRIu64, a->network.row.name,
	    a->network.counts.nodes);
}

void
codec_log_net_token(const struct answer *a)
{
	log_notice("net_token_set", "network=%s open=%s", a->network.row.name,
	    a->network.row.has_token ? "no" : "yes");
}

/* A network with the texts that its message points to. */
struct network_message {
	Litevpn__Ipam__Network m;
	char address[IP_TEXT_MAX];
	char before[IP_TEXT_MAX], first[IP_TEXT_MAX], last[IP_TEXT_MAX];
	char exclude[STORE_EXCLUDE_MAX][IP_TEXT_MAX];
	char *list[STORE_EXCLUDE_MAX];
};

/* What network_recreate tells beside the network. */
static void
fill_map(const struct network_view *v, struct network_message *out)
{
	Litevpn__Ipam__Network *m = &out->m;

	if (v->map.before.addr.family != 0)
		m->before = (char *) ip_prefix_format(&v->map.before, out->before);
	m->readdressed = v->map.readdressed;
	m->kept_inside = v->map.inside;
	m->kept_outside = v->map.outside;
}

static void
fill_network(struct network_view *v, struct network_message *out)
{
	Litevpn__Ipam__Network *m = &out->m;

	litevpn__ipam__network__init(m);
	m->name = v->row.name;
	m->address = (char *) ip_prefix_format(&v->row.prefix, out->address);
	for (size_t i = 0; i < v->row.nexclude; i++)
		out->list[i] = (char *) ip_prefix_format(&v->row.exclude[i], out->exclude[i]);
	m->n_exclude = v->row.nexclude;
	m->exclude = out->list;
	m->origin = v->row.from_conf ? LITEVPN__IPAM__NETWORK__ORIGIN__CONFIGURATION
	    : LITEVPN__IPAM__NETWORK__ORIGIN__RUN_TIME;
	m->has_token = v->row.has_token;
	m->net_token = v->secret;
	m->create_s = v->row.create_s;
	m->epoch = v->epoch;
	m->addresses = v->addresses;
	m->used = v->used;
	m->bound = v->counts.bound;
	m->nodes = v->counts.nodes;
	m->connected = v->counts.connected;
	m->promised = v->held[HOLD_PROMISE];
	m->reserved = v->held[HOLD_NAME];
	m->resting = v->held[HOLD_REST];
	m->full = v->full;
	m->id = (uint64_t) v->row.id;
	if (v->first.family != 0) {
		m->first = (char *) ip_format(&v->first, out->first);
		m->last = (char *) ip_format(&v->last, out->last);
	}
	fill_map(v, out);
}

void
codec_told_network(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	struct network_message network;

	(void) env;
	fill_network(&a->network, &network);
	r->body_case = LITEVPN__IPAM__REPLY__BODY_NETWORK;
	r->network = &network.m;
	codec_put(a, r);
}

char **
codec_network_secret(Litevpn__Ipam__Reply *r)
{
	return r->network->has_token ? &r->network->net_token : NULL;
}

void
codec_deleted_network(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Deleted m = LITEVPN__IPAM__DELETED__INIT;

	(void) env;
	m.epoch = a->network.epoch;
	r->body_case = LITEVPN__IPAM__REPLY__BODY_DELETED;
	r->deleted = &m;
	codec_put(a, r);
}

void
codec_listed_networks(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Networks m = LITEVPN__IPAM__NETWORKS__INIT;
	struct network_message *networks = calloc(a->networks.n, sizeof(*networks));
	Litevpn__Ipam__Network *list[NETWORKS_MAX];

	(void) env;
	if (networks == NULL) {
		r->result = REASON_INTERNAL;
	} else {
		for (size_t i = 0; i < a->networks.n; i++) {
			fill_network(&a->networks.views[i], &networks[i]);
			list[i] = &networks[i].m;
		}
		m.n_networks = a->networks.n;
		m.networks = list;
		m.revision = a->networks.revision;
		r->body_case = LITEVPN__IPAM__REPLY__BODY_NETWORKS;
		r->networks = &m;
	}
	codec_put(a, r);
	free(networks);
}

void
codec_release_networks(struct answer *a)
{
	free(a->networks.views);
}
