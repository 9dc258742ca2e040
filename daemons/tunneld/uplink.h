/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_UPLINK_H
#define TUNNELD_UPLINK_H

#include <stdint.h>

#include "common/ip.h"
#include "daemons/tunneld/session.h"
#include "daemons/tunneld/worker.h"

/* A node's UDP sockets, one for each family that its servers have. */
struct uplink {
	struct worker *worker;	/* which has them */
	unsigned sockets[2];	/* its numbers for IPv4, IPv6; UPLINK_NONE before the first use */
};

#define UPLINK_NONE UINT32_MAX

void uplink_init(struct uplink *u, struct worker *worker);

/*
 * The session sends to that address from now on. Opens the socket when it is needed first; where that
 * fails the log says so, and the session stays without UDP. One that has no keys stays so, too.
 */
void uplink_take(struct uplink *u, struct session *s, const struct ip_addr *addr, uint16_t port);

#endif
