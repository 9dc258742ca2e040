/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_CUTS_H
#define TUNNELD_CUTS_H

#include <stdint.h>

#include "daemons/tunneld/control.h"

/*
 * Recent cuts of nodes' sessions: an attach that was under way meanwhile is compared with them. Pure.
 */
#define CUTS_MAX 256
#define CUTS_LIFE_MS 60000	/* longer than any attach takes */

struct cuts {
	struct cut {
		char node_id[CONTROL_ID_MAX + 1];
		uint64_t epoch;
		int reason;	/* that a node that comes too late is told */
		int64_t until_ms;
	} list[CUTS_MAX];	/* a ring: the oldest is overwritten */
	unsigned next;
};

/* No session of the node with that epoch or a lower one may begin. */
void cuts_add(struct cuts *c, const char *node_id, uint64_t epoch, int reason, int64_t now_ms);

/* Why that session was cut before it has begun; REASON_NONE: it was not. */
int cuts_find(const struct cuts *c, const char *node_id, uint64_t epoch, int64_t now_ms);

#endif
