/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cli/message.h"
#include "cli/progress.h"
#include "common/ip.h"
#include "common/pki.h"
#include "common/secret.h"

#define PORT_DEFAULT 6440
#define PAGE_SIZE 500	/* the most that all lists allow */
#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *) 0)->sun_path) - 1)
#define SOCKET_DEFAULT "/run/litevpn/admin/ctld.sock"

const struct opt connect_options[] = {
	{ .name = "socket", .kind = OPT_TEXT, .value = "PATH", .dflt = SOCKET_DEFAULT,
	    .names = NAMES_FILE,
	    .help = "the local server's socket" },
	{ .name = "server", .kind = OPT_TEXT, .value = "HOST[:PORT]",
	    .help = "a server elsewhere, by TLS; needs the next three" },
	{ .name = "ca", .kind = OPT_TEXT, .value = "FILE", .names = NAMES_FILE,
	    .help = "what verifies the server" },
	{ .name = "cert", .kind = OPT_TEXT, .value = "FILE", .names = NAMES_FILE,
	    .help = "who we are" },
	{ .name = "key", .kind = OPT_TEXT, .value = "FILE", .names = NAMES_FILE,
	    .help = "the key of --cert" },
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

	if (!args_has(a, "server") && strlen(args_text(a, "socket")) > SOCKET_PATH_MAX)
		return err_set(e, -EINVAL, "--socket has more than %zu characters: the system "
		    "allows no longer path for a socket", SOCKET_PATH_MAX);
	if (!args_has(a, "server"))
		return 0;
	if (!all)
		return err_set(e, -EINVAL, "--server needs --ca, --cert and --key");
	return read_server(args_text(a, "server"), r, e);
}

/* Who is waited for, in words. */
static const char *
peer_of(const struct cli *cli)
{
	return args_text(&cli->args, args_has(&cli->args, "server") ? "server" : "socket");
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
connect_open(const struct cli *cli, struct rpc **out)
{
	const struct args *a = &cli->args;
	struct rpc_conf conf = { .timeout_ms = args_number(a, "timeout") };
	enum cli_exit status = CLI_OK;
	struct remote remote = { 0 };
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
	if (rc < 0 || rpc_open(&conf, out, &e) < 0)
		status = cli_fail(&e);
	free_remote(&remote);
	return status;
}

static enum cli_exit
call(const struct cli *cli, struct rpc *rpc, const struct rpc_method *method,
    const ProtobufCMessage *request, ProtobufCMessage **reply_out)
{
	struct progress *progress = progress_begin("waiting for %s", peer_of(cli));
	struct rpc_error error;
	int rc = rpc_call(rpc, method, request, reply_out, &error);

	progress_end(progress);
	return rc < 0 ? cli_fail_rpc(&error) : CLI_OK;
}

enum cli_exit
connect_call(const struct cli *cli, const struct rpc_method *method,
    const ProtobufCMessage *request, ProtobufCMessage **reply_out)
{
	struct rpc *rpc = NULL;
	enum cli_exit status = connect_open(cli, &rpc);

	if (status == CLI_OK)
		status = call(cli, rpc, method, request, reply_out);
	rpc_close(rpc);
	return status;
}

/* --- lists ------------------------------------------------------------------------------------ */

/* Moves the items of a page to the end of `all`, which then frees them. 0 or -ENOMEM. */
static int
move_items(ProtobufCMessage *all, ProtobufCMessage *page)
{
	struct message_items to = message_items(all), from = message_items(page);
	ProtobufCMessage **items = reallocarray(*to.items, *to.n + *from.n + 1, sizeof(*items));

	if (items == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < *from.n; i++)
		items[*to.n + i] = (*from.items)[i];
	*to.items = items;
	*to.n += *from.n;
	*from.n = 0;
	return 0;
}

/* The token of the next page goes along with its page. */
static void
swap_text(char **a, char **b)
{
	char *text = *a;

	*a = *b;
	*b = text;
}

/* consumes: page. *all is NULL before the first one. */
static enum cli_exit
add_page(ProtobufCMessage **all, ProtobufCMessage *page)
{
	struct err e;

	if (*all == NULL) {
		*all = page;
		return CLI_OK;
	}
	if (move_items(*all, page) < 0) {
		protobuf_c_message_free_unpacked(page, NULL);
		err_set(&e, -ENOMEM, "out of memory");
		return cli_fail(&e);
	}
	swap_text(message_field(*all, "next_page_token", PROTOBUF_C_TYPE_STRING),
	    message_field(page, "next_page_token", PROTOBUF_C_TYPE_STRING));
	protobuf_c_message_free_unpacked(page, NULL);
	return CLI_OK;
}

enum cli_exit
connect_pages(const struct cli *cli, const struct rpc_method *method, ProtobufCMessage *request,
    ProtobufCMessage **all_out)
{
	char **token = message_field(request, "page_token", PROTOBUF_C_TYPE_STRING);
	int32_t *size = message_field(request, "page_size", PROTOBUF_C_TYPE_INT32);
	ProtobufCMessage *all = NULL, *page;
	struct rpc *rpc = NULL;
	enum cli_exit status = connect_open(cli, &rpc);

	*size = PAGE_SIZE;
	while (status == CLI_OK && (all == NULL || (*token)[0] != '\0')) {
		if ((status = call(cli, rpc, method, request, &page)) == CLI_OK &&
		    (status = add_page(&all, page)) == CLI_OK)
			*token = (char *) message_text(all, "next_page_token");
	}
	rpc_close(rpc);
	*token = (char *) "";
	if (status == CLI_OK)
		*all_out = all;
	else if (all != NULL)
		protobuf_c_message_free_unpacked(all, NULL);
	return status;
}

/* --- watching --------------------------------------------------------------------------------- */

static enum cli_exit
follow(struct rpc_stream *s, int (*on_message)(const ProtobufCMessage *msg, void *arg), void *arg)
{
	struct rpc_error error;
	ProtobufCMessage *msg;
	enum rpc_next next;
	int status = -1;

	while (status < 0 && (next = rpc_stream_next(s, -1, &msg, &error)) != RPC_END) {
		if (next == RPC_FAILED)
			return cli_fail_rpc(&error);
		status = on_message(msg, arg);
		protobuf_c_message_free_unpacked(msg, NULL);
	}
	return status < 0 ? CLI_OK : (enum cli_exit) status;
}

enum cli_exit
connect_watch(const struct cli *cli, const struct rpc_method *method,
    const ProtobufCMessage *request, int (*on_message)(const ProtobufCMessage *msg, void *arg),
    void *arg)
{
	int64_t timeout_ms = args_has(&cli->args, "timeout") ? args_number(&cli->args, "timeout")
							     : -1;
	struct rpc_stream *s = NULL;
	struct rpc *rpc = NULL;
	enum cli_exit status = connect_open(cli, &rpc);
	struct err e;

	if (status == CLI_OK) {
		status = rpc_stream_open(rpc, method, request, timeout_ms, &s, &e) < 0
		    ? cli_fail(&e) : follow(s, on_message, arg);
	}
	rpc_stream_close(s);
	rpc_close(rpc);
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

const char *
connect_option(const struct cli *cli, const char *option, const char *collection,
    char buf[CONNECT_NAME_MAX])
{
	if (!args_has(&cli->args, option))
		return "";
	return connect_resource(collection, args_text(&cli->args, option), buf);
}
