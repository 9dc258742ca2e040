/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/secret.h"
#include "common/tlsctx.h"
#include "daemons/tunneld/control.h"

static const bool is_secret[TUNNELD_FILES] = {
	[TUNNELD_KEY] = true,
	[TUNNELD_TOKEN] = true,
	[TUNNELD_NET_TOKEN] = true,
};

static void
free_texts(char *text[TUNNELD_FILES])
{
	for (unsigned i = 0; i < TUNNELD_FILES; i++)
		secret_free(text[i]);
}

static int
read_texts(const struct idfiles *files, uint32_t mask, const int *fds, char *text[TUNNELD_FILES],
    struct err *e)
{
	int rc = 0;

	for (unsigned i = 0, n = 0; i < TUNNELD_FILES && rc >= 0; i++) {
		if ((mask >> i & 1) != 0)
			rc = secret_read_fd(fds[n++], files->paths[i], is_secret[i], &text[i], e);
	}
	return rc < 0 ? rc : 0;
}

static int
take_token(char **from, const char *fallback, char **out, struct err *e)
{
	char *token = *from == NULL ? strdup(fallback) : *from;

	*from = NULL;
	if (token == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	secret_chomp(token);
	*out = token;
	if (strlen(token) > CONTROL_TOKEN_MAX)
		return err_set(e, -EBADMSG, "the token is longer than %d characters",
		    CONTROL_TOKEN_MAX);
	return 0;
}

static int
make_tls(const struct idfiles *files, char *text[TUNNELD_FILES], SSL_CTX **out, struct err *e)
{
	struct tlsctx_conf conf = {
		.server = files->server,
		.ca_pem = text[TUNNELD_CA],
		.cert_pem = text[TUNNELD_CERT],
		.key_pem = text[TUNNELD_KEY],
		.alpn = TUNNELD_ALPN,
		.ca_path = files->paths[TUNNELD_CA],
		.cert_path = files->paths[TUNNELD_CERT],
		.key_path = files->paths[TUNNELD_KEY],
	};
	SSL_CTX *ctx;
	int rc;

	if (text[TUNNELD_CA] == NULL || text[TUNNELD_CERT] == NULL || text[TUNNELD_KEY] == NULL)
		return err_set(e, -EINVAL, "a file of the identity is missing");
	if ((rc = tlsctx_new(&conf, &ctx, e)) < 0)
		return rc;
	if ((rc = tlsctx_check_own(ctx, &conf, e)) < 0)
		tlsctx_free(ctx);
	else
		*out = ctx;
	return rc;
}

/* What is asked of the certificates later. */
static int
read_certs(const struct idfiles *files, char *text[TUNNELD_FILES], struct identity *id,
    struct err *e)
{
	int rc = pki_cert_read(text[TUNNELD_CERT], strlen(text[TUNNELD_CERT]), &id->cert, e);

	if (rc < 0)
		return err_prefix(e, "%s", files->paths[TUNNELD_CERT]);
	if ((rc = pki_first_end(text[TUNNELD_CA], &id->ca_expire_s, e)) < 0)
		return err_prefix(e, "%s", files->paths[TUNNELD_CA]);
	id->ca_pem = text[TUNNELD_CA];
	text[TUNNELD_CA] = NULL;
	if (!files->server) {
		id->key_pem = text[TUNNELD_KEY];
		text[TUNNELD_KEY] = NULL;
	}
	return 0;
}

/* Whatever is wrong with it: a node without it has its tunnel all the same. */
static void
take_grpc(char *text[TUNNELD_FILES], struct identity *id)
{
	const char *cert = text[TUNNELD_GRPC_CERT], *csr = text[TUNNELD_GRPC_CSR];
	uint8_t spki[PKI_SPKI_LEN];
	struct err ignored;

	if (cert == NULL || csr == NULL ||
	    pki_cert_read(cert, strlen(cert), &id->grpc_cert, &ignored) < 0 ||
	    pki_csr_check(csr, strlen(csr), spki, &ignored) < 0 ||
	    memcmp(spki, id->grpc_cert.spki, sizeof(spki)) != 0)
		return;
	id->grpc_csr = text[TUNNELD_GRPC_CSR];
	text[TUNNELD_GRPC_CSR] = NULL;
}

int
identity_load(const struct idfiles *files, const char *conf_token, uint32_t mask, const int *fds,
    struct identity *out, struct err *e)
{
	char *text[TUNNELD_FILES] = { NULL };
	struct identity id = { 0 };
	int rc;

	if ((rc = read_texts(files, mask, fds, text, e)) < 0 ||
	    (rc = make_tls(files, text, &id.tls, e)) < 0 ||
	    (rc = read_certs(files, text, &id, e)) < 0 ||
	    (rc = take_token(&text[TUNNELD_TOKEN], conf_token, &id.token, e)) < 0 ||
	    (rc = take_token(&text[TUNNELD_NET_TOKEN], "", &id.net_token, e)) < 0)
		goto out;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): take_token fills it, or fails */
	if (!files->server && id.token[0] == '\0') {
		rc = err_set(e, -EBADMSG, "the node token is empty: enroll this machine first "
		    "(litevpnctl client enroll)");
		goto out;
	}
	take_grpc(text, &id);
	*out = id;
	id = (struct identity){ 0 };	/* the caller's now */
out:
	identity_free(&id);
	free_texts(text);
	return rc;
}

void
identity_free(struct identity *id)
{
	tlsctx_free(id->tls);
	secret_free(id->token);
	secret_free(id->net_token);
	secret_free(id->key_pem);
	free(id->ca_pem);
	free(id->grpc_csr);
	*id = (struct identity){ 0 };
}

/* --- renewal ---------------------------------------------------------------------------------- */

const struct pki_cert *
identity_cert(const struct identity *id, bool grpc)
{
	if (!grpc)
		return &id->cert;
	return id->grpc_csr == NULL ? NULL : &id->grpc_cert;
}

int
identity_csr(const struct identity *id, bool grpc, char **out, struct err *e)
{
	const char *name = id->cert.name.id;

	if (!grpc)
		return pki_csr_new(id->key_pem, name[0] == '\0' ? "node" : name, out, e);
	*out = strdup(id->grpc_csr);
	return *out == NULL ? err_set(e, -ENOMEM, "out of memory") : 0;
}

static int
check_contents(const struct pki_cert *old, const char *cert_pem, struct err *e)
{
	struct pki_cert fresh;
	int rc = pki_cert_read(cert_pem, strlen(cert_pem), &fresh, e);

	if (rc < 0)
		return rc;
	if (fresh.name.kind != old->name.kind || strcmp(fresh.name.id, old->name.id) != 0)
		return err_set(e, -EBADMSG, "the new certificate is of somebody else");
	if (memcmp(fresh.spki, old->spki, sizeof(fresh.spki)) != 0)
		return err_set(e, -EBADMSG, "the new certificate is for another key");
	if (!fresh.for_client)
		return err_set(e, -EBADMSG, "the new certificate is not for a node");
	if (fresh.not_after <= clock_utc_s())
		return err_set(e, -EBADMSG, "the new certificate has ended");
	return 0;
}

/* With its key, as it will be used. */
static int
try_pair(const struct identity *id, const char *cert_pem, const char *ca_pem, struct err *e)
{
	struct tlsctx_conf conf = { .ca_pem = ca_pem, .cert_pem = cert_pem,
		.key_pem = id->key_pem };
	SSL_CTX *ctx;
	int rc = tlsctx_new(&conf, &ctx, e);

	if (rc < 0)
		return rc;
	rc = tlsctx_check_own(ctx, &conf, e);
	tlsctx_free(ctx);
	return rc;
}

int
identity_check_renewed(const struct identity *id, bool grpc, const char *cert_pem,
    const char *ca_pem, struct err *e)
{
	const struct pki_cert *old = identity_cert(id, grpc);
	int64_t end;
	int rc;

	if (old == NULL)
		return err_set(e, -EBADMSG, "there is none to be renewed");
	if ((rc = check_contents(old, cert_pem, e)) < 0)
		return rc;
	return grpc ? pki_first_end(ca_pem, &end, e) : try_pair(id, cert_pem, ca_pem, e);
}

void
identity_ca_hash(const struct identity *id, uint8_t out[SECRET_HASH_LEN])
{
	secret_hash(id->ca_pem, out);
}
