/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_RPC_H
#define LV_CLI_RPC_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "common/err.h"
#include "common/reason.h"

/* Calls to a server's control API, one after the other: the only file that knows gRPC. */

struct rpc;

struct rpc_conf {
	const char *socket;	/* of the local administrator; NULL: over TLS */
	const char *host;	/* address or name */
	uint16_t port;
	const char *ca_pem;
	const char *cert_pem, *key_pem;	/* NULL: no certificate */
	int64_t timeout_ms;	/* of each call */
};

/* Connects when it is first used. Nothing of conf is kept but `socket`, borrowed. */
int rpc_open(const struct rpc_conf *conf, struct rpc **out, struct err *e);
void rpc_close(struct rpc *rpc);	/* NULL is fine */

struct rpc_error {
	enum rpc_code code;
	char reason[64];	/* of the registry, or the name of the code: "UNAVAILABLE" */
	char field[64];		/* of the request, that is wrong; "": none */
	char text[ERR_TEXT_MAX];
};

/*
 * One unary call. Returns 0 and the answer in *reply_out (protobuf_c_message_free_unpacked), or -1
 * with *error filled.
 */
int rpc_call(struct rpc *rpc, const char *method, const ProtobufCMessage *request,
    const ProtobufCMessageDescriptor *reply, ProtobufCMessage **reply_out,
    struct rpc_error *error);

#endif
