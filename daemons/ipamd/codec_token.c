/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/codec_methods.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/reason.h"

/* What ctld asks of bootstrap tokens. */

int
codec_create_token(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	const Litevpn__Ipam__CreateToken *m = req->create_token;
	struct token_wish wish = {
		.network = m->network,
		.life_s = m->life_s,
		.uses = m->uses,
		.address = m->address,
	};

	return token_create(env->ledger, &a->request, &wish, &a->token, &a->err);
}

void
codec_log_created(const struct answer *a)
{
	log_info("token_created", "token=%s network=%s uses=%u addr=%s", a->token.row.label,
	    a->token.network, a->token.row.uses, IP_TEXT(&a->token.addr));
}

int
codec_get_token(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	return token_get(env->ledger, req->get_token->id, &a->token);
}

int
codec_list_tokens(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	const Litevpn__Ipam__ListTokens *m = req->list_tokens;

	return token_list(env->ledger, m->network, (int64_t) m->after, m->page_size, &a->tokens);
}

int
codec_delete_token(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	return token_revoke(env->ledger, req->delete_token->id, &a->token);
}

void
codec_log_revoked(const struct answer *a)
{
	log_info("token_revoked", "token=%s network=%s", a->token.row.label, a->token.network);
}

/* --- answering -------------------------------------------------------------------------------- */

/* A token with the text that its message points to. */
struct token_message {
	Litevpn__Ipam__Token m;
	char addr[IP_TEXT_MAX];
};

static void
fill_token(struct token_view *v, struct token_message *out)
{
	Litevpn__Ipam__Token *m = &out->m;

	litevpn__ipam__token__init(m);
	m->id = v->row.label;
	m->secret = v->secret;
	m->network = v->network;
	m->expire_s = v->row.expire_s;
	m->uses = v->row.uses;
	if (v->addr.family != 0)
		m->address = (char *) ip_format(&v->addr, out->addr);
	m->uses_left = v->row.uses_left;
	m->create_s = v->row.create_s;
}

void
codec_told_token(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	struct token_message token;

	(void) env;
	fill_token(&a->token, &token);
	r->body_case = LITEVPN__IPAM__REPLY__BODY_TOKEN;
	r->token = &token.m;
	codec_put(a, r);
}

char **
codec_token_secret(Litevpn__Ipam__Reply *r)
{
	return &r->token->secret;
}

void
codec_listed_tokens(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Tokens m = LITEVPN__IPAM__TOKENS__INIT;
	struct token_message *tokens = calloc(a->tokens.n + 1, sizeof(*tokens));
	Litevpn__Ipam__Token **list = calloc(a->tokens.n + 1, sizeof(Litevpn__Ipam__Token *));

	(void) env;
	if (tokens == NULL || list == NULL) {
		r->result = REASON_INTERNAL;
	} else {
		for (size_t i = 0; i < a->tokens.n; i++) {
			fill_token(&a->tokens.tokens[i], &tokens[i]);
			list[i] = &tokens[i].m;
		}
		m.n_tokens = a->tokens.n;
		m.tokens = list;
		m.next = (uint64_t) a->tokens.next;
		r->body_case = LITEVPN__IPAM__REPLY__BODY_TOKENS;
		r->tokens = &m;
	}
	codec_put(a, r);
	free(tokens);
	free(list);
}

void
codec_release_tokens(struct answer *a)
{
	free(a->tokens.tokens);
}
