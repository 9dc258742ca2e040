/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/welcome.h"

#include <string.h>

#include "config.h"

/* What a node begins with: what its own path takes is searched from there. */
static unsigned
first_mtu(const struct conf_server *conf, unsigned device_mtu)
{
	unsigned mtu = conf_server_mtu(conf);

	return mtu < device_mtu ? mtu : device_mtu;
}

/* How far that goes; 0: `mtu` of the configuration fixes it. */
static unsigned
mtu_top(const struct conf_server *conf, unsigned device_mtu)
{
	return conf->mtu == 0 ? device_mtu : 0;
}

void
welcome_session(const struct join_result *r, const struct conf_server *conf, unsigned device_mtu,
    struct peer *peer, struct session_conf *out)
{
	*out = (struct session_conf){
		.peer = peer,
		.epoch = r->attached->epoch,
		.server = true,
		.cipher = r->cipher,
		.peer_workers = r->hello->workers,
		.peer_spis = r->hello->spis,
		.npeer_spis = r->hello->nspis,
		.roams = true,
		.tls_allowed = true,
		.mtu = first_mtu(conf, device_mtu),
		.mtu_top = mtu_top(conf, device_mtu),
		.keepalive_ms = (uint32_t) conf->keepalive_ms,
		.dead_after_ms = (uint32_t) conf->dead_after_ms,
		.version = r->hello->version,
	};
}

void
welcome_make(struct control_welcome *w, const struct session *s, const struct ipam_attached *a,
    const struct conf_server *conf, unsigned device_mtu, const struct identity *identity)
{
	const struct ip_prefix *routes = conf->push_routes.items;

	memset(w, 0, sizeof(*w));
	strcpy(w->node_id, a->node_id);
	w->address = a->address;
	w->server_address = conf->vpn_addr.addr;
	w->mtu = first_mtu(conf, device_mtu);
	w->mtu_top = mtu_top(conf, device_mtu);
	for (size_t i = 0; i < conf->push_routes.n; i++)
		w->routes[w->nroutes++] = routes[i];
	w->cipher = (int) s->cipher;
	w->workers = s->carrier->nlanes;
	if (s->carrier->nkeyed > 0)
		w->nspis = session_spis(s, w->spis);
	w->epoch = a->epoch;
	w->keepalive_ms = (uint32_t) conf->keepalive_ms;
	w->dead_after_ms = (uint32_t) conf->dead_after_ms;
	w->rekey_ms = (uint32_t) conf->rekey_ms;
	strncpy(w->version, PACKAGE_VERSION, sizeof(w->version) - 1);
	w->has_ca_hash = true;
	identity_ca_hash(identity, w->ca_hash);
}
