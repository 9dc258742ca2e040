/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_CALLS_H
#define LV_CTLD_CALLS_H

#include "common/metric.h"
#include "daemons/ctld/call.h"
#include "daemons/ctld/grpc.h"

/*
 * All calls of the API, from the first byte of a request to the last one of its answer: routed,
 * received, parsed, authorized, handed to the method's handler; clients that take too long are let
 * go. All functions but calls_show belong to the queue's thread (grpc.h).
 */

#define CALLS_MAX 1024		/* under way at once; more are refused as OVERLOADED */
#define CALL_RECEIVE_MS 10000	/* in which the request of a stream must have come in whole */
#define CALL_SEND_MS 10000	/* in which the client must have taken the answer */
#define CALL_MESSAGE_MS 30000	/* and a message of a stream: who reads slowly keeps his place */
#define CALLS_UNSENT_MAX (64 << 20)	/* bytes of answers that clients have not taken: as CALLS_MAX */

struct calls;

struct calls_conf {
	struct ctld *ctld;
	const struct method *(*route)(const char *path, enum listener from);
	void (*settled)(struct ctld *ctld);	/* see grpc.h */
	void (*stopping)(struct ctld *ctld);	/* end the streams that would not end */
	void (*stopped)(struct ctld *ctld);	/* no call is left */
};

int calls_new(const struct calls_conf *conf, struct calls **out);
void calls_free(struct calls *calls);	/* NULL is fine; after grpc_free */

/* What was counted. Any thread. */
void calls_show(const struct calls *calls, struct metrics *out);

/* What grpc_new wants to know of them. */
struct grpc_events calls_events(struct calls *calls);

#endif
