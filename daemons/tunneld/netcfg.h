/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_NETCFG_H
#define TUNNELD_NETCFG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/ip.h"

/*
 * Addresses, MTU and routes by rtnetlink(7): one request, one acknowledgement, blocking. The only
 * file that knows libmnl. Changing anything needs CAP_NET_ADMIN.
 */
struct netcfg;

/* Where packets to an address go now. */
struct netcfg_hop {
	struct ip_addr via;	/* none: directly */
	unsigned ifindex;
};

int netcfg_open(struct netcfg **out, struct err *e);
void netcfg_close(struct netcfg *n);	/* NULL is fine */

/* The index of a device; -ENODEV when there is none of that name. */
int netcfg_index(struct netcfg *n, const char *device, unsigned *ifindex_out);

/* The name of a device: at most 15 characters and a NUL. */
int netcfg_name(struct netcfg *n, unsigned ifindex, char name_out[16]);

int netcfg_link_up(struct netcfg *n, unsigned ifindex, unsigned mtu);
int netcfg_link_delete(struct netcfg *n, unsigned ifindex);

/* The device has this address and no other of its family (link-local ones apart). */
int netcfg_set_address(struct netcfg *n, unsigned ifindex, const struct ip_prefix *addr);

/*
 * Adds a route; via may be none. One that is there already is fine. A route of the machine's own to
 * the same prefix stays, and is taken first.
 */
int netcfg_route_add(struct netcfg *n, const struct ip_prefix *to, const struct netcfg_hop *hop);

/* A route that is not there is fine. */
int netcfg_route_delete(struct netcfg *n, const struct ip_prefix *to, const struct netcfg_hop *hop);

/* Where packets to addr would go. */
int netcfg_route_get(struct netcfg *n, const struct ip_addr *addr, struct netcfg_hop *out);

#endif
