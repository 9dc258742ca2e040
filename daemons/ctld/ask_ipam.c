/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/ask_ipam.h"

#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "ipc/ipam.pb-c.h"

_Static_assert((int) IPAM_NEVER == (int) LITEVPN__IPAM__NODE__STATE__NEVER &&
    (int) IPAM_IDLE == (int) LITEVPN__IPAM__NODE__STATE__IDLE, "states have ipamd's numbers");

#define BODY(name) LITEVPN__IPAM__REPLY__BODY_##name
#define ASK(name) LITEVPN__IPAM__REQUEST__BODY_##name

/* The reply behind a message, with a body of that case; else NULL and why in *e. */
static const Litevpn__Ipam__Reply *
open_reply(const ProtobufCMessage *msg, Litevpn__Ipam__Reply__BodyCase body, struct err *e)
{
	const Litevpn__Ipam__Reply *reply = (const Litevpn__Ipam__Reply *) msg;

	if (backend_result(reply->result, reply->detail, e) < 0)
		return NULL;
	if (reply->body_case == body)
		return reply;
	err_set(e, -REASON_INTERNAL, "ipamd did not answer what was asked");
	return NULL;
}

static void
ask(struct backend *b, struct call *c, const Litevpn__Ipam__Request *req, backend_decode *decode,
    void *out, backend_next *next)
{
	backend_ask(b, BACKEND_IPAMD, c, &req->base, decode, out, next);
}

/* --- nodes ------------------------------------------------------------------------------------ */

static int
read_node(const Litevpn__Ipam__Node *pb, struct ipam_node *out, struct err *e)
{
	struct ipam_node n = {
		.state = (enum ipam_state) pb->state,
		.create_s = pb->create_s,
		.seen_s = pb->seen_s,
	};

	if (pb->state < LITEVPN__IPAM__NODE__STATE__NEVER ||
	    pb->state > LITEVPN__IPAM__NODE__STATE__IDLE)
		n.state = IPAM_STATE_UNKNOWN;
	if (backend_text(n.id, sizeof(n.id), pb->id, e) < 0 ||
	    backend_text(n.display_name, sizeof(n.display_name), pb->display_name, e) < 0 ||
	    backend_text(n.network, sizeof(n.network), pb->network, e) < 0 ||
	    backend_text(n.address, sizeof(n.address), pb->address, e) < 0)
		return e->rc;
	*out = n;
	return 0;
}

static int
decode_node(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply = open_reply(msg, BODY(NODE), e);

	return reply == NULL ? e->rc : read_node(reply->node, out, e);
}

static void
ask_node(struct backend *b, struct call *c, Litevpn__Ipam__GetNode *get, struct ipam_node *out,
    backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;

	req.body_case = ASK(GET_NODE);
	req.get_node = get;
	ask(b, c, &req, decode_node, out, next);
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

	if ((reply = open_reply(msg, BODY(NODES), e)) == NULL)
		return e->rc;
	if (reply->nodes->n_nodes > IPAM_PAGE_MAX)
		return err_set(e, -REASON_INTERNAL, "ipamd sent a page that is too long");
	page.nodes = calloc(reply->nodes->n_nodes + 1, sizeof(*page.nodes));
	if (page.nodes == NULL)
		return err_set(e, -REASON_OVERLOADED, "out of memory");
	page.next = reply->nodes->next;
	page.revision = reply->nodes->revision;
	for (; page.n < reply->nodes->n_nodes; page.n++) {
		rc = read_node(reply->nodes->nodes[page.n], &page.nodes[page.n], e);
		if (rc < 0) {
			ipam_page_fini(&page);
			return rc;
		}
	}
	*(struct ipam_page *) out = page;
	return 0;
}

void
ipam_list_nodes(struct backend *b, struct call *c, uint32_t page_size, uint64_t after,
    struct ipam_page *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__ListNodes list = LITEVPN__IPAM__LIST_NODES__INIT;

	list.page_size = page_size;
	list.after = after;
	req.body_case = ASK(LIST_NODES);
	req.list_nodes = &list;
	ask(b, c, &req, decode_page, out, next);
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
	ask(b, c, &req, decode_page, out, next);
}

void
ipam_page_fini(struct ipam_page *page)
{
	free(page->nodes);
	*page = (struct ipam_page){ 0 };
}

static int
decode_deleted(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply = open_reply(msg, BODY(DELETED), e);

	if (reply == NULL)
		return e->rc;
	*(uint64_t *) out = reply->deleted->epoch;
	return 0;
}

void
ipam_delete_node(struct backend *b, struct call *c, const char *id, uint64_t *epoch_out,
    backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__DeleteNode del = LITEVPN__IPAM__DELETE_NODE__INIT;

	del.id = (char *) id;
	req.body_case = ASK(DELETE_NODE);
	req.delete_node = &del;
	ask(b, c, &req, decode_deleted, epoch_out, next);
}

/* --- tokens ----------------------------------------------------------------------------------- */

static int
decode_token(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply;
	struct ipam_token t = { 0 };

	if ((reply = open_reply(msg, BODY(TOKEN), e)) == NULL)
		return e->rc;
	t.expire_s = reply->token->expire_s;
	t.uses = reply->token->uses;
	if (backend_text(t.id, sizeof(t.id), reply->token->id, e) < 0 ||
	    backend_text(t.secret, sizeof(t.secret), reply->token->secret, e) < 0 ||
	    backend_text(t.network, sizeof(t.network), reply->token->network, e) < 0 ||
	    backend_text(t.address, sizeof(t.address), reply->token->address, e) < 0)
		return e->rc;
	*(struct ipam_token *) out = t;
	return 0;
}

void
ipam_create_token(struct backend *b, struct call *c, const char *network, int64_t life_s,
    uint32_t uses, const char *address, struct ipam_token *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__CreateToken create = LITEVPN__IPAM__CREATE_TOKEN__INIT;

	create.network = (char *) network;
	create.life_s = life_s;
	create.uses = uses;
	create.address = (char *) address;
	req.body_case = ASK(CREATE_TOKEN);
	req.create_token = &create;
	ask(b, c, &req, decode_token, out, next);
}

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

	if ((reply = open_reply(msg, BODY(REDEEMED), e)) == NULL)
		return e->rc;
	pb = reply->redeemed;
	if (pb->node == NULL)
		return err_set(e, -REASON_INTERNAL, "ipamd sent no node");
	if (read_node(pb->node, &r.node, e) < 0 ||
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
	ask(b, c, &req, decode_redeemed, out, next);
}

/* A grant that was not asked for is not there, and stays zeros. */
static int
decode_renewal(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply = open_reply(msg, BODY(RENEWAL), e);
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
	ask(b, c, &req, decode_renewal, out, next);
}

/* --- ipamd itself ----------------------------------------------------------------------------- */

static int
decode_info(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply;
	struct ipam_info info = { 0 };

	if ((reply = open_reply(msg, BODY(INFO), e)) == NULL)
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
	ask(b, c, &req, decode_info, out, next);
}
