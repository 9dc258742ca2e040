/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_NETCFG_ROUTE_H
#define TUNNELD_NETCFG_ROUTE_H

#include <stdbool.h>

#include "common/ip.h"
#include "daemons/tunneld/netcfg.h"

/*
 * Routes of the main table. Ours carry a number that tells them from all others, which we neither
 * replace nor delete: a route of the machine's own to the same prefix stays, and is taken first.
 */
#define NETCFG_PROTOCOL 108	/* who has made a route (rtm_protocol), as `ip route` shows it */

/* How a route goes on. */
struct netcfg_hop {
	struct ip_addr via;	/* none: directly; may be of the other family (RFC 5549) */
	unsigned ifindex;
	bool onlink;		/* via is taken to be on that link, whatever other routes say */
};

/* Adds a route of ours. One that is there already is fine. */
int netcfg_route_add(struct netcfg *n, const struct ip_prefix *to, const struct netcfg_hop *hop);

/* Takes a route of ours away. One that is not there is fine. */
int netcfg_route_delete(struct netcfg *n, const struct ip_prefix *to, const struct netcfg_hop *hop);

/*
 * Where packets to addr go past the device `except`: by the longest prefix of the routes that are
 * neither by that device nor a single address of ours, then by the lowest metric. An ifindex of 0
 * says that the address is the machine's own. -ENETUNREACH: nowhere.
 * Why not ask the kernel: its answer is the tunnel, once that has taken everything over.
 */
int netcfg_route_outside(struct netcfg *n, const struct ip_addr *addr, unsigned except,
    struct netcfg_hop *hop_out);

#endif
