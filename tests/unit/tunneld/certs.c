/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tunneld/certs.h"

#include <check.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/pki.h"
#include "common/pki_ca.h"
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

static const struct pki_name a_node = { PKI_NODE, CERTS_NODE }, nobody = { PKI_NONE, "" },
	an_admin = { PKI_ROLE, "admin" };

/*
 * A context with a new key: its certificate is signed by `issuer`, and it trusts `trusted`. name
 * NULL: a server.
 */
static SSL_CTX *
make(const struct ca *issuer, const struct ca *trusted, const struct pki_name *name,
    const char *alpn)
{
	const char *hosts[] = { CERTS_HOST, CERTS_ADDR };
	bool server = name == NULL;
	struct pki_wish wish = { .common_name = "test", .hosts = hosts, .nhosts = server ? 2 : 0,
		.for_server = server, .not_after = clock_utc_s() + 3600 };
	struct tlsctx_conf conf = { .server = server, .ca_pem = trusted->cert, .alpn = alpn };
	char *key = NULL, *csr = NULL, *cert = NULL;
	struct err e = { 0 };
	SSL_CTX *ctx = NULL;

	if (!server)
		wish.name = *name;
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
	all.server = make(&ours, &ours, NULL, TUNNELD_ALPN);
	all.mute_server = make(&ours, &ours, NULL, NULL);
	all.node = make(&ours, &ours, &a_node, TUNNELD_ALPN);
	all.stranger = make(&theirs, &ours, &a_node, TUNNELD_ALPN);
	all.other = make(&ours, &ours, &a_node, "h2");
	all.admin = make(&ours, &ours, &an_admin, TUNNELD_ALPN);
	all.nameless = make(&ours, &ours, &nobody, TUNNELD_ALPN);
	free_ca(&ours);
	free_ca(&theirs);
}

void
certs_teardown(void)
{
	SSL_CTX_free(all.server);
	SSL_CTX_free(all.mute_server);
	SSL_CTX_free(all.node);
	SSL_CTX_free(all.stranger);
	SSL_CTX_free(all.other);
	SSL_CTX_free(all.admin);
	SSL_CTX_free(all.nameless);
}

const struct certs *
certs(void)
{
	return &all;
}
