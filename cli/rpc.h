/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_RPC_H
#define LV_CLI_RPC_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "common/err.h"
#include "common/reason.h"

/* Calls to a server's control API. What knows gRPC is behind this header. */

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

/* One of the API: { &litevpn__v1__node__descriptor, "GetNode" }. */
struct rpc_method {
	const ProtobufCServiceDescriptor *service;
	const char *name;
};

/*
 * One unary call, with the time-out of rpc_open. Returns 0 and the answer in *reply_out
 * (protobuf_c_message_free_unpacked), or -1 with *error filled.
 */
int rpc_call(struct rpc *rpc, const struct rpc_method *method, const ProtobufCMessage *request,
    ProtobufCMessage **reply_out, struct rpc_error *error);

/* A call whose answers come one after the other, or one that is not waited for. */
struct rpc_stream;

enum rpc_next {
	RPC_MESSAGE,	/* here is one */
	RPC_END,	/* none will come, all is well */
	RPC_FAILED,	/* none will come; *error says why */
	RPC_WAIT,	/* none has come yet */
};

/* timeout_ms: of the whole call; -1: none. rpc must outlive the stream. 0, -ENOMEM. */
int rpc_stream_open(struct rpc *rpc, const struct rpc_method *method,
    const ProtobufCMessage *request, int64_t timeout_ms, struct rpc_stream **out, struct err *e);

/* Waits at most wait_ms (-1: for ever; 0: not at all) for the next message. */
enum rpc_next rpc_stream_next(struct rpc_stream *s, int64_t wait_ms, ProtobufCMessage **msg_out,
    struct rpc_error *error);

/* Ends the call, whatever state it is in. NULL is fine. */
void rpc_stream_close(struct rpc_stream *s);

#endif
