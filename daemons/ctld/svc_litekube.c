/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/svc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64.h"
#include "common/pki.h"
#include "common/secret.h"
#include "daemons/ctld/ask_ipam.h"
#include "daemons/ctld/ask_token.h"
#include "daemons/ctld/ctld.h"
#include "daemons/ctld/names.h"
#include "litekube/network_controller.pb-c.h"

/*
 * What LiteKube's programs call. How a call has ended stands in its answer's code and message, by
 * texts that they know; who may call is refused as everywhere.
 */

#define LIFE_MAX_S (365 * 86400)	/* of a bootstrap token; stands for "never ends", too */
#define USES_MAX 10000			/* of one: their tokens are good until they end */
#define PORT_MAX sizeof("65535")

struct verdict {
	char *code, *message;
	enum reason reason;
};

/* The codes are those of HTTP: who is to blame. */
static struct verdict
judge(const struct err *e)
{
	struct verdict v = { (char *) "500", (char *) e->text, reason_of(e->rc, REASON_INTERNAL) };

	if (e->rc == 0)
		return (struct verdict){ (char *) "200", (char *) "ok", REASON_NONE };
	if (e->text[0] == '\0')
		v.message = (char *) reason_text((int) v.reason);
	switch (reason_rpc_code((int) v.reason)) {
	case RPC_NOT_FOUND:
	case RPC_UNAUTHENTICATED:	/* one answer for all that cannot be had */
		v.message = (char *) "fail to find such item";
		/* fallthrough */
	case RPC_INVALID_ARGUMENT:
		v.code = (char *) "400";
		break;
	default:
		break;
	}
	return v;
}

static void
set_port(int64_t port, char buf[PORT_MAX])
{
	snprintf(buf, PORT_MAX, "%u", (unsigned) port);
}

/* Where they find the server: they know one address. */
static char *
first_advertised(const struct conf_server *conf)
{
	char **hosts = conf->advertise.items;

	return conf->advertise.n == 0 ? (char *) "" : hosts[0];
}

/* --- HelloWorld, HealthCheck ------------------------------------------------------------------ */

void
litekube_hello_world(struct call *c)
{
	Pb__HelloWorldResponse reply = PB__HELLO_WORLD_RESPONSE__INIT;

	reply.thanks_text = (char *) "hello";
	call_reply(c, &reply.base);
}

void
litekube_health_check(struct call *c)
{
	Pb__HealthCheckResponse reply = PB__HEALTH_CHECK_RESPONSE__INIT;

	reply.code = (char *) "200";
	call_reply(c, &reply.base);
}

/* --- GetBootStrapToken ------------------------------------------------------------------------ */

static void
end_token(void *state)
{
	secret_wipe(state, sizeof(struct ipam_token));
}

static void
reply_bootstrap_token(struct call *c, const struct err *e)
{
	Pb__GetBootStrapTokenResponse reply = PB__GET_BOOT_STRAP_TOKEN_RESPONSE__INIT;
	const struct conf_server *conf = &call_ctld(c)->conf;
	const struct ipam_token *t = call_state_get(c);
	const struct verdict v = judge(e);
	char name[NAMES_MAX], port[PORT_MAX];

	set_port(conf->bootstrap_port, port);
	reply.code = v.code;
	reply.message = v.message;
	reply.cloudip = first_advertised(conf);
	reply.port = port;
	if (v.reason == REASON_NONE) {
		call_about(c, names_format("tokens", t->id, name));
		reply.bootstraptoken = (char *) t->secret;
	}
	call_reply_failure(c, v.reason, &reply.base);
}

void
litekube_get_bootstrap_token(struct call *c)
{
	const Pb__GetBootStrapTokenRequest *req = call_request(c);
	bool endless = req->expiretime < 0 || req->expiretime > LIFE_MAX_S / 60;
	struct ipam_token_wish wish = {
		.network = "",
		.life_s = endless ? LIFE_MAX_S : req->expiretime * 60,
		.uses = USES_MAX,
		.address = "",
	};
	struct ipam_token *t = call_state(c, sizeof(*t), end_token);

	if (t != NULL)
		ipam_create_token(call_ctld(c)->backend, c, &wish, &(struct ipam_once){ 0 }, t,
		    reply_bootstrap_token);
}

/* --- a node by its token ---------------------------------------------------------------------- */

struct lookup {
	struct node_removal removal;	/* the first: see node_remove */
	struct ipam_node node;
	backend_next *next;
};

/* For a node there are no others: what it gets to know of them is that they cannot be found. */
static void
on_found(struct call *c, const struct err *e)
{
	const struct caller *caller = call_caller(c);
	struct lookup *l = call_state_get(c);
	struct err unknown;
	char name[NAMES_MAX];

	if (e->rc == 0)
		call_about(c, names_format("nodes", l->node.id, name));
	if (e->rc == 0 && caller->role == ROLE_NODE &&
	    strcmp(caller->node_id, l->node.id) != 0) {
		err_set(&unknown, -REASON_NODE_UNKNOWN, "%s", reason_text(REASON_NODE_UNKNOWN));
		e = &unknown;
	}
	l->next(c, e);
}

static void
find(struct call *c, const char *token, backend_next *next)
{
	struct lookup *l = call_state(c, sizeof(*l), NULL);
	struct err e;

	if (l == NULL)
		return;
	l->next = next;
	if (token[0] == '\0') {
		err_set(&e, -REASON_FIELD_INVALID, "token can't be empty");
		next(c, &e);
	} else if (strlen(token) >= IPAM_SECRET_MAX) {
		err_set(&e, -REASON_NODE_UNKNOWN, "%s", reason_text(REASON_NODE_UNKNOWN));
		next(c, &e);
	} else {
		ipam_get_node_by_token(call_ctld(c)->backend, c, token, &l->node, on_found);
	}
}

static int32_t
state_number(enum ipam_state state)
{
	return state == IPAM_CONNECTED ? 3 : state == IPAM_CONNECTING ? 1 : -1;
}

static void
reply_state(struct call *c, const struct err *e)
{
	Pb__CheckConnResponse reply = PB__CHECK_CONN_RESPONSE__INIT;
	struct lookup *l = call_state_get(c);
	const struct verdict v = judge(e);

	reply.code = v.code;
	reply.message = v.message;
	reply.connstate = state_number(l->node.state);	/* of none: idle */
	reply.bindip = l->node.address;
	if (v.reason != REASON_NONE) {	/* also of another node, which was found */
		reply.connstate = state_number(IPAM_STATE_UNKNOWN);
		reply.bindip = (char *) "";
	}
	call_reply_failure(c, v.reason, &reply.base);
}

void
litekube_check_conn_state(struct call *c)
{
	find(c, ((const Pb__CheckConnStateRequest *) call_request(c))->token, reply_state);
}

static void
reply_ip(struct call *c, const struct err *e)
{
	Pb__GetRegistedIpResponse reply = PB__GET_REGISTED_IP_RESPONSE__INIT;
	struct lookup *l = call_state_get(c);
	const struct verdict v = judge(e);

	reply.code = v.code;
	reply.message = v.message;
	if (v.reason == REASON_NONE)
		reply.ip = l->node.address;
	call_reply_failure(c, v.reason, &reply.base);
}

void
litekube_get_registed_ip(struct call *c)
{
	find(c, ((const Pb__GetRegistedIpRequest *) call_request(c))->token, reply_ip);
}

static void
reply_unregistered(struct call *c, const struct err *e)
{
	Pb__UnRegisterResponse reply = PB__UN_REGISTER_RESPONSE__INIT;
	const struct verdict v = judge(e);

	reply.code = v.code;
	reply.message = v.message;
	reply.result = v.reason == REASON_NONE;
	call_reply_failure(c, v.reason, &reply.base);
}

static void
unregister(struct call *c, const struct err *e)
{
	struct lookup *l = call_state_get(c);

	if (e->rc < 0) {
		reply_unregistered(c, e);
		return;
	}
	memcpy(l->removal.id, l->node.id, sizeof(l->removal.id));
	node_remove(c, reply_unregistered);
}

void
litekube_unregister(struct call *c)
{
	find(c, ((const Pb__UnRegisterRequest *) call_request(c))->token, unregister);
}

/* --- GetToken: make keys, redeem the token, sign both, answer --------------------------------- */

/* Their programs have no keys of their own: they get them from here, once, and none is kept. */
struct pair {
	char *key, *csr;
	uint8_t spki[PKI_SPKI_LEN];
	struct signed_cert cert;
};

struct enroll {
	struct pair grpc, vpn;
	struct ipam_redeemed redeemed;
};

static void
fini_pair(struct pair *p)
{
	secret_free(p->key);
	free(p->csr);
	signed_cert_fini(&p->cert);
}

static void
end_enroll(void *state)
{
	struct enroll *en = state;

	fini_pair(&en->grpc);
	fini_pair(&en->vpn);
	secret_wipe(&en->redeemed, sizeof(en->redeemed));
}

static int
make_pair(struct pair *p, struct err *e)
{
	if (pki_key_new(&p->key, e) < 0 || pki_csr_new(p->key, "litekube", &p->csr, e) < 0)
		return e->rc;
	return pki_csr_check(p->csr, strlen(p->csr), p->spki, e);
}

/* Up to the end of the first certificate: theirs come without a chain. */
static size_t
first_len(const char *certs)
{
	static const char last[] = "-----END CERTIFICATE-----\n";
	const char *end = strstr(certs, last);

	return end == NULL ? strlen(certs) : (size_t) (end - certs) + strlen(last);
}

/* The six texts in base64. */
struct coded {
	char *grpc_ca, *grpc_key, *grpc_cert, *vpn_ca, *vpn_key, *vpn_cert;
};

static char *
encode(const char *text, size_t len)
{
	char *coded = malloc(BASE64_LEN(len) + 1);

	if (coded != NULL)
		base64_encode(text, len, coded);
	return coded;
}

static void
free_coded(struct coded *k)
{
	free(k->grpc_ca);
	free(k->grpc_cert);
	free(k->vpn_ca);
	free(k->vpn_cert);
	secret_free(k->grpc_key);
	secret_free(k->vpn_key);
}

static bool
encode_all(const struct enroll *en, struct coded *out)
{
	const struct pair *g = &en->grpc, *v = &en->vpn;

	*out = (struct coded){
		.grpc_ca = encode(g->cert.ca, strlen(g->cert.ca)),
		.grpc_key = encode(g->key, strlen(g->key)),
		.grpc_cert = encode(g->cert.certificate, first_len(g->cert.certificate)),
		.vpn_ca = encode(v->cert.ca, strlen(v->cert.ca)),
		.vpn_key = encode(v->key, strlen(v->key)),
		.vpn_cert = encode(v->cert.certificate, first_len(v->cert.certificate)),
	};
	return out->grpc_ca != NULL && out->grpc_key != NULL && out->grpc_cert != NULL &&
	    out->vpn_ca != NULL && out->vpn_key != NULL && out->vpn_cert != NULL;
}

static void
refuse_token(struct call *c, const struct err *e)
{
	Pb__GetTokenResponse reply = PB__GET_TOKEN_RESPONSE__INIT;
	const struct verdict v = judge(e);

	reply.code = v.code;
	reply.message = v.message;
	call_reply_failure(c, v.reason, &reply.base);
}

static void
reply_token(struct call *c, struct enroll *en, const struct coded *k)
{
	Pb__GetTokenResponse reply = PB__GET_TOKEN_RESPONSE__INIT;
	const struct conf_server *conf = &call_ctld(c)->conf;
	char port[PORT_MAX], grpc_port[PORT_MAX];

	set_port(conf->port, port);
	set_port(conf->grpc_port, grpc_port);
	reply.code = (char *) "200";
	reply.message = (char *) "ok";
	reply.token = en->redeemed.node_token;
	reply.networkserverip = first_advertised(conf);
	reply.networkserverport = port;
	reply.grpcserverip = en->redeemed.server_address;
	reply.grpcserverport = grpc_port;
	reply.grpccacert = k->grpc_ca;
	reply.grpcclientkey = k->grpc_key;
	reply.grpcclientcert = k->grpc_cert;
	reply.networkcacert = k->vpn_ca;
	reply.networkclientkey = k->vpn_key;
	reply.networkclientcert = k->vpn_cert;
	call_reply(c, &reply.base);
}

static void
on_vpn_signed(struct call *c, const struct err *e)
{
	struct enroll *en = call_state_get(c);
	struct coded k;
	struct err no_memory;
	char name[NAMES_MAX];

	if (e->rc < 0) {
		refuse_token(c, e);
		return;
	}
	call_about(c, names_format("nodes", en->redeemed.node.id, name));
	if (encode_all(en, &k)) {
		reply_token(c, en, &k);
	} else {
		err_set(&no_memory, -REASON_OVERLOADED, "out of memory");
		refuse_token(c, &no_memory);
	}
	free_coded(&k);
}

static void
on_grpc_signed(struct call *c, const struct err *e)
{
	struct enroll *en = call_state_get(c);

	if (e->rc < 0)
		refuse_token(c, e);
	else
		signer_client_sign(call_ctld(c)->signer, c, en->redeemed.vpn_grant, GRANT_WIRE_LEN,
		    en->vpn.csr, &en->vpn.cert, on_vpn_signed);
}

static void
on_redeemed(struct call *c, const struct err *e)
{
	struct enroll *en = call_state_get(c);

	if (e->rc < 0)
		refuse_token(c, e);
	else
		signer_client_sign(call_ctld(c)->signer, c, en->redeemed.grpc_grant,
		    GRANT_WIRE_LEN, en->grpc.csr, &en->grpc.cert, on_grpc_signed);
}

/* Before the token is redeemed: what would leave its node without certificates. */
static int
prepare(const struct ctld *ctld, const char *token, struct enroll *en, struct err *e)
{
	const char *trouble = signer_client_trouble(ctld->signer);

	if (token[0] == '\0')
		return err_set(e, -REASON_FIELD_INVALID, "bootstrap token can't be empty");
	if (strlen(token) >= IPAM_SECRET_MAX)
		return err_set(e, -REASON_TOKEN_UNKNOWN, "%s", reason_text(REASON_TOKEN_UNKNOWN));
	if (trouble != NULL)
		return err_set(e, -REASON_NO_SIGNER, "%s", reason_text(REASON_NO_SIGNER));
	return make_pair(&en->grpc, e) < 0 || make_pair(&en->vpn, e) < 0 ? e->rc : 0;
}

void
litekube_get_token(struct call *c)
{
	const Pb__GetTokenRequest *req = call_request(c);
	struct enroll *en = call_state(c, sizeof(*en), end_enroll);
	struct ctld *ctld = call_ctld(c);
	struct err e;

	if (en == NULL)
		return;
	if (prepare(ctld, req->bootstraptoken, en, &e) < 0)
		refuse_token(c, &e);
	else
		ipam_redeem(ctld->backend, c,
		    &(struct ipam_claim){ req->bootstraptoken, "", en->grpc.spki, en->vpn.spki,
		    true }, &en->redeemed, on_redeemed);
}
