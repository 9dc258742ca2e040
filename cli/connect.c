/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ip.h"
#include "common/pki.h"
#include "common/secret.h"

#define PORT_DEFAULT 6440
#define SOCKET_DEFAULT "/run/litevpn/admin/ctld.sock"

const struct opt connect_options[] = {
	{ .name = "socket", .kind = OPT_TEXT, .value = "PATH", .dflt = SOCKET_DEFAULT,
	    .help = "the local server's socket" },
	{ .name = "server", .kind = OPT_TEXT, .value = "HOST[:PORT]",
	    .help = "a server elsewhere, by TLS; needs the next three" },
	{ .name = "ca", .kind = OPT_TEXT, .value = "FILE", .help = "what verifies the server" },
	{ .name = "cert", .kind = OPT_TEXT, .value = "FILE", .help = "who we are" },
	{ .name = "key", .kind = OPT_TEXT, .value = "FILE", .help = "the key of --cert" },
	{ .name = "timeout", .kind = OPT_DURATION, .value = "TIME", .dflt = "10s", .min = 1,
	    .max = 86400000, .help = "how long to wait for an answer" },
	{ 0 },
};

struct remote {
	char host[256];
	uint16_t port;
	char *ca, *cert, *key;
};

static void
free_remote(struct remote *r)
{
	free(r->ca);
	free(r->cert);
	secret_free(r->key);
}

static int
read_port(const char *text, uint16_t *out)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || v < 1 || v > 65535)
		return -EINVAL;
	*out = (uint16_t) v;
	return 0;
}

/* HOST, HOST:PORT, IPv6, [IPv6]:PORT */
static int
read_server(const char *text, struct remote *r, struct err *e)
{
	const char *close = text[0] == '[' ? strchr(text, ']') : NULL;
	const char *colon = close != NULL ? (close[1] == ':' ? close + 1 : NULL)
					  : strchr(text, ':');
	struct ip_addr addr;
	size_t len;

	r->port = PORT_DEFAULT;
	if (ip_parse(text, &addr) == 0) {	/* IPv6 without brackets has no port */
		snprintf(r->host, sizeof(r->host), "%s", text);
		return 0;
	}
	len = colon == NULL ? strlen(text) : (size_t) (colon - text);
	if (close != NULL) {
		text++;
		len = (size_t) (close - text);
	}
	if (len == 0 || len >= sizeof(r->host) ||
	    (colon != NULL && read_port(colon + 1, &r->port) < 0))
		return err_set(e, -EINVAL, "--server must be HOST, HOST:PORT or [IPv6]:PORT");
	memcpy(r->host, text, len);
	r->host[len] = '\0';
	return 0;
}

/* What is wrong with the command line itself. */
static int
check_args(const struct args *a, struct remote *r, struct err *e)
{
	bool all = args_has(a, "ca") && args_has(a, "cert") && args_has(a, "key");

	if (!args_has(a, "server"))
		return 0;
	if (!all)
		return err_set(e, -EINVAL, "--server needs --ca, --cert and --key");
	return read_server(args_text(a, "server"), r, e);
}

int
connect_read_ca(const char *path, char **pem_out, struct err *e)
{
	struct pki_cert cert;
	char *pem;
	int rc;

	if ((rc = secret_read_file(path, false, &pem, e)) < 0)
		return rc;
	if (pki_cert_read(pem, strlen(pem), &cert, e) < 0 || !cert.is_ca) {
		secret_free(pem);
		return err_set(e, -EBADMSG, "%s: holds no CA certificate", path);
	}
	*pem_out = pem;
	return 0;
}

static int
read_files(const struct args *a, struct remote *r, struct err *e)
{
	int rc;

	if ((rc = connect_read_ca(args_text(a, "ca"), &r->ca, e)) < 0 ||
	    (rc = secret_read_file(args_text(a, "cert"), false, &r->cert, e)) < 0 ||
	    (rc = secret_read_file(args_text(a, "key"), true, &r->key, e)) < 0)
		return rc;
	if ((rc = pki_pair_check(r->cert, r->key, e)) < 0)
		return err_prefix(e, "%s, %s", args_text(a, "cert"), args_text(a, "key"));
	return 0;
}

enum cli_exit
connect_call(const struct cli *cli, const char *method, const ProtobufCMessage *request,
    const ProtobufCMessageDescriptor *reply, ProtobufCMessage **reply_out)
{
	const struct args *a = &cli->args;
	struct rpc_conf conf = { .timeout_ms = args_number(a, "timeout") };
	enum cli_exit status = CLI_OK;
	struct remote remote = { 0 };
	struct rpc *rpc = NULL;
	struct rpc_error error;
	struct err e;
	int rc = 0;

	if (check_args(a, &remote, &e) < 0)
		return cli_fail_usage(cli, &e);
	if (!args_has(a, "server")) {
		conf.socket = args_text(a, "socket");
	} else if ((rc = read_files(a, &remote, &e)) == 0) {
		conf.host = remote.host;
		conf.port = remote.port;
		conf.ca_pem = remote.ca;
		conf.cert_pem = remote.cert;
		conf.key_pem = remote.key;
	}
	if (rc < 0 || (rc = rpc_open(&conf, &rpc, &e)) < 0)
		status = cli_fail(&e);
	else if (rpc_call(rpc, method, request, reply, reply_out, &error) < 0)
		status = cli_fail_rpc(&error);
	rpc_close(rpc);
	free_remote(&remote);
	return status;
}

const char *
connect_resource(const char *collection, const char *typed, char buf[CONNECT_NAME_MAX])
{
	size_t n = strlen(collection);
	bool whole = strncmp(typed, collection, n) == 0 && typed[n] == '/';

	snprintf(buf, CONNECT_NAME_MAX, "%s%s%s", whole ? "" : collection, whole ? "" : "/", typed);
	return buf;
}
