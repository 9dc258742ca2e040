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
 * All of these return CLI_OK, or the exit status after they have said what is wrong. What takes
 * longer than a second shows on a terminal that it goes on.
 */

/* The connection; rpc_close. It borrows from cli's arguments. */
enum cli_exit connect_open(const struct cli *cli, struct rpc **out);

/* Connects, calls, disconnects. The answer: protobuf_c_message_free_unpacked. */
enum cli_exit connect_call(const struct cli *cli, const struct rpc_method *method,
    const ProtobufCMessage *request, ProtobufCMessage **reply_out);

/*
 * All pages of a List method, as if they were one. Sets page_size and page_token of the request.
 * The answer: protobuf_c_message_free_unpacked.
 */
enum cli_exit connect_pages(const struct cli *cli, const struct rpc_method *method,
    ProtobufCMessage *request, ProtobufCMessage **all_out);

/*
 * A call with many answers, until on_message says so or the server ends it. With --timeout it ends
 * after that time, else it has no end of its own.
 * on_message: returns -1 to go on, or the exit status to end with; msg is borrowed.
 */
enum cli_exit connect_watch(const struct cli *cli, const struct rpc_method *method,
    const ProtobufCMessage *request, int (*on_message)(const ProtobufCMessage *msg, void *arg),
    void *arg);

/* The full name of a resource: people may type ID or COLLECTION/ID. */
#define CONNECT_NAME_MAX 300
const char *connect_resource(const char *collection, const char *typed,
    char buf[CONNECT_NAME_MAX]);

/* The same of what was typed for an option; "" without it. */
const char *connect_option(const struct cli *cli, const char *option, const char *collection,
    char buf[CONNECT_NAME_MAX]);

/* A file of CA certificates, PEM: what a server is verified with. The text: secret_free. */
int connect_read_ca(const char *path, char **pem_out, struct err *e);

#endif
