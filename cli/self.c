/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/self.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/connect.h"
#include "cli/file.h"
#include "cli/progress.h"
#include "common/secret.h"

const struct opt self_options[] = {
	{ .name = "config", .kind = OPT_TEXT, .value = "FILE", .dflt = CONF_CLIENT_PATH,
	    .names = NAMES_FILE, .help = "client.yml of this node" },
	{ .name = "timeout", .kind = OPT_DURATION, .value = "TIME", .dflt = "15s", .min = 1,
	    .max = 86400000, .help = "how long to wait for an answer" },
	{ 0 },
};

int
self_init(struct self *s, const char *path, int64_t timeout_ms, struct err *e)
{
	struct conf_report report = { 0 };

	*s = (struct self){ .timeout_ms = timeout_ms };
	if (conf_load(path, &conf_client_schema, &s->conf, &report) < 0)
		return cli_conf_error(path, &report, e);
	return 0;
}

int
self_read_identity(struct self *s, struct err *e)
{
	const char *dir = s->conf.grpc_cert_dir;
	int rc;

	if ((rc = file_read(dir, "ca.pem", false, &s->ca_pem, e)) >= 0 &&
	    (rc = file_read(dir, "client.pem", false, &s->cert_pem, e)) >= 0)
		rc = file_read(dir, "client-key.pem", true, &s->key_pem, e);
	return rc < 0 ? err_prefix(e, "this machine is not enrolled") : 0;
}

void
self_fini(struct self *s)
{
	free(s->ca_pem);
	free(s->cert_pem);
	secret_free(s->key_pem);
	conf_free(&conf_client_schema, &s->conf);
}

static int
ask_one(const struct self *s, const char *server, const struct rpc_method *method,
    const ProtobufCMessage *request, ProtobufCMessage **reply_out, struct rpc_error *error)
{
	const struct rpc_conf conf = {
		.host = server,
		.port = (uint16_t) s->conf.grpc_port,
		.ca_pem = s->ca_pem,
		.cert_pem = s->cert_pem,
		.key_pem = s->key_pem,
		.timeout_ms = s->timeout_ms,
	};
	struct rpc *rpc;
	struct err e;
	int rc;

	if (rpc_open(&conf, &rpc, &e) < 0) {
		*error = (struct rpc_error){ .code = RPC_INTERNAL };
		snprintf(error->text, sizeof(error->text), "%s", e.text);
		return -1;
	}
	rc = rpc_call(rpc, method, request, reply_out, error);
	rpc_close(rpc);
	return rc;
}

int
self_ask(const struct self *s, const struct rpc_method *method, const ProtobufCMessage *request,
    ProtobufCMessage **reply_out, struct rpc_error *error)
{
	const char *server;
	int rc = -1;

	*error = (struct rpc_error){ .code = RPC_UNAVAILABLE, .text = "no server is configured" };
	for (unsigned n = 0; rc < 0 && (server = conf_client_server(&s->conf, n)) != NULL; n++) {
		rc = ask_one(s, server, method, request, reply_out, error);
		if (error->code != RPC_UNAVAILABLE && error->code != RPC_DEADLINE_EXCEEDED)
			break;
	}
	return rc;
}

enum cli_exit
self_call(const struct self *s, const struct rpc_method *method, const ProtobufCMessage *request,
    ProtobufCMessage **reply_out)
{
	struct progress *progress = progress_begin("asking the server");
	struct rpc_error error;
	int rc = self_ask(s, method, request, reply_out, &error);

	progress_end(progress);
	return rc < 0 ? cli_fail_rpc(&error) : CLI_OK;
}
