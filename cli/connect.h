/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_CONNECT_H
#define LV_CLI_CONNECT_H

#include <protobuf-c/protobuf-c.h>

#include "cli/cli.h"

/*
 * The connection options of a command turned into a call: by the local administrator's socket, or
 * with --server by TLS and a certificate.
 */

/*
 * Connects, calls, disconnects. Returns CLI_OK and the answer (protobuf_c_message_free_unpacked),
 * or the exit status after it has said what is wrong.
 */
enum cli_exit connect_call(const struct cli *cli, const char *method,
    const ProtobufCMessage *request, const ProtobufCMessageDescriptor *reply,
    ProtobufCMessage **reply_out);

/* The full name of a resource: people may type ID or COLLECTION/ID. */
#define CONNECT_NAME_MAX 300
const char *connect_resource(const char *collection, const char *typed,
    char buf[CONNECT_NAME_MAX]);

/* A file of CA certificates, PEM: what a server is verified with. The text: secret_free. */
int connect_read_ca(const char *path, char **pem_out, struct err *e);

#endif
