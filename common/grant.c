/* SPDX-License-Identifier: Apache-2.0 */
#include "common/grant.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "common/reason.h"
#include "common/secret.h"
#include "common/wire.h"

#define SIGNED_LEN (GRANT_WIRE_LEN - 64)
#define VERSION 1

/* version 1, pki 1, subject 1, zero 1, spki 32, not_after 8, id 16, expires 8, node id padded with zeros 76 */
#define NODE_ID_LEN 76
_Static_assert(4 + 32 + 8 + 16 + 8 + NODE_ID_LEN == SIGNED_LEN, "the fields fill the form");
_Static_assert(NODE_ID_LEN > PKI_ID_MAX, "the longest id fits with its zero");

int
grant_key_public(const uint8_t private[GRANT_KEY_LEN], uint8_t public_out[GRANT_KEY_LEN])
{
	EVP_PKEY *key =
	    EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private, GRANT_KEY_LEN);
	size_t len = GRANT_KEY_LEN;
	int ok = key != NULL && EVP_PKEY_get_raw_public_key(key, public_out, &len) == 1;

	EVP_PKEY_free(key);
	return ok ? 0 : -EIO;
}

int
grant_key_new(uint8_t private_out[GRANT_KEY_LEN], uint8_t public_out[GRANT_KEY_LEN])
{
	secret_random(private_out, GRANT_KEY_LEN);
	return grant_key_public(private_out, public_out);
}

int
grant_sign(const struct grant *g, const uint8_t private[GRANT_KEY_LEN],
    uint8_t wire_out[GRANT_WIRE_LEN])
{
	EVP_PKEY *key =
	    EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private, GRANT_KEY_LEN);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct wire w = wire_writer(wire_out, SIGNED_LEN);
	char id[NODE_ID_LEN] = "";
	size_t siglen = 64;
	int ok;

	memcpy(id, g->node_id, strlen(g->node_id));
	wire_put_u8(&w, VERSION);
	wire_put_u8(&w, (uint8_t) g->pki);
	wire_put_u8(&w, (uint8_t) g->subject);
	wire_put_u8(&w, 0);
	wire_put_bytes(&w, g->spki, sizeof(g->spki));
	wire_put_u64(&w, (uint64_t) g->not_after);
	wire_put_bytes(&w, g->id, sizeof(g->id));
	wire_put_u64(&w, (uint64_t) g->expires);
	wire_put_bytes(&w, id, sizeof(id));
	ok = wire_done(&w) && key != NULL && md != NULL &&
	    EVP_DigestSignInit(md, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(md, wire_out + SIGNED_LEN, &siglen, wire_out, SIGNED_LEN) == 1;
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	return ok ? 0 : -EIO;
}

static bool
signature_holds(const uint8_t *wire, const uint8_t public[GRANT_KEY_LEN])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public, GRANT_KEY_LEN);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int ok = key != NULL && md != NULL &&
	    EVP_DigestVerifyInit(md, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestVerify(md, wire + SIGNED_LEN, 64, wire, SIGNED_LEN) == 1;

	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	return ok;
}

int
grant_verify(const void *wire, size_t len, const uint8_t public[GRANT_KEY_LEN], int64_t now,
    struct grant *out, struct err *e)
{
	const int rc = -REASON_GRANT_REFUSED;
	struct wire w = wire_reader(wire, SIGNED_LEN);
	struct grant g = { 0 };
	const uint8_t *p;

	if (len != GRANT_WIRE_LEN)
		return err_set(e, rc, "the grant is %zu bytes instead of %d", len, GRANT_WIRE_LEN);
	if (!signature_holds(wire, public))
		return err_set(e, rc, "the grant's signature is not ipamd's");
	if (wire_get_u8(&w) != VERSION)
		return err_set(e, rc, "the grant is of another version");
	g.pki = (enum grant_pki) wire_get_u8(&w);
	g.subject = (enum grant_subject) wire_get_u8(&w);
	wire_get_u8(&w);
	memcpy(g.spki, wire_get_bytes(&w, sizeof(g.spki)), sizeof(g.spki));
	g.not_after = (int64_t) wire_get_u64(&w);
	memcpy(g.id, wire_get_bytes(&w, sizeof(g.id)), sizeof(g.id));
	g.expires = (int64_t) wire_get_u64(&w);
	p = wire_get_bytes(&w, NODE_ID_LEN);
	if ((g.pki != GRANT_PKI_GRPC && g.pki != GRANT_PKI_VPN) ||
	    (g.subject != GRANT_SUBJECT_NODE && g.subject != GRANT_SUBJECT_LITEKUBE) ||
	    p[0] == 0 || memchr(p, 0, sizeof(g.node_id)) == NULL)
		return err_set(e, rc, "the grant's fields are not sensible");
	memcpy(g.node_id, p, sizeof(g.node_id));
	if (now >= g.expires || g.expires - now > GRANT_LIFE_S)
		return err_set(e, rc, "the grant has expired, or is not of this time");
	*out = g;
	return 0;
}
