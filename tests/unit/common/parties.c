/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/common/parties.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/pki_ca.h"
#include "common/secret.h"

#define DAY 86400

struct party parties[PARTIES];
char *ca_cert, *other_ca_cert;

char *
text_join(const char *a, const char *b)
{
	char *text = malloc(strlen(a) + strlen(b) + 1);

	strcpy(text, a);
	return strcat(text, b);
}

static void
issue(struct party *p, const struct pki_ca *ca, const char *ca_pem, bool for_server,
    const char *host)
{
	struct pki_wish wish = {
		.common_name = "somebody",
		.hosts = &host,
		.nhosts = 1,
		.for_server = for_server,
		.not_after = clock_utc_s() + DAY,
	};
	char *csr;

	ck_assert_int_eq(pki_key_new(&p->key, NULL), 0);
	ck_assert_int_eq(pki_csr_new(p->key, "somebody", &csr, NULL), 0);
	ck_assert_int_eq(pki_issue(ca, csr, strlen(csr), &wish, &p->cert, NULL), 0);
	p->chain = text_join(p->cert, ca_pem);
	free(csr);
}

void
parties_make(void)
{
	char *ca_key, *other_key;
	struct pki_ca *ca, *other;

	ck_assert_int_eq(pki_ca_new("the CA", 10, &ca_key, &ca_cert, NULL), 0);
	ck_assert_int_eq(pki_ca_new("the CA", 10, &other_key, &other_ca_cert, NULL), 0);
	ck_assert_int_eq(pki_ca_load(ca_cert, ca_key, &ca, NULL), 0);
	ck_assert_int_eq(pki_ca_load(other_ca_cert, other_key, &other, NULL), 0);
	issue(&parties[SERVER], ca, ca_cert, true, PARTIES_HOST);
	issue(&parties[CLIENT], ca, ca_cert, false, "node.example");
	issue(&parties[STRANGER_SERVER], other, other_ca_cert, true, PARTIES_HOST);
	issue(&parties[STRANGER_CLIENT], other, other_ca_cert, false, "node.example");
	issue(&parties[NEXT_DOOR], ca, ca_cert, true, "vpn.example");
	pki_ca_free(ca);
	pki_ca_free(other);
	secret_free(ca_key);
	secret_free(other_key);
}

void
parties_free(void)
{
	for (int i = 0; i < PARTIES; i++) {
		secret_free(parties[i].key);
		free(parties[i].cert);
		free(parties[i].chain);
	}
	free(ca_cert);
	free(other_ca_cert);
}
