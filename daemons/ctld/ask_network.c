/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/ask_net.h"

#include <stdlib.h>

#include "common/reason.h"
#include "daemons/ctld/ask_ipam_inside.h"

/* The part of ask_net.h that is about networks. */

static int
read_texts(const Litevpn__Ipam__Network *pb, struct ipam_network *n, struct err *e)
{
	if (pb->n_exclude > IPAM_EXCLUDE_MAX)
		return err_set(e, -REASON_INTERNAL, "ipamd sent a network with too many prefixes");
	for (; n->nexclude < pb->n_exclude; n->nexclude++) {
		if (backend_text(n->exclude[n->nexclude], IP_TEXT_MAX, pb->exclude[n->nexclude],
		    e) < 0)
			return e->rc;
	}
	if (backend_text(n->name, sizeof(n->name), pb->name, e) < 0 ||
	    backend_text(n->address, sizeof(n->address), pb->address, e) < 0 ||
	    backend_text(n->net_token, sizeof(n->net_token), pb->net_token, e) < 0 ||
	    backend_text(n->first, sizeof(n->first), pb->first, e) < 0 ||
	    backend_text(n->last, sizeof(n->last), pb->last, e) < 0)
		return e->rc;
	return backend_text(n->before, sizeof(n->before), pb->before, e);
}

static int
read_network(const Litevpn__Ipam__Network *pb, struct ipam_network *out, struct err *e)
{
	struct ipam_network n = {
		.id = pb->id,
		.from_conf = pb->origin == LITEVPN__IPAM__NETWORK__ORIGIN__CONFIGURATION,
		.has_token = pb->has_token,
		.full = pb->full,
		.create_s = pb->create_s,
		.addresses = pb->addresses,
		.used = pb->used,
		.nodes = pb->nodes,
		.bound = pb->bound,
		.connected = pb->connected,
		.promised = pb->promised,
		.reserved = pb->reserved,
		.resting = pb->resting,
		.readdressed = pb->readdressed,
		.kept_inside = pb->kept_inside,
		.kept_outside = pb->kept_outside,
	};

	if (read_texts(pb, &n, e) < 0)
		return e->rc;
	*out = n;
	return 0;
}

int
ipam_decode_network(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply = ipam_open(msg, BODY(NETWORK), e);

	return reply == NULL ? e->rc : read_network(reply->network, out, e);
}

int
ipam_decode_networks(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply;
	struct ipam_networks list = { 0 };

	if ((reply = ipam_open(msg, BODY(NETWORKS), e)) == NULL)
		return e->rc;
	if (reply->networks->n_networks > IPAM_NETWORKS_MAX)
		return err_set(e, -REASON_INTERNAL, "ipamd sent too many networks");
	if ((list.rows = calloc(reply->networks->n_networks + 1, sizeof(*list.rows))) == NULL)
		return err_set(e, -REASON_OVERLOADED, "out of memory");
	for (; list.n < reply->networks->n_networks; list.n++) {
		if (read_network(reply->networks->networks[list.n], &list.rows[list.n], e) < 0) {
			ipam_networks_fini(&list);
			return e->rc;
		}
	}
	*(struct ipam_networks *) out = list;
	return 0;
}

void
ipam_get_network(struct backend *b, struct call *c, const char *name,
    struct ipam_network *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__GetNetwork get = LITEVPN__IPAM__GET_NETWORK__INIT;

	get.name = (char *) name;
	req.body_case = ASK(GET_NETWORK);
	req.get_network = &get;
	ipam_ask(b, c, &req, ipam_decode_network, out, next);
}

void
ipam_list_networks(struct backend *b, struct call *c, struct ipam_networks *out,
    backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__ListNetworks list = LITEVPN__IPAM__LIST_NETWORKS__INIT;

	req.body_case = ASK(LIST_NETWORKS);
	req.list_networks = &list;
	ipam_ask(b, c, &req, ipam_decode_networks, out, next);
}

void
ipam_networks_fini(struct ipam_networks *networks)
{
	free(networks->rows);
	*networks = (struct ipam_networks){ 0 };
}

void
ipam_create_network(struct backend *b, struct call *c, const struct ipam_network_wish *wish,
    const struct ipam_once *once, struct ipam_network *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__CreateNetwork create = LITEVPN__IPAM__CREATE_NETWORK__INIT;

	create.name = (char *) wish->name;
	create.address = (char *) wish->address;
	create.n_exclude = wish->nexclude;
	create.exclude = wish->exclude;
	create.open = wish->open;
	req.body_case = ASK(CREATE_NETWORK);
	req.create_network = &create;
	ipam_ask_once(b, c, &req, once, ipam_decode_network, out, next);
}

void
ipam_recreate_network(struct backend *b, struct call *c,
    const struct ipam_network_wish *wish, const struct ipam_once *once, struct ipam_network *out,
    backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__RecreateNetwork recreate = LITEVPN__IPAM__RECREATE_NETWORK__INIT;

	recreate.name = (char *) wish->name;
	recreate.address = (char *) wish->address;
	recreate.n_exclude = wish->nexclude;
	recreate.exclude = wish->exclude;
	req.body_case = ASK(RECREATE_NETWORK);
	req.recreate_network = &recreate;
	ipam_ask_once(b, c, &req, once, ipam_decode_network, out, next);
}

void
ipam_set_net_token(struct backend *b, struct call *c, const char *name, bool open,
    const struct ipam_once *once, struct ipam_network *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__SetNetToken set = LITEVPN__IPAM__SET_NET_TOKEN__INIT;

	set.network = (char *) name;
	set.open = open;
	req.body_case = ASK(SET_NET_TOKEN);
	req.set_net_token = &set;
	ipam_ask_once(b, c, &req, once, ipam_decode_network, out, next);
}

static int
decode_deleted(const ProtobufCMessage *msg, void *out, struct err *e)
{
	(void) out;	/* that it is gone is all that is asked */
	return ipam_open(msg, BODY(DELETED), e) == NULL ? e->rc : 0;
}

void
ipam_delete_network(struct backend *b, struct call *c, const char *name, bool force,
    const struct ipam_once *once, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__DeleteNetwork del = LITEVPN__IPAM__DELETE_NETWORK__INIT;

	del.name = (char *) name;
	del.force = force;
	req.body_case = ASK(DELETE_NETWORK);
	req.delete_network = &del;
	ipam_ask_once(b, c, &req, once, decode_deleted, NULL, next);
}
