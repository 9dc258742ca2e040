/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/svc.h"

#include <string.h>

#include "common/pki.h"
#include "common/secret.h"
#include "common/utf8.h"
#include "config.h"
#include "daemons/ctld/ask_ipam.h"
#include "daemons/ctld/ctld.h"
#include "daemons/ctld/node_view.h"
#include "litevpn/v1/enrollment.pb-c.h"

#define DISPLAY_NAME_MAX 63	/* bytes: what ipamd keeps */
#define CSR_MAX 8192		/* bytes; one for a P-384 key has 600 */

static const char csr_rule[] = "must be a certificate request in PEM of at most 8192 bytes";

/* --- Enroll: check both requests, redeem the token, sign both, answer ------------------------- */

struct enroll {
	uint8_t grpc_spki[PKI_SPKI_LEN], vpn_spki[PKI_SPKI_LEN];
	struct ipam_redeemed redeemed;
	struct signed_cert grpc, vpn;
};

static void
end_enroll(void *state)
{
	struct enroll *en = state;

	secret_wipe(&en->redeemed, sizeof(en->redeemed));
	signed_cert_fini(&en->grpc);
	signed_cert_fini(&en->vpn);
}

static void
on_vpn_signed(struct call *c, const struct err *e)
{
	Litevpn__V1__EnrollResponse reply = LITEVPN__V1__ENROLL_RESPONSE__INIT;
	const struct conf_server *conf = &call_ctld(c)->conf;
	struct enroll *en = call_state_get(c);
	struct node_view view;

	if (e->rc < 0) {
		call_fail_err(c, e);
		return;
	}
	node_view_init(&view, &en->redeemed.node, NULL);
	call_about(c, view.info.name);
	reply.node = &view.info;
	reply.node_token = en->redeemed.node_token;
	reply.grpc_certificate = en->grpc.certificate;
	reply.grpc_ca = en->grpc.ca;
	reply.vpn_certificate = en->vpn.certificate;
	reply.vpn_ca = en->vpn.ca;
	reply.n_server_addresses = conf->advertise.n;
	reply.server_addresses = conf->advertise.items;
	reply.tunnel_port = (int32_t) conf->port;
	reply.grpc_port = (int32_t) conf->grpc_port;
	call_reply(c, &reply.base);
}

static void
on_grpc_signed(struct call *c, const struct err *e)
{
	const Litevpn__V1__EnrollRequest *req = call_request(c);
	struct enroll *en = call_state_get(c);

	if (e->rc < 0)
		call_fail_err(c, e);
	else
		signer_client_sign(call_ctld(c)->signer, c, en->redeemed.vpn_grant, GRANT_WIRE_LEN,
		    req->vpn_csr, &en->vpn, on_vpn_signed);
}

static void
on_redeemed(struct call *c, const struct err *e)
{
	const Litevpn__V1__EnrollRequest *req = call_request(c);
	struct enroll *en = call_state_get(c);

	if (e->rc < 0)
		call_fail_err(c, e);
	else
		signer_client_sign(call_ctld(c)->signer, c, en->redeemed.grpc_grant, GRANT_WIRE_LEN,
		    req->grpc_csr, &en->grpc, on_grpc_signed);
}

static bool
has_control_characters(const char *text)
{
	for (uint32_t ch; (ch = utf8_next(&text)) != 0;) {
		if (ch < 0x20 || ch == 0x7f)
			return true;
	}
	return false;
}

/* Which field is wrong; NULL: none. *why_out tells what would be right. */
static const char *
find_mistake(const Litevpn__V1__EnrollRequest *req, const char **why_out)
{
	*why_out = "must be a token as litevpnctl token create prints it";
	if (req->bootstrap_token[0] == '\0' || strlen(req->bootstrap_token) >= IPAM_SECRET_MAX ||
	    !utf8_valid(req->bootstrap_token))
		return "bootstrap_token";
	*why_out = "must be at most 63 bytes of UTF-8 without control characters";
	if (!utf8_valid(req->display_name) || strlen(req->display_name) > DISPLAY_NAME_MAX ||
	    has_control_characters(req->display_name))
		return "display_name";
	*why_out = csr_rule;
	if (req->grpc_csr[0] == '\0' || strlen(req->grpc_csr) > CSR_MAX)
		return "grpc_csr";
	if (req->vpn_csr[0] == '\0' || strlen(req->vpn_csr) > CSR_MAX)
		return "vpn_csr";
	return NULL;
}

static void
fail_csr(struct call *c, const char *field, const struct err *e)
{
	call_fail(c, &(struct status){ .reason = REASON_CSR_INVALID, .detail = e->text,
	    .field = field, .meta = { { "field", field } } });
}

/* False: the call has failed. */
static bool
check_requests(struct call *c, struct enroll *en)
{
	const Litevpn__V1__EnrollRequest *req = call_request(c);
	struct err e;

	if (pki_csr_check(req->grpc_csr, strlen(req->grpc_csr), en->grpc_spki, &e) < 0) {
		fail_csr(c, "grpc_csr", &e);
		return false;
	}
	if (pki_csr_check(req->vpn_csr, strlen(req->vpn_csr), en->vpn_spki, &e) < 0) {
		fail_csr(c, "vpn_csr", &e);
		return false;
	}
	if (secret_equal(en->grpc_spki, en->vpn_spki, PKI_SPKI_LEN)) {
		err_set(&e, -REASON_CSR_INVALID, "the two requests must have different keys");
		fail_csr(c, "vpn_csr", &e);
		return false;
	}
	return true;
}

void
enrollment_enroll(struct call *c)
{
	const Litevpn__V1__EnrollRequest *req = call_request(c);
	struct ctld *ctld = call_ctld(c);
	const char *why, *wrong = find_mistake(req, &why);
	struct enroll *en;

	if (wrong != NULL)
		call_fail_field(c, wrong, why);
	/* Before the token is redeemed: its node could not get its certificates. */
	else if ((why = signer_client_trouble(ctld->signer)) != NULL)
		call_fail(c, &(struct status){ .reason = REASON_NO_SIGNER });
	else if ((en = call_state(c, sizeof(*en), end_enroll)) != NULL && check_requests(c, en))
		ipam_redeem(ctld->backend, c,
		    &(struct ipam_claim){ req->bootstrap_token, req->display_name,
		    en->grpc_spki, en->vpn_spki, false }, &en->redeemed, on_redeemed);
}

/* --- RenewCertificate: check the requests, have them granted, sign, answer -------------------- */

struct renew {
	uint8_t grpc_spki[PKI_SPKI_LEN], vpn_spki[PKI_SPKI_LEN];
	struct ipam_renewal renewal;
	struct signed_cert grpc, vpn;	/* empty where none was asked for */
};

static void
end_renew(void *state)
{
	struct renew *r = state;

	signed_cert_fini(&r->grpc);
	signed_cert_fini(&r->vpn);
}

/* All that was asked for is signed, or the last step has failed. */
static void
reply_renewed(struct call *c, const struct err *e)
{
	Litevpn__V1__RenewCertificateResponse reply =
	    LITEVPN__V1__RENEW_CERTIFICATE_RESPONSE__INIT;
	const struct renew *r = call_state_get(c);

	if (e->rc < 0) {
		call_fail_err(c, e);
		return;
	}
	if (r->grpc.certificate != NULL) {
		reply.grpc_certificate = r->grpc.certificate;
		reply.grpc_ca = r->grpc.ca;
	}
	if (r->vpn.certificate != NULL) {
		reply.vpn_certificate = r->vpn.certificate;
		reply.vpn_ca = r->vpn.ca;
	}
	call_reply(c, &reply.base);
}

static void
renew_vpn(struct call *c, const struct err *e)
{
	const Litevpn__V1__RenewCertificateRequest *req = call_request(c);
	struct renew *r = call_state_get(c);

	if (e->rc < 0 || req->vpn_csr[0] == '\0')
		reply_renewed(c, e);
	else
		signer_client_sign(call_ctld(c)->signer, c, r->renewal.vpn_grant, GRANT_WIRE_LEN,
		    req->vpn_csr, &r->vpn, reply_renewed);
}

static void
on_granted(struct call *c, const struct err *e)
{
	const Litevpn__V1__RenewCertificateRequest *req = call_request(c);
	struct renew *r = call_state_get(c);

	if (e->rc < 0)
		node_fail(c, e);
	else if (req->grpc_csr[0] == '\0')
		renew_vpn(c, e);
	else
		signer_client_sign(call_ctld(c)->signer, c, r->renewal.grpc_grant, GRANT_WIRE_LEN,
		    req->grpc_csr, &r->grpc, renew_vpn);
}

/* One request; an empty one is none. False: the call has failed. */
static bool
check_request(struct call *c, const char *field, const char *csr, uint8_t spki_out[PKI_SPKI_LEN])
{
	struct err e;

	if (csr[0] == '\0')
		return true;
	if (strlen(csr) > CSR_MAX) {
		call_fail_field(c, field, csr_rule);
		return false;
	}
	if (pki_csr_check(csr, strlen(csr), spki_out, &e) == 0)
		return true;
	fail_csr(c, field, &e);
	return false;
}

void
enrollment_renew_certificate(struct call *c)
{
	const Litevpn__V1__RenewCertificateRequest *req = call_request(c);
	const char *id = call_caller(c)->node_id;
	struct ctld *ctld = call_ctld(c);
	char name[NAMES_MAX];
	struct renew *r;

	call_about(c, names_format("nodes", id, name));
	if (req->grpc_csr[0] == '\0' && req->vpn_csr[0] == '\0')
		call_fail_field(c, "vpn_csr", "one of the two requests is needed");
	else if (signer_client_trouble(ctld->signer) != NULL)
		call_fail(c, &(struct status){ .reason = REASON_NO_SIGNER });
	else if ((r = call_state(c, sizeof(*r), end_renew)) != NULL &&
	    check_request(c, "grpc_csr", req->grpc_csr, r->grpc_spki) &&
	    check_request(c, "vpn_csr", req->vpn_csr, r->vpn_spki))
		ipam_renew(ctld->backend, c, id, req->grpc_csr[0] == '\0' ? NULL : r->grpc_spki,
		    req->vpn_csr[0] == '\0' ? NULL : r->vpn_spki, &r->renewal, on_granted);
}

/* --- a node about itself ---------------------------------------------------------------------- */

void
enrollment_get_self(struct call *c)
{
	node_get_by_id(c, call_caller(c)->node_id);
}

void
enrollment_unregister(struct call *c)
{
	char name[NAMES_MAX];

	call_about(c, names_format("nodes", call_caller(c)->node_id, name));
	node_delete_by_id(c, call_caller(c)->node_id);
}

/* --- GetEnrollmentInfo ------------------------------------------------------------------------ */

void
enrollment_get_info(struct call *c)
{
	static const char *const apis[] = { "litevpn.v1" }, *const tunnels[] = { "litevpn/1" },
	    *const keys[] = { "ECDSA-P256", "ECDSA-P384", "Ed25519" };
	Litevpn__V1__EnrollmentInfo reply = LITEVPN__V1__ENROLLMENT_INFO__INIT;
	Google__Protobuf__Timestamp ca_expires = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Google__Protobuf__Duration life = GOOGLE__PROTOBUF__DURATION__INIT;
	const struct ctld *ctld = call_ctld(c);
	const struct conf_server *conf = &ctld->conf;
	struct identity_facts facts = identity_facts(ctld->identity);

	reply.version = (char *) PACKAGE_VERSION;
	reply.n_api_versions = sizeof(apis) / sizeof(apis[0]);
	reply.api_versions = (char **) apis;
	reply.n_tunnel_protocols = sizeof(tunnels) / sizeof(tunnels[0]);
	reply.tunnel_protocols = (char **) tunnels;
	reply.n_server_addresses = conf->advertise.n;
	reply.server_addresses = conf->advertise.items;
	reply.tunnel_port = (int32_t) conf->port;
	reply.grpc_port = (int32_t) conf->grpc_port;
	reply.bootstrap_port = (int32_t) conf->bootstrap_port;
	reply.ca_fingerprint = facts.ca_fingerprint;
	ca_expires.seconds = facts.ca_expire_s;
	reply.ca_expire_time = &ca_expires;
	reply.n_key_types = sizeof(keys) / sizeof(keys[0]);
	reply.key_types = (char **) keys;
	life.seconds = conf->cert_life_ms / 1000;
	reply.certificate_life = &life;
	reply.can_sign = signer_client_trouble(ctld->signer) == NULL;
	call_reply(c, &reply.base);
}
