/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/svc.h"

#include <string.h>

#include "common/ip.h"
#include "common/secret.h"
#include "daemons/ctld/ask_ipam.h"
#include "daemons/ctld/ctld.h"
#include "daemons/ctld/names.h"
#include "litevpn/v1/token.pb-c.h"

#define USES_MAX 10000
#define LIFE_MAX_S (365 * 86400)

/* --- CreateToken ------------------------------------------------------------------------------ */

static void
end_create(void *state)
{
	secret_wipe(state, sizeof(struct ipam_token));
}

static void
on_created(struct call *c, const struct err *e)
{
	Litevpn__V1__BootstrapToken reply = LITEVPN__V1__BOOTSTRAP_TOKEN__INIT;
	Google__Protobuf__Timestamp expires = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	struct identity_facts facts = identity_facts(call_ctld(c)->identity);
	const struct ipam_token *t = call_state_get(c);
	char name[NAMES_MAX], network[NAMES_MAX];

	if (e->rc < 0) {
		call_fail_err(c, e);
		return;
	}
	expires.seconds = t->expire_s;
	reply.name = (char *) names_format("tokens", t->id, name);
	call_about(c, name);
	reply.secret = (char *) t->secret;
	reply.network = (char *) names_format("networks", t->network, network);
	reply.expire_time = &expires;
	reply.uses = (int32_t) t->uses;
	reply.address = (char *) t->address;
	reply.ca_fingerprint = facts.ca_fingerprint;
	call_reply(c, &reply.base);
}

/* Which field is wrong; NULL: none. *why_out tells what would be right. */
static const char *
find_mistake(const Litevpn__V1__BootstrapToken *t, const char **why_out)
{
	struct ip_addr addr;
	char id[PKI_ID_MAX + 1];

	*why_out = "must be networks/ID, or empty for the default one";
	if (t->network[0] != '\0' && names_parse("networks", t->network, id) < 0)
		return "token.network";
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
	char network[PKI_ID_MAX + 1] = "";
	struct ipam_token *t;

	if (wrong != NULL) {
		call_fail_field(c, wrong, why);
	} else if ((t = call_state(c, sizeof(*t), end_create)) != NULL) {
		names_parse("networks", want->network, network);	/* none: stays "" */
		ipam_create_token(call_ctld(c)->backend, c, network,
		    want->ttl == NULL ? 0 : want->ttl->seconds, (uint32_t) want->uses,
		    want->address, t, on_created);
	}
}
