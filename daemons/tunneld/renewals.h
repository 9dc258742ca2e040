/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_RENEWALS_H
#define TUNNELD_RENEWALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/ev.h"
#include "common/grant.h"
#include "daemons/tunneld/control.h"
#include "daemons/tunneld/ipam.h"

/*
 * Nodes' requests for certificates on their way through the server: checked, granted by ipamd, then
 * waiting for ctld, which has them signed. ctld waits here for them and not the other way round: it
 * asks us, we never ask it. A request that is lost on the way is asked again by its node.
 */
#define RENEWALS_MAX 256	/* on their way; thousands of nodes do not renew in one second */
#define RENEWALS_LIFE_MS 30000	/* then it is forgotten: half of the life of its grant */

struct renewal {
	char node_id[CONTROL_ID_MAX + 1];
	uint64_t epoch;		/* of the session that asks */
	bool grpc;		/* for the control API, else for the tunnel */
	char *csr;		/* PEM */
	uint8_t grant[GRANT_WIRE_LEN];
};

struct renewals_parts {
	struct ev *ev;
	struct ipam *ipam;
	/* There will be no certificate: what the node is to be told. */
	void (*refused)(void *arg, const struct renewal *ask, int reason, const char *detail);
	void *arg;
};

struct renewals;

int renewals_new(const struct renewals_parts *parts, struct renewals **out);
void renewals_free(struct renewals *r);	/* after its ipam: no answer comes any more; NULL is fine */

/* A node asks, on an authenticated session of its own: `ask` without its grant; borrowed. */
void renewals_ask(struct renewals *r, const struct renewal *ask);

/* All that are granted, maybe none; borrowed for the call. */
typedef void renewals_taken(void *arg, const struct renewal *const *list, size_t n);

/*
 * fn is called once: as soon as there is one, at the latest after wait_ms, or when somebody else
 * takes. Each request is handed out once.
 */
void renewals_take(struct renewals *r, int64_t wait_ms, renewals_taken *fn, void *arg);

#endif
