/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_RPC_CORE_H
#define LV_CLI_RPC_CORE_H

#include <grpc/grpc.h>
#include <grpc/slice.h>

#include "cli/rpc.h"

/* What rpc.c, the channel, and rpc_stream.c, the calls, share. */

struct rpc {
	grpc_channel *channel;
	grpc_completion_queue *queue;	/* for pluck: each batch is waited for by its tag */
	int64_t timeout_ms;
	const char *socket;	/* NULL: over TLS */
	char target[300];
};

/* Why a call has ended so, for people. */
void rpc_explain(const struct rpc *rpc, grpc_status_code status, grpc_slice message,
    const grpc_metadata_array *trailers, struct rpc_error *error);

#endif
