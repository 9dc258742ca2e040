/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/pki.h"
#include "common/secret.h"
#include "common/tlsctx.h"
#include "daemons/tunneld/control.h"

static const struct {
	const char *server, *node;	/* for error texts */
	bool secret;
} files[TUNNELD_FILES] = {
	[TUNNELD_CA] = { "ca.pem", "ca.pem", false },
	[TUNNELD_CERT] = { "server.pem", "client.pem", false },
	[TUNNELD_KEY] = { "server-key.pem", "client-key.pem", true },
	[TUNNELD_TOKEN] = { "", "token file", true },
	[TUNNELD_NET_TOKEN] = { "", "net-token file", true },
};

static void
free_texts(char *text[TUNNELD_FILES])
{
	for (unsigned i = 0; i < TUNNELD_FILES; i++)
		secret_free(text[i]);
}

static int
read_texts(bool server, uint32_t mask, const int *fds, char *text[TUNNELD_FILES], struct err *e)
{
	int rc = 0;

	for (unsigned i = 0, n = 0; i < TUNNELD_FILES && rc >= 0; i++) {
		const char *name = server ? files[i].server : files[i].node;

		if ((mask >> i & 1) != 0)
			rc = secret_read_fd(fds[n++], name, files[i].secret, &text[i], e);
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
		return err_set(e, -EINVAL, "the token is longer than %d characters",
		    CONTROL_TOKEN_MAX);
	return 0;
}

static int
make_tls(bool server, char *text[TUNNELD_FILES], SSL_CTX **out, struct err *e)
{
	struct tlsctx_conf conf = {
		.server = server,
		.ca_pem = text[TUNNELD_CA],
		.cert_pem = text[TUNNELD_CERT],
		.key_pem = text[TUNNELD_KEY],
		.alpn = TUNNELD_ALPN,
	};
	const char *name = server ? files[TUNNELD_CERT].server : files[TUNNELD_CERT].node;
	struct pki_cert cert;
	int rc;

	if (text[TUNNELD_CA] == NULL || text[TUNNELD_CERT] == NULL || text[TUNNELD_KEY] == NULL)
		return err_set(e, -EINVAL, "a file of the identity is missing");
	if ((rc = pki_pair_check(conf.cert_pem, conf.key_pem, e)) < 0 ||
	    (rc = pki_cert_read(conf.cert_pem, strlen(conf.cert_pem), &cert, e)) < 0)
		return err_prefix(e, "%s", name);
	if (server ? !cert.for_server : !cert.for_client)
		return err_set(e, -EINVAL, "%s: its extended key usage is not %s", name,
		    server ? "serverAuth" : "clientAuth");
	return tlsctx_new(&conf, out, e);
}

int
identity_load(bool server, const char *conf_token, uint32_t mask, const int *fds,
    struct identity *out, struct err *e)
{
	char *text[TUNNELD_FILES] = { NULL };
	struct identity id = { 0 };
	int rc;

	if ((rc = read_texts(server, mask, fds, text, e)) < 0 ||
	    (rc = make_tls(server, text, &id.tls, e)) < 0 ||
	    (rc = take_token(&text[TUNNELD_TOKEN], conf_token, &id.token, e)) < 0 ||
	    (rc = take_token(&text[TUNNELD_NET_TOKEN], "", &id.net_token, e)) < 0)
		goto out;
	if (!server && id.token[0] == '\0') {
		rc = err_set(e, -EINVAL, "the node token is empty: enroll this machine first "
		    "(litevpnctl client enroll)");
		goto out;
	}
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
	*id = (struct identity){ 0 };
}
