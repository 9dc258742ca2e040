/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/svc.h"

#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "daemons/ctld/ask_net.h"
#include "daemons/ctld/ctld.h"
#include "daemons/ctld/fields.h"
#include "daemons/ctld/names.h"
#include "daemons/ctld/network_view.h"

/*
 * Networks that are changed at run time have no session to be cut: tunneld carries the default
 * one alone (NETWORK_NOT_SERVED), and that is of the configuration.
 */

/* --- one network, asked for, made or changed -------------------------------------------------- */

static void
end_network(void *state)
{
	secret_wipe(state, sizeof(struct ipam_network));
}

static void
reply_network(struct call *c, const struct err *e)
{
	const struct ipam_network *n = call_state_get(c);
	struct network_view v;

	if (e->rc < 0) {
		call_fail_err(c, e);
		return;
	}
	network_view_init(&v, n);
	call_about(c, v.name);
	call_reply(c, &v.info.base);
}

static struct ipam_network *
new_state(struct call *c)
{
	return call_state(c, sizeof(struct ipam_network), end_network);
}

void
network_create(struct call *c)
{
	static const Litevpn__V1__NetworkInfo none = LITEVPN__V1__NETWORK_INFO__INIT;
	const Litevpn__V1__CreateNetworkRequest *req = call_request(c);
	const Litevpn__V1__NetworkInfo *want = req->network == NULL ? &none : req->network;
	struct ipam_network_wish wish = { req->network_id, want->address, want->exclude,
		want->n_exclude, want->open };
	char name[NAMES_MAX];
	struct ipam_network *n;
	struct ipam_once once;

	call_about(c, names_format("networks", req->network_id, name));
	if (req->network_id[0] == '\0')
		call_fail_field(c, "network_id", "must be given");
	else if (want->address[0] == '\0')
		call_fail_field(c, "network.address", "must be given, as in 10.2.0.1/24");
	else if (fields_once(c, req->request_id, req->validate_only, &once) &&
	    (n = new_state(c)) != NULL)
		ipam_create_network(call_ctld(c)->backend, c, &wish, &once, n, reply_network);
}

void
network_get(struct call *c)
{
	const Litevpn__V1__GetNetworkRequest *req = call_request(c);
	char id[PKI_ID_MAX + 1];
	struct ipam_network *n;

	if (fields_name(c, "networks", req->name, id) && (n = new_state(c)) != NULL)
		ipam_get_network(call_ctld(c)->backend, c, id, n, reply_network);
}

void
network_set_token(struct call *c)
{
	const Litevpn__V1__SetNetTokenRequest *req = call_request(c);
	char id[PKI_ID_MAX + 1];
	struct ipam_network *n;
	struct ipam_once once;

	if (fields_name(c, "networks", req->name, id) &&
	    fields_once(c, req->request_id, req->validate_only, &once) &&
	    (n = new_state(c)) != NULL)
		ipam_set_net_token(call_ctld(c)->backend, c, id, req->open, &once, n,
		    reply_network);
}

/* --- ListNetworks ----------------------------------------------------------------------------- */

struct list {
	struct fields_page page;
	struct ipam_networks networks;
};

static void
end_list(void *state)
{
	struct list *l = state;

	ipam_networks_fini(&l->networks);
}

/* ipamd has them all in one answer: the page is cut here. */
static void
reply_list(struct call *c, const struct err *e)
{
	Litevpn__V1__ListNetworksResponse reply = LITEVPN__V1__LIST_NETWORKS_RESPONSE__INIT;
	const struct list *l = call_state_get(c);
	struct network_view *views = calloc(l->networks.n + 1, sizeof(*views));
	Litevpn__V1__NetworkInfo *list[IPAM_NETWORKS_MAX];
	char token[NAMES_PAGE_TOKEN_MAX];
	size_t i = 0;

	if (e->rc < 0) {
		call_fail_err(c, e);
	} else if (views == NULL) {
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
	} else {
		while (i < l->networks.n && l->networks.rows[i].id <= l->page.after)
			i++;
		for (; i < l->networks.n && reply.n_networks < l->page.size; i++) {
			network_view_init(&views[i], &l->networks.rows[i]);
			list[reply.n_networks++] = &views[i].info;
		}
		reply.networks = list;
		if (i < l->networks.n)
			reply.next_page_token = (char *) names_page_token(
			    l->networks.rows[i - 1].id, token);
		call_reply(c, &reply.base);
	}
	free(views);
}

void
network_list(struct call *c)
{
	const Litevpn__V1__ListNetworksRequest *req = call_request(c);
	struct fields_page page;
	struct list *l;

	if (!fields_page(c, req->page_size, req->page_token, &page) ||
	    (l = call_state(c, sizeof(*l), end_list)) == NULL)
		return;
	l->page = page;
	ipam_list_networks(call_ctld(c)->backend, c, &l->networks, reply_list);
}

/* --- RecreateNetwork -------------------------------------------------------------------------- */

static void
reply_recreated(struct call *c, const struct err *e)
{
	Litevpn__V1__RecreateNetworkResponse reply = LITEVPN__V1__RECREATE_NETWORK_RESPONSE__INIT;
	const struct ipam_network *n = call_state_get(c);
	struct network_view v;

	if (e->rc < 0) {
		call_fail_err(c, e);
		return;
	}
	network_view_init(&v, n);
	reply.network = &v.info;
	reply.previous_address = (char *) n->before;
	reply.first_address = (char *) n->first;
	reply.last_address = (char *) n->last;
	reply.readdressed_nodes = n->readdressed;
	reply.kept_inside = n->kept_inside;
	reply.kept_outside = n->kept_outside;
	call_reply(c, &reply.base);
}

void
network_recreate(struct call *c)
{
	const Litevpn__V1__RecreateNetworkRequest *req = call_request(c);
	struct ipam_network_wish wish = { .address = req->address, .exclude = req->exclude,
		.nexclude = req->n_exclude };
	char id[PKI_ID_MAX + 1];
	struct ipam_network *n;
	struct ipam_once once;

	if (!fields_name(c, "networks", req->name, id))
		return;
	wish.name = id;
	if (req->address[0] == '\0')
		call_fail_field(c, "address", "must be given, as in 10.2.0.1/24");
	else if (fields_once(c, req->request_id, req->validate_only, &once) &&
	    (n = new_state(c)) != NULL)
		ipam_recreate_network(call_ctld(c)->backend, c, &wish, &once, n, reply_recreated);
}

/* --- DeleteNetwork ---------------------------------------------------------------------------- */

static void
reply_deleted(struct call *c, const struct err *e)
{
	Google__Protobuf__Empty empty = GOOGLE__PROTOBUF__EMPTY__INIT;

	if (e->rc < 0)
		call_fail_err(c, e);
	else
		call_reply(c, &empty.base);
}

void
network_delete(struct call *c)
{
	const Litevpn__V1__DeleteNetworkRequest *req = call_request(c);
	char id[PKI_ID_MAX + 1];
	struct ipam_once once;

	if (fields_name(c, "networks", req->name, id) &&
	    fields_once(c, req->request_id, req->validate_only, &once))
		ipam_delete_network(call_ctld(c)->backend, c, id, req->force, &once,
		    reply_deleted);
}
