/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/signer.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/pki_ca.h"
#include "common/reason.h"
#include "common/secret.h"
#include "tests/unit/kit.h"

/* A signer with both PKIs, ipamd's key, a node's request and a grant for it that is right. */
struct rig {
	struct signer *signer;
	char *grpc_ca, *vpn_ca;
	uint8_t private[GRANT_KEY_LEN], public[GRANT_KEY_LEN];
	char *csr;
	struct grant grant;
	int64_t now;
};

static char *
make_csr(void)
{
	char *key, *csr;

	ck_assert_int_eq(pki_key_new(&key, NULL), 0);
	ck_assert_int_eq(pki_csr_new(key, "CN=admin, whatever", &csr, NULL), 0);
	secret_free(key);
	return csr;
}

static struct rig *
open_rig(void)
{
	struct rig *r = calloc(1, sizeof(*r));
	char *grpc_key, *vpn_key;
	struct err e;

	r->now = clock_utc_s();
	ck_assert_int_eq(pki_ca_new("grpc CA", 100, &grpc_key, &r->grpc_ca, &e), 0);
	ck_assert_int_eq(pki_ca_new("vpn CA", 100, &vpn_key, &r->vpn_ca, &e), 0);
	ck_assert_int_eq(signer_new(&(struct signer_pki){ "/grpc", r->grpc_ca, grpc_key },
	    &(struct signer_pki){ "/vpn", r->vpn_ca, vpn_key }, &r->signer, &e), 0);
	ck_assert_int_eq(grant_key_new(r->private, r->public), 0);
	r->csr = make_csr();
	r->grant = (struct grant){ .pki = GRANT_PKI_VPN, .node_id = "n-1",
	    .not_after = r->now + 86400, .expires = r->now + 30 };
	ck_assert_int_eq(pki_csr_check(r->csr, strlen(r->csr), r->grant.spki, &e), 0);
	secret_random(r->grant.id, sizeof(r->grant.id));
	secret_free(grpc_key);
	secret_free(vpn_key);
	return r;
}

static void
close_rig(struct rig *r)
{
	signer_free(r->signer);
	free(r->grpc_ca);
	free(r->vpn_ca);
	free(r->csr);
	free(r);
}

static int
sign_wire(struct rig *r, const void *wire, size_t len, int64_t now, char **cert_out,
    const char **ca_out)
{
	struct signer_request req = { wire, len, r->csr, strlen(r->csr) };
	struct err e = { 0 };
	int rc = signer_sign(r->signer, r->public, &req, now, cert_out, ca_out, &e);

	ck_assert_int_eq(rc < 0, e.text[0] != '\0');
	return rc;
}

/* Signs with the rig's grant as it stands. */
static int
sign(struct rig *r, char **cert_out, const char **ca_out)
{
	uint8_t wire[GRANT_WIRE_LEN];

	ck_assert_int_eq(grant_sign(&r->grant, r->private, wire), 0);
	return sign_wire(r, wire, sizeof(wire), r->now, cert_out, ca_out);
}

static void
must_refuse(struct rig *r, int rc)
{
	char *cert = NULL;
	const char *ca = NULL;

	ck_assert_int_eq(sign(r, &cert, &ca), rc);
	ck_assert_ptr_null(cert);
	ck_assert_ptr_null(ca);
}

static const enum grant_pki pkis[] = { GRANT_PKI_GRPC, GRANT_PKI_VPN };

START_TEST(what_is_granted_is_signed)
{
	struct rig *r = open_rig();
	struct pki_cert leaf;
	struct err e;
	char *cert = NULL;
	const char *ca = NULL, *mine;

	r->grant.pki = pkis[_i];
	mine = pkis[_i] == GRANT_PKI_GRPC ? r->grpc_ca : r->vpn_ca;
	ck_assert_int_eq(sign(r, &cert, &ca), 0);
	ck_assert_str_eq(ca, mine);
	/* The CA stands after the leaf. */
	ck_assert_uint_gt(strlen(cert), strlen(mine));
	ck_assert_str_eq(cert + strlen(cert) - strlen(mine), mine);
	ck_assert_int_eq(pki_cert_read(cert, strlen(cert), &leaf, &e), 0);
	ck_assert_int_eq(leaf.name.kind, PKI_NODE);
	ck_assert_str_eq(leaf.name.id, "n-1");
	ck_assert(leaf.for_client && !leaf.for_server && !leaf.is_ca);
	ck_assert_int_eq(leaf.not_after, r->grant.not_after);
	ck_assert_mem_eq(leaf.spki, r->grant.spki, PKI_SPKI_LEN);
	free(cert);
	close_rig(r);
}
END_TEST

/* As another tool reads the subject; for LiteKube's programs only. */
static const struct {
	enum grant_pki pki;
	enum grant_subject subject;
	const char *text;
} subjects[] = {
	{ GRANT_PKI_GRPC, GRANT_SUBJECT_NODE, "CN = n-1\n" },
	{ GRANT_PKI_VPN, GRANT_SUBJECT_NODE, "CN = n-1\n" },
	{ GRANT_PKI_GRPC, GRANT_SUBJECT_LITEKUBE,
	    "CN = network-controller-grpc-client, O = lknm:register\n" },
	{ GRANT_PKI_VPN, GRANT_SUBJECT_LITEKUBE, "CN = network-controller-client, O = lknm:join\n" },
};

START_TEST(the_subject_is_what_was_granted)
{
	struct rig *r = open_rig();
	char *cert = NULL, line[256] = "", command[256];
	struct pki_cert leaf;
	const char *ca = NULL;
	FILE *f;

	r->grant.pki = subjects[_i].pki;
	r->grant.subject = subjects[_i].subject;
	ck_assert_int_eq(sign(r, &cert, &ca), 0);
	ck_assert_int_eq(pki_cert_read(cert, strlen(cert), &leaf, NULL), 0);
	ck_assert_str_eq(leaf.name.id, "n-1");
	snprintf(command, sizeof(command), "openssl x509 -noout -subject -in %s",
	    kit_write("leaf.pem", cert, 0600));
	ck_assert_ptr_nonnull(f = popen(command, "r"));
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	pclose(f);
	ck_assert_str_eq(line + strlen("subject="), subjects[_i].text);
	free(cert);
	close_rig(r);
}
END_TEST

/* While a CA is replaced both stand in the file: the nodes get to know them, one signs. */
START_TEST(of_two_cas_the_one_with_the_key_signs)
{
	struct rig *r = open_rig();
	char *key, *newer, *cert = NULL, both[8192];
	struct pki_cert leaf;
	const char *ca = NULL;
	struct err e;

	ck_assert_int_eq(pki_ca_new("new vpn CA", 100, &key, &newer, &e), 0);
	snprintf(both, sizeof(both), "%s%s", r->vpn_ca, newer);
	signer_free(r->signer);
	ck_assert_int_eq(signer_new(&(struct signer_pki){ "/grpc", both, key },
	    &(struct signer_pki){ "/vpn", both, key }, &r->signer, &e), 0);
	ck_assert_int_eq(sign(r, &cert, &ca), 0);
	ck_assert_str_eq(ca, both);
	ck_assert_int_eq(pki_cert_read(cert, strlen(cert), &leaf, NULL), 0);
	/* Its chain is the new one alone. */
	ck_assert_str_eq(cert + strlen(cert) - strlen(newer), newer);
	ck_assert_ptr_null(strstr(cert, r->vpn_ca));
	secret_free(key);
	free(newer);
	free(cert);
	close_rig(r);
}
END_TEST

START_TEST(a_grant_is_good_once)
{
	struct rig *r = open_rig();
	char *cert = NULL;
	const char *ca;

	ck_assert_int_eq(sign(r, &cert, &ca), 0);
	free(cert);
	must_refuse(r, -REASON_GRANT_REFUSED);
	/* Also with another life, as long as the id is the same. */
	r->grant.expires++;
	must_refuse(r, -REASON_GRANT_REFUSED);
	secret_random(r->grant.id, sizeof(r->grant.id));
	ck_assert_int_eq(sign(r, &cert, &ca), 0);
	free(cert);
	close_rig(r);
}
END_TEST

START_TEST(another_signature_is_refused)
{
	struct rig *r = open_rig();
	uint8_t public[GRANT_KEY_LEN];

	ck_assert_int_eq(grant_key_new(r->private, public), 0);
	must_refuse(r, -REASON_GRANT_REFUSED);
	close_rig(r);
}
END_TEST

START_TEST(every_changed_bit_is_refused)
{
	struct rig *r = open_rig();
	uint8_t wire[GRANT_WIRE_LEN];
	char *cert = NULL;
	const char *ca;

	ck_assert_int_eq(grant_sign(&r->grant, r->private, wire), 0);
	for (size_t bit = 0; bit < sizeof(wire) * 8; bit++) {
		wire[bit / 8] ^= (uint8_t) (1 << bit % 8);
		ck_assert_int_eq(sign_wire(r, wire, sizeof(wire), r->now, &cert, &ca),
		    -REASON_GRANT_REFUSED);
		wire[bit / 8] ^= (uint8_t) (1 << bit % 8);
	}
	for (size_t len = 0; len < sizeof(wire); len++)
		ck_assert_int_eq(sign_wire(r, wire, len, r->now, &cert, &ca),
		    -REASON_GRANT_REFUSED);
	/* None of that has burned it. */
	ck_assert_int_eq(sign_wire(r, wire, sizeof(wire), r->now, &cert, &ca), 0);
	free(cert);
	close_rig(r);
}
END_TEST

START_TEST(time_is_checked)
{
	struct rig *r = open_rig();

	r->grant.expires = r->now;
	must_refuse(r, -REASON_GRANT_REFUSED);
	r->grant.expires = r->now + GRANT_LIFE_S + 1;
	must_refuse(r, -REASON_GRANT_REFUSED);
	close_rig(r);
}
END_TEST

START_TEST(another_key_is_refused)
{
	struct rig *r = open_rig();

	free(r->csr);
	r->csr = make_csr();
	must_refuse(r, -REASON_GRANT_REFUSED);
	close_rig(r);
}
END_TEST

START_TEST(another_pki_is_refused)
{
	struct rig *r = open_rig();

	r->grant.pki = (enum grant_pki) 3;
	must_refuse(r, -REASON_GRANT_REFUSED);
	close_rig(r);
}
END_TEST

START_TEST(what_is_no_request_is_refused)
{
	struct rig *r = open_rig();

	r->csr[strlen(r->csr) / 2] ^= 1;
	must_refuse(r, -REASON_CSR_INVALID);
	r->csr[0] = '\0';
	must_refuse(r, -REASON_CSR_INVALID);
	close_rig(r);
}
END_TEST

START_TEST(keys_must_belong_to_their_cas)
{
	struct rig *r = open_rig();
	struct signer *s = NULL;
	char *key, *other;
	struct err e;

	ck_assert_int_eq(pki_ca_new("another CA", 100, &key, &other, &e), 0);
	ck_assert_int_lt(signer_new(&(struct signer_pki){ "/grpc", r->grpc_ca, key },
	    &(struct signer_pki){ "/vpn", other, key }, &s, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.text, "/grpc: "));
	ck_assert_int_lt(signer_new(&(struct signer_pki){ "/grpc", other, key },
	    &(struct signer_pki){ "/vpn", "nonsense", key }, &s, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.text, "/vpn: "));
	ck_assert_ptr_null(s);
	secret_free(key);
	free(other);
	close_rig(r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("signer");

	KIT_ROWS(tc, what_is_granted_is_signed, pkis);
	KIT_ROWS(tc, the_subject_is_what_was_granted, subjects);
	tcase_add_test(tc, of_two_cas_the_one_with_the_key_signs);
	tcase_add_test(tc, a_grant_is_good_once);
	tcase_add_test(tc, another_signature_is_refused);
	tcase_add_test(tc, every_changed_bit_is_refused);
	tcase_add_test(tc, time_is_checked);
	tcase_add_test(tc, another_key_is_refused);
	tcase_add_test(tc, another_pki_is_refused);
	tcase_add_test(tc, what_is_no_request_is_refused);
	tcase_add_test(tc, keys_must_belong_to_their_cas);
	return kit_run("signer", tc);
}
