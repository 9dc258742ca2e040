/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rpc.h"

#include <errno.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/rpc_core.h"
#include "cli/status.h"
#include "common/ip.h"
#include "common/tlsctx.h"

/* --- the channel ------------------------------------------------------------------------------ */

#define INTEGER(k, v) { .type = GRPC_ARG_INTEGER, .key = (char *) (k), .value.integer = (v) }

static grpc_arg settings[] = {
	/* Not by way of a proxy that some variable of the environment names. */
	INTEGER(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
	/* A call that may have been carried out is not repeated behind the caller's back. */
	INTEGER(GRPC_ARG_ENABLE_RETRIES, 0),
	/* Who watches a server that has come back wants to know it. */
	INTEGER(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200),
	INTEGER(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000),
};

static grpc_channel_credentials *
make_creds(const struct rpc_conf *conf)
{
	grpc_ssl_pem_key_cert_pair pair = { conf->key_pem, conf->cert_pem };

	if (conf->socket != NULL)
		return grpc_insecure_credentials_create();
	return grpc_ssl_credentials_create(conf->ca_pem, conf->cert_pem == NULL ? NULL : &pair,
	    NULL, NULL);
}

/* An address is written as certificates spell it, or its name would not be found there. */
static void
make_target(const struct rpc_conf *conf, char *buf, size_t size)
{
	struct ip_addr addr;

	if (conf->socket != NULL)
		snprintf(buf, size, "unix:%s", conf->socket);
	else if (ip_parse(conf->host, &addr) < 0)
		snprintf(buf, size, "dns:%s:%u", conf->host, conf->port);
	else if (addr.family == AF_INET6)
		snprintf(buf, size, "ipv6:[%s]:%u", IP_TEXT(&addr), conf->port);
	else
		snprintf(buf, size, "ipv4:%s:%u", IP_TEXT(&addr), conf->port);
}

/* What gRPC says on its own goes to nobody: each call ends with a status that says it. */
static void
on_log(gpr_log_func_args *args)
{
	(void) args;
}

int
rpc_open(const struct rpc_conf *conf, struct rpc **out, struct err *e)
{
	const grpc_channel_args args = { sizeof(settings) / sizeof(settings[0]), settings };
	struct rpc *rpc = calloc(1, sizeof(*rpc));
	grpc_channel_credentials *creds;
	int rc;

	if (rpc == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	if ((rc = tlsctx_require_tls13(e)) < 0) {
		free(rpc);
		return rc;
	}
	gpr_set_log_function(on_log);
	grpc_init();
	rpc->socket = conf->socket;
	rpc->timeout_ms = conf->timeout_ms;
	make_target(conf, rpc->target, sizeof(rpc->target));
	if ((creds = make_creds(conf)) == NULL) {
		grpc_shutdown();
		free(rpc);
		return err_set(e, -EINVAL, "gRPC cannot use the certificates");
	}
	rpc->queue = grpc_completion_queue_create_for_pluck(NULL);
	rpc->channel = grpc_channel_create(rpc->target, creds, &args);
	grpc_channel_credentials_release(creds);
	*out = rpc;
	return 0;
}

void
rpc_close(struct rpc *rpc)
{
	if (rpc == NULL)
		return;
	grpc_channel_destroy(rpc->channel);
	grpc_completion_queue_shutdown(rpc->queue);
	grpc_completion_queue_destroy(rpc->queue);
	grpc_shutdown();
	free(rpc);
}

/* --- errors ----------------------------------------------------------------------------------- */

/* gRPC's text for a socket that cannot be reached is long and says little. */
static void
explain_socket(const char *path, struct rpc_error *error)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, rc = 0;

	if (strlen(path) >= sizeof(sun.sun_path))
		return;
	strcpy(sun.sun_path, path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return;
	if (connect(fd, (struct sockaddr *) &sun, sizeof(sun)) < 0)
		rc = errno;
	close(fd);
	if (rc == 0)
		return;
	snprintf(error->text, sizeof(error->text), "%s: %s", path, strerror(rc));
	if (rc == EACCES) {
		error->code = RPC_PERMISSION_DENIED;
		snprintf(error->reason, sizeof(error->reason), "%s", "PERMISSION_DENIED");
	}
}

/* What gRPC says of TLS, by a part of it that does not change, and what a person can do with. */
static const struct {
	const char *part;
	enum rpc_code code;
	const char *reason, *text;
} tls_failures[] = {
	{ "certificate verify failed", RPC_FAILED_PRECONDITION, "SERVER_UNTRUSTED",
	    "the server's certificate does not come from the CA of --ca: is it the right server, and "
	    "its grpc CA?" },
	{ "is not in peer certificate", RPC_FAILED_PRECONDITION, "SERVER_UNTRUSTED",
	    "the server's certificate is not for this address or name: use one that it is for, or "
	    "add this one (pki issue grpc --server --san)" },
	{ "Socket closed", RPC_UNAUTHENTICATED, "UNAUTHENTICATED",
	    "the server closed the connection at once: the certificate of --cert is not from its grpc "
	    "CA, has expired, or came from too many connections" },
};

static void
explain_tls(struct rpc_error *error)
{
	for (size_t i = 0; i < sizeof(tls_failures) / sizeof(tls_failures[0]); i++) {
		if (strstr(error->text, tls_failures[i].part) == NULL)
			continue;
		error->code = tls_failures[i].code;
		snprintf(error->reason, sizeof(error->reason), "%s", tls_failures[i].reason);
		snprintf(error->text, sizeof(error->text), "%s", tls_failures[i].text);
		return;
	}
}

/* "failed to connect to all addresses; last error: UNKNOWN: text": the text is what is of use. */
static const char *
last_error(const char *message)
{
	static const char mark[] = "last error: ";
	const char *last = strstr(message, mark), *text;

	if (last == NULL)
		return message;
	last += sizeof(mark) - 1;
	text = strstr(last, ": ");
	return text == NULL ? last : text + 2;
}

static const uint8_t *
find_details(const grpc_metadata_array *trailers, size_t *len_out)
{
	for (size_t i = 0; i < trailers->count; i++) {
		const grpc_metadata *m = &trailers->metadata[i];

		if (grpc_slice_str_cmp(m->key, "grpc-status-details-bin") == 0) {
			*len_out = GRPC_SLICE_LENGTH(m->value);
			return GRPC_SLICE_START_PTR(m->value);
		}
	}
	return NULL;
}

void
rpc_explain(const struct rpc *rpc, grpc_status_code status, grpc_slice message,
    const grpc_metadata_array *trailers, struct rpc_error *error)
{
	char *text = grpc_slice_to_c_string(message);
	size_t len = 0;
	const uint8_t *details = find_details(trailers, &len);

	status_read((enum rpc_code) status, last_error(text), details, len, error);
	if (details != NULL || status != GRPC_STATUS_UNAVAILABLE)
		;	/* somebody of ours has answered */
	else if (rpc->socket != NULL)
		explain_socket(rpc->socket, error);
	else
		explain_tls(error);
	gpr_free(text);
}
