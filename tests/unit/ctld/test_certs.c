/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/certs.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/pki_ca.h"
#include "common/secret.h"
#include "tests/unit/kit.h"

static char *
make_cert(void)
{
	char *key, *cert;

	ck_assert_int_eq(pki_ca_new("CA", 10, &key, &cert, NULL), 0);
	secret_free(key);
	return cert;
}

START_TEST(the_second_time_it_reads_the_same)
{
	struct certs *cs = certs_new();
	char *pem = make_cert();
	struct pki_cert first, second, plain;

	ck_assert_int_eq(pki_cert_read(pem, strlen(pem), &plain, NULL), 0);
	memset(&first, 1, sizeof(first));
	memset(&second, 2, sizeof(second));
	ck_assert_int_eq(certs_read(cs, pem, strlen(pem), &first, NULL), 0);
	ck_assert_int_eq(certs_read(cs, pem, strlen(pem), &second, NULL), 0);
	ck_assert_mem_eq(first.spki, plain.spki, PKI_SPKI_LEN);
	ck_assert_mem_eq(second.spki, plain.spki, PKI_SPKI_LEN);
	ck_assert_int_eq(second.not_after, plain.not_after);
	free(pem);
	certs_free(cs);
}
END_TEST

START_TEST(one_is_never_taken_for_another)
{
	struct certs *cs = certs_new();
	char *pems[8];
	struct pki_cert cert, plain;

	for (size_t i = 0; i < 8; i++)
		pems[i] = make_cert();
	for (size_t i = 0; i < 64; i++) {
		const char *pem = pems[i % 8];

		ck_assert_int_eq(certs_read(cs, pem, strlen(pem), &cert, NULL), 0);
		ck_assert_int_eq(pki_cert_read(pem, strlen(pem), &plain, NULL), 0);
		ck_assert_mem_eq(cert.spki, plain.spki, PKI_SPKI_LEN);
	}
	for (size_t i = 0; i < 8; i++)
		free(pems[i]);
	certs_free(cs);
}
END_TEST

START_TEST(what_cannot_be_read_stays_so)
{
	struct certs *cs = certs_new();
	char *pem = make_cert();
	struct pki_cert cert;

	ck_assert_int_eq(certs_read(cs, pem, strlen(pem), &cert, NULL), 0);
	pem[strlen(pem) / 2] ^= 1;	/* not the text that is remembered any more */
	for (int i = 0; i < 2; i++)
		ck_assert_int_lt(certs_read(cs, pem, 40, &cert, NULL), 0);
	free(pem);
	certs_free(cs);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("certs");

	tcase_add_test(tc, the_second_time_it_reads_the_same);
	tcase_add_test(tc, one_is_never_taken_for_another);
	tcase_add_test(tc, what_cannot_be_read_stays_so);
	return kit_run("certs", tc);
}
