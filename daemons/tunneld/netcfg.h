/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_NETCFG_H
#define TUNNELD_NETCFG_H

#include <stdint.h>

#include "common/err.h"
#include "common/ip.h"

/*
 * Devices and their addresses by rtnetlink(7): one request, one acknowledgement, blocking. Changing
 * anything needs CAP_NET_ADMIN. Routes are in netcfg_route.h.
 */
struct netcfg;

int netcfg_open(struct netcfg **out, struct err *e);
void netcfg_close(struct netcfg *n);	/* NULL is fine */

/* The index of a device; -ENODEV when there is none of that name. */
int netcfg_index(struct netcfg *n, const char *device, unsigned *ifindex_out);

/* The name of a device: at most 15 characters and a NUL. -ENODEV when it is there no more. */
int netcfg_name(struct netcfg *n, unsigned ifindex, char name_out[16]);

/*
 * The largest MTU of the devices that are up, but for loopback and `except`; 0: there are none. 0 or
 * negative.
 */
int netcfg_widest(struct netcfg *n, unsigned except, unsigned *mtu_out);

int netcfg_link_up(struct netcfg *n, unsigned ifindex, unsigned mtu);
int netcfg_link_delete(struct netcfg *n, unsigned ifindex);

/* The device has this address and no other of its family (link-local ones apart). */
int netcfg_set_address(struct netcfg *n, unsigned ifindex, const struct ip_prefix *addr);

#endif
