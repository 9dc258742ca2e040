/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pair.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/pki_ca.h"
#include "common/secret.h"
#include "tests/unit/kit.h"

START_TEST(a_pair_is_what_was_wished)
{
	static const char *const hosts[] = { "192.0.2.1", "vpn.example.org" };
	struct pki_wish wish = { .common_name = "server", .hosts = hosts, .nhosts = 2,
		.for_server = true };
	char *ca_key, *ca_cert;
	struct pki_ca *ca;
	struct pki_cert cert;
	struct pair p = { 0 };
	struct err e;

	ck_assert_int_eq(pki_ca_new("CA", 30, &ca_key, &ca_cert, &e), 0);
	ck_assert_int_eq(pki_ca_load(ca_cert, ca_key, &ca, &e), 0);
	ck_assert_int_eq(pair_make(ca, &wish, 7, ca_cert, &p, &e), 0);
	ck_assert_int_eq(pki_pair_check(p.cert_pem, p.key_pem, &e), 0);
	ck_assert_int_eq(pki_cert_read(p.cert_pem, strlen(p.cert_pem), &cert, &e), 0);
	ck_assert(cert.for_server && !cert.for_client && !cert.is_ca);
	ck_assert_int_le(llabs(cert.not_after - clock_utc_s() - 7 * 86400), 5);
	/* The CA's certificate follows, for those who know its fingerprint only. */
	ck_assert_str_eq(p.cert_pem + strlen(p.cert_pem) - strlen(ca_cert), ca_cert);
	pair_fini(&p);
	ck_assert_ptr_null(p.key_pem);

	ck_assert_int_eq(pair_make(ca, &wish, 365, NULL, &p, &e), 0);
	ck_assert_int_eq(pki_cert_read(p.cert_pem, strlen(p.cert_pem), &cert, &e), 0);
	ck_assert_int_le(cert.not_after, clock_utc_s() + 30 * 86400);	/* not beyond its CA */
	ck_assert_ptr_null(strstr(strstr(p.cert_pem, "-----END"), "-----BEGIN"));
	pair_fini(&p);
	pki_ca_free(ca);
	secret_free(ca_key);
	free(ca_cert);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("pair");

	tcase_add_test(tc, a_pair_is_what_was_wished);
	return kit_run("pair", tc);
}
