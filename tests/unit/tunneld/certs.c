/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tunneld/certs.h"

#include <check.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/pki.h"
#include "common/secret.h"
#include "common/tlsctx.h"
#include "daemons/tunneld/identity.h"

static struct certs all;

struct ca {
	char *key, *cert;
	struct pki_ca *signer;
};

static void
make_ca(struct ca *ca)
{
	struct err e = { 0 };

	ck_assert_msg(pki_ca_new("test CA", 1, &ca->key, &ca->cert, &e) == 0, "%s", e.text);
	ck_assert_msg(pki_ca_load(ca->cert, ca->key, &ca->signer, &e) == 0, "%s", e.text);
}

static void
free_ca(struct ca *ca)
{
	pki_ca_free(ca->signer);
	secret_free(ca->key);
	free(ca->cert);
}

/* A context with a new key: its certificate is signed by `issuer`, and it trusts `trusted`. */
static SSL_CTX *
make(const struct ca *issuer, const struct ca *trusted, bool server, const char *alpn)
{
	const char *hosts[] = { CERTS_HOST };
	struct pki_wish wish = { .common_name = "test", .hosts = hosts, .nhosts = server ? 1 : 0,
		.for_server = server, .not_after = clock_utc_s() + 3600 };
	struct tlsctx_conf conf = { .server = server, .ca_pem = trusted->cert, .alpn = alpn };
	char *key = NULL, *csr = NULL, *cert = NULL;
	struct err e = { 0 };
	SSL_CTX *ctx = NULL;

	if (!server)
		wish.name = (struct pki_name){ PKI_NODE, CERTS_NODE };
	ck_assert_msg(pki_key_new(&key, &e) == 0 && pki_csr_new(key, "test", &csr, &e) == 0 &&
	    pki_issue(issuer->signer, csr, strlen(csr), &wish, &cert, &e) == 0, "%s", e.text);
	conf.cert_pem = cert;
	conf.key_pem = key;
	ck_assert_msg(tlsctx_new(&conf, &ctx, &e) == 0, "%s", e.text);
	secret_free(key);
	free(csr);
	free(cert);
	return ctx;
}

void
certs_setup(void)
{
	struct ca ours, theirs;

	make_ca(&ours);
	make_ca(&theirs);
	all.server = make(&ours, &ours, true, TUNNELD_ALPN);
	all.node = make(&ours, &ours, false, TUNNELD_ALPN);
	all.stranger = make(&theirs, &ours, false, TUNNELD_ALPN);
	all.other = make(&ours, &ours, false, "h2");
	free_ca(&ours);
	free_ca(&theirs);
}

void
certs_teardown(void)
{
	SSL_CTX_free(all.server);
	SSL_CTX_free(all.node);
	SSL_CTX_free(all.stranger);
	SSL_CTX_free(all.other);
}

const struct certs *
certs(void)
{
	return &all;
}
