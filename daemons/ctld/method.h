/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_METHOD_H
#define LV_CTLD_METHOD_H

#include "daemons/ctld/call.h"
#include "daemons/ctld/grpc.h"

/* The table of all RPCs: by which door they come, who may call them, what handles them. */

/* The method of that path ("/SERVICE/METHOD") on that listener; NULL: none. */
const struct method *method_find(const char *path, enum listener from);

/* Makes gRPC know all that have one request and one answer (grpc_add). */
int method_add_all(struct grpc *g, struct err *e);

/* Walks the table: the n-th row, NULL past the last. */
const struct method *method_at(size_t n);

#endif
