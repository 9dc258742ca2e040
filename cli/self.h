/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_SELF_H
#define LV_CLI_SELF_H

#include "cli/cli.h"
#include "common/conf_client.h"

/*
 * This machine as a node: what client.yml says, and calls to its server with its own certificate,
 * which reach only what is about itself.
 */

extern const struct opt self_options[];	/* --config, --timeout */

struct self {
	struct conf_client conf;
	int64_t timeout_ms;
	char *ca_pem, *cert_pem, *key_pem;	/* of the grpc PKI; self_read_identity */
};

/* Reads client.yml. self_fini. */
int self_init(struct self *s, const char *path, int64_t timeout_ms, struct err *e);
int self_read_identity(struct self *s, struct err *e);
void self_fini(struct self *s);

/* Asks the servers of the configuration in turn, until one answers. 0, or -1 with *error filled. */
int self_ask(const struct self *s, const struct rpc_method *method,
    const ProtobufCMessage *request, ProtobufCMessage **reply_out, struct rpc_error *error);

/* The same; says what is wrong, and shows that it goes on. */
enum cli_exit self_call(const struct self *s, const struct rpc_method *method,
    const ProtobufCMessage *request, ProtobufCMessage **reply_out);

#endif
