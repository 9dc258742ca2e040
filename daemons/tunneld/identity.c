/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

int
identity_load(const struct idfiles *files, const char *conf_token, uint32_t mask, const int *fds,
    struct identity *out, struct err *e)
{
	char *text[TUNNELD_FILES] = { NULL };
	struct identity id = { 0 };
	int rc;

	if ((rc = read_texts(files, mask, fds, text, e)) < 0 ||
	    (rc = make_tls(files, text, &id.tls, e)) < 0 ||
	    (rc = take_token(&text[TUNNELD_TOKEN], conf_token, &id.token, e)) < 0 ||
	    (rc = take_token(&text[TUNNELD_NET_TOKEN], "", &id.net_token, e)) < 0)
		goto out;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): take_token fills it, or fails */
	if (!files->server && id.token[0] == '\0') {
		rc = err_set(e, -EBADMSG, "the node token is empty: enroll this machine first "
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
