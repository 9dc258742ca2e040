/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/ask_token.h"

#include <stdlib.h>

#include "common/reason.h"
#include "daemons/ctld/ask_ipam_inside.h"

static int
read_token(const Litevpn__Ipam__Token *pb, struct ipam_token *out, struct err *e)
{
	struct ipam_token t = {
		.expire_s = pb->expire_s,
		.create_s = pb->create_s,
		.uses = pb->uses,
		.uses_left = pb->uses_left,
	};

	if (backend_text(t.id, sizeof(t.id), pb->id, e) < 0 ||
	    backend_text(t.secret, sizeof(t.secret), pb->secret, e) < 0 ||
	    backend_text(t.network, sizeof(t.network), pb->network, e) < 0 ||
	    backend_text(t.address, sizeof(t.address), pb->address, e) < 0)
		return e->rc;
	*out = t;
	return 0;
}

static int
decode_token(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply = ipam_open(msg, BODY(TOKEN), e);

	return reply == NULL ? e->rc : read_token(reply->token, out, e);
}

void
ipam_create_token(struct backend *b, struct call *c, const struct ipam_token_wish *wish,
    const struct ipam_once *once, struct ipam_token *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__CreateToken create = LITEVPN__IPAM__CREATE_TOKEN__INIT;

	create.network = (char *) wish->network;
	create.life_s = wish->life_s;
	create.uses = wish->uses;
	create.address = (char *) wish->address;
	req.body_case = ASK(CREATE_TOKEN);
	req.create_token = &create;
	ipam_ask_once(b, c, &req, once, decode_token, out, next);
}

void
ipam_get_token(struct backend *b, struct call *c, const char *id, struct ipam_token *out,
    backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__GetToken get = LITEVPN__IPAM__GET_TOKEN__INIT;

	get.id = (char *) id;
	req.body_case = ASK(GET_TOKEN);
	req.get_token = &get;
	ipam_ask(b, c, &req, decode_token, out, next);
}

int
ipam_decode_tokens(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply;
	struct ipam_tokens page = { 0 };

	if ((reply = ipam_open(msg, BODY(TOKENS), e)) == NULL)
		return e->rc;
	if (reply->tokens->n_tokens > IPAM_PAGE_MAX)
		return err_set(e, -REASON_INTERNAL, "ipamd sent a page that is too long");
	if ((page.rows = calloc(reply->tokens->n_tokens + 1, sizeof(*page.rows))) == NULL)
		return err_set(e, -REASON_OVERLOADED, "out of memory");
	page.next = reply->tokens->next;
	for (; page.n < reply->tokens->n_tokens; page.n++) {
		if (read_token(reply->tokens->tokens[page.n], &page.rows[page.n], e) < 0) {
			ipam_tokens_fini(&page);
			return e->rc;
		}
	}
	*(struct ipam_tokens *) out = page;
	return 0;
}

void
ipam_list_tokens(struct backend *b, struct call *c, const char *network, uint32_t page_size,
    uint64_t after, struct ipam_tokens *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__ListTokens list = LITEVPN__IPAM__LIST_TOKENS__INIT;

	list.network = (char *) network;
	list.page_size = page_size;
	list.after = after;
	req.body_case = ASK(LIST_TOKENS);
	req.list_tokens = &list;
	ipam_ask(b, c, &req, ipam_decode_tokens, out, next);
}

void
ipam_tokens_fini(struct ipam_tokens *tokens)
{
	free(tokens->rows);
	*tokens = (struct ipam_tokens){ 0 };
}

void
ipam_delete_token(struct backend *b, struct call *c, const char *id,
    const struct ipam_once *once, struct ipam_token *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__DeleteToken del = LITEVPN__IPAM__DELETE_TOKEN__INIT;

	del.id = (char *) id;
	req.body_case = ASK(DELETE_TOKEN);
	req.delete_token = &del;
	ipam_ask_once(b, c, &req, once, decode_token, out, next);
}
