/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_STATUS_H
#define LV_CLI_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "cli/rpc.h"

/*
 * What a refusal says: the code and the message of gRPC, and the google.rpc.Status of the trailer
 * grpc-status-details-bin (details NULL: there is none, or it came from another kind of server).
 * Bytes that are not a Status are ignored. Pure.
 */
void status_read(enum rpc_code code, const char *message, const uint8_t *details, size_t len,
    struct rpc_error *out);

#endif
