/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/ask_ipam.h"

#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ctld/ask_ipam_inside.h"

_Static_assert((int) IPAM_NEVER == (int) LITEVPN__IPAM__NODE__STATE__NEVER &&
    (int) IPAM_IDLE == (int) LITEVPN__IPAM__NODE__STATE__IDLE, "states have ipamd's numbers");

const Litevpn__Ipam__Reply *
ipam_open(const ProtobufCMessage *msg, Litevpn__Ipam__Reply__BodyCase body, struct err *e)
{
	const Litevpn__Ipam__Reply *reply = (const Litevpn__Ipam__Reply *) msg;

	if (backend_result(reply->result, reply->detail, e) < 0)
		return NULL;
	if (reply->body_case == body)
		return reply;
	err_set(e, -REASON_INTERNAL, "ipamd did not answer what was asked");
	return NULL;
}

void
ipam_ask(struct backend *b, struct call *c, const Litevpn__Ipam__Request *req,
    backend_decode *decode, void *out, backend_next *next)
{
	backend_ask(b, BACKEND_IPAMD, c, &req->base, decode, out, next);
}

void
ipam_ask_once(struct backend *b, struct call *c, Litevpn__Ipam__Request *req,
    const struct ipam_once *once, backend_decode *decode, void *out, backend_next *next)
{
	req->request_id = (char *) once->request_id;
	req->validate_only = once->validate_only;
	ipam_ask(b, c, req, decode, out, next);
}

/* --- nodes ------------------------------------------------------------------------------------ */

/* What does not fit cannot be right: ipamd keeps no such labels. */
static int
read_labels(const Litevpn__Ipam__Node *pb, struct ipam_node *n, struct err *e)
{
	if (pb->n_labels > IPAM_LABELS_MAX)
		return err_set(e, -REASON_INTERNAL, "ipamd sent a node with too many labels");
	for (; n->nlabels < pb->n_labels; n->nlabels++) {
		const Litevpn__Ipam__Label *l = pb->labels[n->nlabels];
		struct ipam_label *to = &n->labels[n->nlabels];

		if (backend_text(to->key, sizeof(to->key), l->key, e) < 0 ||
		    backend_text(to->value, sizeof(to->value), l->value, e) < 0)
			return e->rc;
	}
	return 0;
}

int
ipam_read_node(const Litevpn__Ipam__Node *pb, struct ipam_node *out, struct err *e)
{
	struct ipam_node n = {
		.state = (enum ipam_state) pb->state,
		.create_s = pb->create_s,
		.seen_s = pb->seen_s,
		.epoch = pb->epoch,
		.fixed = pb->fixed,
	};

	if (pb->state < LITEVPN__IPAM__NODE__STATE__NEVER ||
	    pb->state > LITEVPN__IPAM__NODE__STATE__IDLE)
		n.state = IPAM_STATE_UNKNOWN;
	if (backend_text(n.id, sizeof(n.id), pb->id, e) < 0 ||
	    backend_text(n.display_name, sizeof(n.display_name), pb->display_name, e) < 0 ||
	    backend_text(n.network, sizeof(n.network), pb->network, e) < 0 ||
	    backend_text(n.address, sizeof(n.address), pb->address, e) < 0 ||
	    read_labels(pb, &n, e) < 0)
		return e->rc;
	*out = n;
	return 0;
}

static int
decode_node(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply = ipam_open(msg, BODY(NODE), e);

	return reply == NULL ? e->rc : ipam_read_node(reply->node, out, e);
}

static void
ask_node(struct backend *b, struct call *c, Litevpn__Ipam__GetNode *get, struct ipam_node *out,
    backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;

	req.body_case = ASK(GET_NODE);
	req.get_node = get;
	ipam_ask(b, c, &req, decode_node, out, next);
}

void
ipam_get_node(struct backend *b, struct call *c, const char *id, struct ipam_node *out,
    backend_next *next)
{
	Litevpn__Ipam__GetNode get = LITEVPN__IPAM__GET_NODE__INIT;

	get.id = (char *) id;
	ask_node(b, c, &get, out, next);
}

void
ipam_get_node_by_token(struct backend *b, struct call *c, const char *node_token,
    struct ipam_node *out, backend_next *next)
{
	Litevpn__Ipam__GetNode get = LITEVPN__IPAM__GET_NODE__INIT;

	get.node_token = (char *) node_token;
	ask_node(b, c, &get, out, next);
}

static int
decode_page(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply;
	struct ipam_page page = { 0 };
	int rc;

	if ((reply = ipam_open(msg, BODY(NODES), e)) == NULL)
		return e->rc;
	if (reply->nodes->n_nodes > IPAM_PAGE_MAX)
		return err_set(e, -REASON_INTERNAL, "ipamd sent a page that is too long");
	page.nodes = calloc(reply->nodes->n_nodes + 1, sizeof(*page.nodes));
	if (page.nodes == NULL)
		return err_set(e, -REASON_OVERLOADED, "out of memory");
	page.next = reply->nodes->next;
	page.revision = reply->nodes->revision;
	for (; page.n < reply->nodes->n_nodes; page.n++) {
		rc = ipam_read_node(reply->nodes->nodes[page.n], &page.nodes[page.n], e);
		if (rc < 0) {
			ipam_page_fini(&page);
			return rc;
		}
	}
	*(struct ipam_page *) out = page;
	return 0;
}

void
ipam_list_nodes(struct backend *b, struct call *c, const char *network, uint32_t page_size,
    uint64_t after, struct ipam_page *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__ListNodes list = LITEVPN__IPAM__LIST_NODES__INIT;

	list.page_size = page_size;
	list.after = after;
	list.network = (char *) network;
	req.body_case = ASK(LIST_NODES);
	req.list_nodes = &list;
	ipam_ask(b, c, &req, decode_page, out, next);
}

void
ipam_get_nodes(struct backend *b, struct call *c, const char *const *ids, size_t n,
    struct ipam_page *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__GetNodes get = LITEVPN__IPAM__GET_NODES__INIT;

	get.n_ids = n;
	get.ids = (char **) ids;
	req.body_case = ASK(GET_NODES);
	req.get_nodes = &get;
	ipam_ask(b, c, &req, decode_page, out, next);
}

void
ipam_page_fini(struct ipam_page *page)
{
	free(page->nodes);
	*page = (struct ipam_page){ 0 };
}

void
ipam_update_node(struct backend *b, struct call *c, const char *id,
    const struct ipam_node_wish *wish, const struct ipam_once *once, struct ipam_node *out,
    backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__UpdateNode update = LITEVPN__IPAM__UPDATE_NODE__INIT;
	Litevpn__Ipam__Label labels[IPAM_LABELS_MAX], *set[IPAM_LABELS_MAX];

	for (size_t i = 0; i < wish->nset; i++) {
		litevpn__ipam__label__init(&labels[i]);
		labels[i].key = (char *) wish->set[i].key;
		labels[i].value = (char *) wish->set[i].value;
		set[i] = &labels[i];
	}
	update.id = (char *) id;
	update.rename = wish->rename;
	update.display_name = (char *) wish->display_name;
	update.drop_all = wish->drop_all;
	update.n_drop = wish->ndrop;
	update.drop = (char **) wish->drop;
	update.n_set = wish->nset;
	update.set = set;
	req.body_case = ASK(UPDATE_NODE);
	req.update_node = &update;
	ipam_ask_once(b, c, &req, once, decode_node, out, next);
}

static int
decode_deleted(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply = ipam_open(msg, BODY(DELETED), e);

	if (reply == NULL)
		return e->rc;
	*(uint64_t *) out = reply->deleted->epoch;
	return 0;
}

void
ipam_delete_node(struct backend *b, struct call *c, const char *id,
    const struct ipam_once *once, uint64_t *epoch_out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__DeleteNode del = LITEVPN__IPAM__DELETE_NODE__INIT;

	del.id = (char *) id;
	req.body_case = ASK(DELETE_NODE);
	req.delete_node = &del;
	ipam_ask_once(b, c, &req, once, decode_deleted, epoch_out, next);
}

/* --- enrollment ------------------------------------------------------------------------------- */

static int
read_grant(const ProtobufCBinaryData *pb, uint8_t out[GRANT_WIRE_LEN], struct err *e)
{
	if (pb->len != GRANT_WIRE_LEN)
		return err_set(e, -REASON_INTERNAL, "ipamd sent a grant of %zu bytes", pb->len);
	memcpy(out, pb->data, GRANT_WIRE_LEN);
	return 0;
}

static int
decode_redeemed(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply;
	const Litevpn__Ipam__Redeemed *pb;
	struct ipam_redeemed r = { 0 };

	if ((reply = ipam_open(msg, BODY(REDEEMED), e)) == NULL)
		return e->rc;
	pb = reply->redeemed;
	if (pb->node == NULL)
		return err_set(e, -REASON_INTERNAL, "ipamd sent no node");
	if (ipam_read_node(pb->node, &r.node, e) < 0 ||
	    backend_text(r.node_token, sizeof(r.node_token), pb->node_token, e) < 0 ||
	    backend_text(r.server_address, sizeof(r.server_address), pb->server_address, e) < 0 ||
	    read_grant(&pb->grpc_grant, r.grpc_grant, e) < 0 ||
	    read_grant(&pb->vpn_grant, r.vpn_grant, e) < 0)
		return e->rc;
	*(struct ipam_redeemed *) out = r;
	return 0;
}

void
ipam_redeem(struct backend *b, struct call *c, const struct ipam_claim *claim,
    struct ipam_redeemed *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__Redeem redeem = LITEVPN__IPAM__REDEEM__INIT;

	redeem.bootstrap_token = (char *) claim->bootstrap_token;
	redeem.display_name = (char *) claim->display_name;
	redeem.grpc_spki = (ProtobufCBinaryData){ PKI_SPKI_LEN, (uint8_t *) claim->grpc_spki };
	redeem.vpn_spki = (ProtobufCBinaryData){ PKI_SPKI_LEN, (uint8_t *) claim->vpn_spki };
	redeem.litekube = claim->litekube;
	req.body_case = ASK(REDEEM);
	req.redeem = &redeem;
	ipam_ask(b, c, &req, decode_redeemed, out, next);
}

/* A grant that was not asked for is not there, and stays zeros. */
static int
decode_renewal(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply = ipam_open(msg, BODY(RENEWAL), e);
	struct ipam_renewal r = { 0 };

	if (reply == NULL || (reply->renewal->grpc_grant.len != 0 &&
	    read_grant(&reply->renewal->grpc_grant, r.grpc_grant, e) < 0) ||
	    (reply->renewal->vpn_grant.len != 0 &&
	    read_grant(&reply->renewal->vpn_grant, r.vpn_grant, e) < 0))
		return e->rc;
	*(struct ipam_renewal *) out = r;
	return 0;
}

void
ipam_renew(struct backend *b, struct call *c, const char *node_id, const uint8_t *grpc_spki,
    const uint8_t *vpn_spki, struct ipam_renewal *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__Renew renew = LITEVPN__IPAM__RENEW__INIT;

	renew.node_id = (char *) node_id;
	if (grpc_spki != NULL)
		renew.grpc_spki = (ProtobufCBinaryData){ PKI_SPKI_LEN, (uint8_t *) grpc_spki };
	if (vpn_spki != NULL)
		renew.vpn_spki = (ProtobufCBinaryData){ PKI_SPKI_LEN, (uint8_t *) vpn_spki };
	req.body_case = ASK(RENEW);
	req.renew = &renew;
	ipam_ask(b, c, &req, decode_renewal, out, next);
}

/* --- ipamd itself ----------------------------------------------------------------------------- */

static int
decode_info(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply;
	struct ipam_info info = { 0 };

	if ((reply = ipam_open(msg, BODY(INFO), e)) == NULL)
		return e->rc;
	info.addresses = reply->info->addresses;
	info.bound = reply->info->bound;
	info.nodes = reply->info->nodes;
	info.connected = reply->info->connected;
	info.started_s = reply->info->started_s;
	if (backend_text(info.network, sizeof(info.network), reply->info->network, e) < 0 ||
	    backend_text(info.version, sizeof(info.version), reply->info->version, e) < 0)
		return e->rc;
	*(struct ipam_info *) out = info;
	return 0;
}

void
ipam_get_info(struct backend *b, struct call *c, struct ipam_info *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__GetInfo get = LITEVPN__IPAM__GET_INFO__INIT;

	req.body_case = ASK(GET_INFO);
	req.get_info = &get;
	ipam_ask(b, c, &req, decode_info, out, next);
}
