/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/svc.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/ip.h"
#include "common/secret.h"
#include "daemons/ctld/ask_token.h"
#include "daemons/ctld/ctld.h"
#include "daemons/ctld/fields.h"
#include "daemons/ctld/moments.h"
#include "daemons/ctld/names.h"
#include "litevpn/v1/token.pb-c.h"

#define USES_MAX 10000
#define LIFE_MAX_S (365 * 86400)

/* --- a token as the API shows it -------------------------------------------------------------- */

struct token_view {
	Litevpn__V1__BootstrapToken info;	/* points into the other fields, and what it was made of */
	Google__Protobuf__Timestamp expire_time, create_time;
	char name[NAMES_MAX], network[NAMES_MAX];
};

static Litevpn__V1__BootstrapToken__State
state_of(const struct ipam_token *t)
{
	if (t->expire_s <= clock_utc_s())
		return LITEVPN__V1__BOOTSTRAP_TOKEN__STATE__EXPIRED;
	return t->uses_left == 0 ? LITEVPN__V1__BOOTSTRAP_TOKEN__STATE__USED
				 : LITEVPN__V1__BOOTSTRAP_TOKEN__STATE__ACTIVE;
}

static void
view_init(struct token_view *v, const struct ipam_token *t, const struct identity_facts *facts)
{
	Litevpn__V1__BootstrapToken *pb = &v->info;

	litevpn__v1__bootstrap_token__init(pb);
	pb->name = (char *) names_format("tokens", t->id, v->name);
	pb->secret = (char *) t->secret;
	pb->network = (char *) names_format("networks", t->network, v->network);
	pb->expire_time = moments_time(&v->expire_time, t->expire_s);
	pb->uses = (int32_t) t->uses;
	pb->address = (char *) t->address;
	pb->ca_fingerprint = (char *) facts->ca_fingerprint;
	pb->uses_left = (int32_t) t->uses_left;
	pb->create_time = moments_time(&v->create_time, t->create_s);
	pb->state = state_of(t);
}

/* --- CreateToken ------------------------------------------------------------------------------ */

struct create {
	struct ipam_once once;
	struct ipam_token token;
};

static void
end_create(void *state)
{
	secret_wipe(state, sizeof(struct create));
}

static void
on_created(struct call *c, const struct err *e)
{
	struct identity_facts facts = identity_facts(call_ctld(c)->identity);
	const struct create *state = call_state_get(c);
	struct token_view v;

	if (e->rc < 0) {
		call_fail_err(c, e);
		return;
	}
	view_init(&v, &state->token, &facts);
	if (state->once.validate_only)
		v.info.name = (char *) "";	/* it has been given to nobody */
	call_about(c, v.info.name);
	call_reply(c, &v.info.base);
}

/* Which field is wrong; NULL: none. *why_out tells what would be right. */
static const char *
find_mistake(const Litevpn__V1__BootstrapToken *t, const char **why_out)
{
	struct ip_addr addr;

	*why_out = "must be from 1 second to 365 days";
	if (t->ttl != NULL && (t->ttl->nanos < 0 || t->ttl->seconds < 1 ||
	    t->ttl->seconds > LIFE_MAX_S))
		return "token.ttl";
	*why_out = "must be from 0 to 10000";
	if (t->uses < 0 || t->uses > USES_MAX)
		return "token.uses";
	*why_out = "must be an IP address, or empty for any free one";
	if (t->address[0] != '\0' && ip_parse(t->address, &addr) < 0)
		return "token.address";
	*why_out = "can only be given where the token has one use";
	if (t->address[0] != '\0' && t->uses > 1)
		return "token.address";
	return NULL;
}

void
token_create(struct call *c)
{
	static const Litevpn__V1__BootstrapToken plain = LITEVPN__V1__BOOTSTRAP_TOKEN__INIT;
	const Litevpn__V1__CreateTokenRequest *req = call_request(c);
	const Litevpn__V1__BootstrapToken *want = req->token == NULL ? &plain : req->token;
	const char *why, *wrong = find_mistake(want, &why);
	struct ipam_token_wish wish = {
		.life_s = want->ttl == NULL ? 0 : want->ttl->seconds,
		.uses = (uint32_t) want->uses,
		.address = want->address,
	};
	char network[PKI_ID_MAX + 1];
	struct create *state;

	if (wrong != NULL)
		call_fail_field(c, wrong, why);
	else if (fields_network(c, "token.network", want->network, network) &&
	    (state = call_state(c, sizeof(*state), end_create)) != NULL &&
	    fields_once(c, req->request_id, req->validate_only, &state->once)) {
		wish.network = network;
		ipam_create_token(call_ctld(c)->backend, c, &wish, &state->once, &state->token,
		    on_created);
	}
}

/* --- GetToken --------------------------------------------------------------------------------- */

static void
on_got(struct call *c, const struct err *e)
{
	struct identity_facts facts = identity_facts(call_ctld(c)->identity);
	const struct ipam_token *t = call_state_get(c);
	struct token_view v;

	if (e->rc < 0) {
		call_fail_err(c, e);
		return;
	}
	view_init(&v, t, &facts);
	call_reply(c, &v.info.base);
}

void
token_get(struct call *c)
{
	const Litevpn__V1__GetTokenRequest *req = call_request(c);
	char id[PKI_ID_MAX + 1];
	struct ipam_token *t;

	if (fields_name(c, "tokens", req->name, id) &&
	    (t = call_state(c, sizeof(*t), NULL)) != NULL)
		ipam_get_token(call_ctld(c)->backend, c, id, t, on_got);
}

/* --- ListTokens ------------------------------------------------------------------------------- */

static void
end_list(void *state)
{
	ipam_tokens_fini(state);
}

static void
on_listed(struct call *c, const struct err *e)
{
	Litevpn__V1__ListTokensResponse reply = LITEVPN__V1__LIST_TOKENS_RESPONSE__INIT;
	struct identity_facts facts = identity_facts(call_ctld(c)->identity);
	const struct ipam_tokens *page = call_state_get(c);
	struct token_view *views = calloc(page->n + 1, sizeof(*views));
	Litevpn__V1__BootstrapToken **list = calloc(page->n + 1, sizeof(*list));
	char token[NAMES_PAGE_TOKEN_MAX];

	if (e->rc < 0) {
		call_fail_err(c, e);
	} else if (views == NULL || list == NULL) {
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
	} else {
		for (size_t i = 0; i < page->n; i++) {
			view_init(&views[i], &page->rows[i], &facts);
			list[i] = &views[i].info;
		}
		reply.n_tokens = page->n;
		reply.tokens = list;
		if (page->next != 0)
			reply.next_page_token = (char *) names_page_token(page->next, token);
		call_reply(c, &reply.base);
	}
	free(views);
	free(list);
}

void
token_list(struct call *c)
{
	const Litevpn__V1__ListTokensRequest *req = call_request(c);
	char network[PKI_ID_MAX + 1];
	struct fields_page page;
	struct ipam_tokens *tokens;

	if (fields_page(c, req->page_size, req->page_token, &page) &&
	    fields_network(c, "network", req->network, network) &&
	    (tokens = call_state(c, sizeof(*tokens), end_list)) != NULL)
		ipam_list_tokens(call_ctld(c)->backend, c, network, page.size, page.after, tokens,
		    on_listed);
}

/* --- DeleteToken ------------------------------------------------------------------------------ */

static void
on_deleted(struct call *c, const struct err *e)
{
	Google__Protobuf__Empty empty = GOOGLE__PROTOBUF__EMPTY__INIT;

	if (e->rc < 0)
		call_fail_err(c, e);
	else
		call_reply(c, &empty.base);
}

void
token_delete(struct call *c)
{
	const Litevpn__V1__DeleteTokenRequest *req = call_request(c);
	struct ipam_once once;
	char id[PKI_ID_MAX + 1];
	struct ipam_token *t;

	if (fields_name(c, "tokens", req->name, id) &&
	    fields_once(c, req->request_id, req->validate_only, &once) &&
	    (t = call_state(c, sizeof(*t), NULL)) != NULL)
		ipam_delete_token(call_ctld(c)->backend, c, id, &once, t, on_deleted);
}
