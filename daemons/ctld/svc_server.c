/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/svc.h"

#include "common/ip.h"
#include "config.h"
#include "daemons/ctld/ask_ipam.h"
#include "daemons/ctld/ask_tunneld.h"
#include "daemons/ctld/ctld.h"
#include "daemons/ctld/method.h"
#include "daemons/ctld/moments.h"
#include "litevpn/v1/server.pb-c.h"

/* --- GetServerInfo: asks ipamd, then tunneld; one that is down is shown as such --------------- */

enum { IPAMD, TUNNELD, SIGNER, COMPONENTS };

struct info {
	struct ipam_info ipam;
	struct err ipam_err;
	struct tunneld_info tunneld;
	struct err tunneld_err;
};

#define CAPABILITIES_MAX 128	/* rows of method.c, with room */

struct view {
	const char *capabilities[CAPABILITIES_MAX];
	Litevpn__V1__Component components[COMPONENTS], *list[COMPONENTS];
	Google__Protobuf__Timestamp times[COMPONENTS];
	Litevpn__V1__ServerInfo__DropsEntry drops[TUNNELD_DROPS_MAX], *drop_list[TUNNELD_DROPS_MAX];
	Google__Protobuf__Timestamp tunnel_expires, tunnel_ca_expires;
};

/* trouble: why it is not up; NULL: it is. */
static void
show_component(struct view *v, size_t i, const char *name, const char *version, int64_t started_s,
    const char *trouble)
{
	Litevpn__V1__Component *pb = &v->components[i];

	litevpn__v1__component__init(pb);
	v->list[i] = pb;
	pb->name = (char *) name;
	pb->up = trouble == NULL;
	if (trouble != NULL) {
		pb->message = (char *) trouble;
		return;
	}
	google__protobuf__timestamp__init(&v->times[i]);
	v->times[i].seconds = started_s;
	pb->start_time = &v->times[i];
	pb->version = (char *) version;
}

static void
show_drops(struct view *v, const struct tunneld_info *t, Litevpn__V1__ServerInfo *reply)
{
	for (size_t i = 0; i < t->ndrops; i++) {
		litevpn__v1__server_info__drops_entry__init(&v->drops[i]);
		v->drops[i].key = (char *) t->drops[i].name;
		v->drops[i].value = t->drops[i].value;
		v->drop_list[i] = &v->drops[i];
	}
	reply->n_drops = t->ndrops;
	reply->drops = v->drop_list;
}

static void
show_parts(struct view *v, const struct ctld *ctld, const struct info *info,
    Litevpn__V1__ServerInfo *reply)
{
	const struct ipam_info *ipam = &info->ipam;
	const struct tunneld_info *tunneld = &info->tunneld;

	show_component(v, IPAMD, "ipamd", ipam->version, ipam->started_s,
	    info->ipam_err.rc < 0 ? info->ipam_err.text : NULL);
	show_component(v, TUNNELD, "tunneld", tunneld->version, tunneld->started_s,
	    info->tunneld_err.rc < 0 ? info->tunneld_err.text : NULL);
	show_component(v, SIGNER, "signer", PACKAGE_VERSION, ctld->started_s,
	    signer_client_trouble(ctld->signer));
	reply->n_components = COMPONENTS;
	reply->components = v->list;
	reply->pool_size = ipam->addresses;
	reply->pool_used = ipam->bound;
	reply->nodes_registered = ipam->nodes;
	reply->nodes_connected = ipam->connected;
	reply->tunnel_device = (char *) tunneld->device;
	reply->tunnel_mtu = (int32_t) tunneld->mtu;
	reply->tunnel_offload = (char *) tunneld->offload;
	reply->tunnel_certificate_expire_time =
	    moments_time(&v->tunnel_expires, tunneld->cert_expire_s);
	reply->tunnel_ca_expire_time = moments_time(&v->tunnel_ca_expires, tunneld->ca_expire_s);
	show_drops(v, tunneld, reply);
}

/* What there is for a caller of that role: both doors to this call serve it the same. */
static void
show_capabilities(struct view *v, enum role role, Litevpn__V1__ServerInfo *reply)
{
	const struct method *m;

	for (size_t i = 0; (m = method_at(i)) != NULL && reply->n_capabilities < CAPABILITIES_MAX;
	     i++) {
		if ((m->listeners >> LISTENER_ADMIN & 1) != 0 && role >= m->rule.least)
			v->capabilities[reply->n_capabilities++] = m->path + 1;
	}
	reply->capabilities = (char **) v->capabilities;
}

static void
on_tunneld_info(struct call *c, const struct err *e)
{
	Litevpn__V1__ServerInfo reply = LITEVPN__V1__SERVER_INFO__INIT;
	Google__Protobuf__Timestamp started = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Google__Protobuf__Timestamp server_expires = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Google__Protobuf__Timestamp ca_expires = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	struct ctld *ctld = call_ctld(c);
	struct identity_facts facts = identity_facts(ctld->identity);
	struct info *info = call_state_get(c);
	char network[IP_TEXT_MAX];
	struct view v;

	info->tunneld_err = *e;
	started.seconds = ctld->started_s;
	reply.version = (char *) PACKAGE_VERSION;
	reply.start_time = &started;
	reply.vpn_address = (char *) ip_prefix_format(&ctld->conf.vpn_addr, network);
	reply.ca_fingerprint = facts.ca_fingerprint;
	server_expires.seconds = facts.cert_expire_s;
	ca_expires.seconds = facts.ca_expire_s;
	reply.certificate_expire_time = &server_expires;
	reply.ca_expire_time = &ca_expires;
	show_parts(&v, ctld, info, &reply);
	show_capabilities(&v, call_caller(c)->role, &reply);
	call_reply(c, &reply.base);
}

/* What a question ends with that is not asked, since nobody is there. */
static struct err
absence(enum reason reason)
{
	struct err e;

	err_set(&e, -(int) reason, "%s", reason_text((int) reason));
	return e;
}

static void
on_ipam_info(struct call *c, const struct err *e)
{
	struct backend *b = call_ctld(c)->backend;
	struct info *info = call_state_get(c);
	struct err down = absence(REASON_TUNNEL_DOWN);

	info->ipam_err = *e;
	if (backend_is_up(b, BACKEND_TUNNELD))
		tunneld_get_info(b, c, &info->tunneld, on_tunneld_info);
	else
		on_tunneld_info(c, &down);
}

void
server_get_info(struct call *c)
{
	struct backend *b = call_ctld(c)->backend;
	struct info *info = call_state(c, sizeof(*info), NULL);
	struct err down = absence(REASON_IPAM_DOWN);

	if (info == NULL)
		return;
	if (backend_is_up(b, BACKEND_IPAMD))
		ipam_get_info(b, c, &info->ipam, on_ipam_info);
	else
		on_ipam_info(c, &down);
}
