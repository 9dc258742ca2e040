/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/renew.h"

#include <errno.h>
#include <stdio.h>

#include "common/reason.h"
#include "daemons/ipamd/node.h"

static int
check_claim(const struct renew_claim *c, struct err *e)
{
	if (c->grpc_spki_len != 0 && c->grpc_spki_len != PKI_SPKI_LEN)
		return err_set(e, -REASON_FIELD_INVALID, "grpc_spki: must be %d bytes",
		    PKI_SPKI_LEN);
	if (c->vpn_spki_len != 0 && c->vpn_spki_len != PKI_SPKI_LEN)
		return err_set(e, -REASON_FIELD_INVALID, "vpn_spki: must be %d bytes",
		    PKI_SPKI_LEN);
	if (c->grpc_spki_len == 0 && c->vpn_spki_len == 0)
		return err_set(e, -REASON_FIELD_INVALID, "vpn_spki: one of the two keys is needed");
	return 0;
}

/* One that has waited for its first attach too long is there only until the next sweep. */
static int
find_node(struct ledger *l, const char *id, struct store_node *n)
{
	int rc = node_find(l, id, n);

	if (rc == 0 && ledger_expired(l, n))
		return -REASON_NODE_UNKNOWN;
	return rc == 0 ? store_node_keys(l->store, n) : rc;
}

static int
sign(const struct granter *g, struct granter_wish *wish, enum grant_pki pki, const uint8_t *spki,
    const uint8_t known[PKI_SPKI_LEN], uint8_t grant_out[GRANT_WIRE_LEN])
{
	if (!secret_equal(spki, known, PKI_SPKI_LEN))
		return -REASON_KEY_UNKNOWN;
	wish->pki = pki;
	wish->spki = spki;
	return granter_sign(g, wish, grant_out);
}

int
renew_grant(struct ledger *l, const struct granter *g, const struct renew_claim *claim,
    struct renewal *out, struct err *e)
{
	struct granter_wish wish = {
		.node_id = claim->node_id,
		.not_after = l->now_s + l->conf->cert_life_ms / 1000,
		.now_s = l->now_s,
	};
	struct renewal r = { .grpc = claim->grpc_spki_len != 0, .vpn = claim->vpn_spki_len != 0 };
	struct store_node n;
	int rc;

	if ((rc = check_claim(claim, e)) < 0)
		return rc;
	if ((rc = find_node(l, claim->node_id, &n)) < 0)
		return rc == -ENOENT ? -REASON_KEY_UNKNOWN : rc;
	if (r.grpc && (rc = sign(g, &wish, GRANT_PKI_GRPC, claim->grpc_spki, n.grpc_spki,
	    r.grpc_grant)) < 0)
		return rc;
	if (r.vpn && (rc = sign(g, &wish, GRANT_PKI_VPN, claim->vpn_spki, n.vpn_spki,
	    r.vpn_grant)) < 0)
		return rc;
	snprintf(r.node_id, sizeof(r.node_id), "%s", n.id);
	*out = r;
	return 0;
}
