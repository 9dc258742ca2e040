/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/svc.h"

#include <string.h>

#include "common/pki.h"
#include "common/secret.h"
#include "common/utf8.h"
#include "daemons/ctld/ask_ipam.h"
#include "daemons/ctld/ctld.h"
#include "daemons/ctld/node_view.h"
#include "litevpn/v1/enrollment.pb-c.h"

#define DISPLAY_NAME_MAX 63	/* bytes: what ipamd keeps */
#define CSR_MAX 8192		/* bytes; one for a P-384 key has 600 */

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
	*why_out = "must be a certificate request in PEM of at most 8192 bytes";
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
		ipam_redeem(ctld->backend, c, req->bootstrap_token, req->display_name,
		    en->grpc_spki, en->vpn_spki, &en->redeemed, on_redeemed);
}
