/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_TUN_H
#define TUNNELD_TUN_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/err.h"

/* TUN devices (Documentation/networking/tuntap.rst): the only file that knows linux/if_tun.h. */

/* What the kernel agreed to do with many packets at once (Documentation/networking/tuntap.rst). */
struct tun_features {
	bool vnet;	/* a virtio_net_hdr is before each packet; packets may be joined (offload.h) */
	bool tso, uso;	/* what is read may be many TCP segments, many UDP datagrams */
};

#define TUN_QUEUES_MAX 16

/*
 * Makes the device, or takes over the persistent one of that name that a crashed tunneld has left,
 * with *n queues: non-blocking descriptors in fds_out. Fewer, *n is 1 then, where somebody else has
 * made the device with a single one. The kernel keeps the packets of a flow in the
 * queue into which that flow's own packets were written last. Its owner becomes `owner`, so that
 * nobody else can attach to it. A new one goes with its descriptors.
 * offload: with as many features as there are; *features_out tells. Without, one packet at a time.
 * 0, or a negative errno with *e. Needs CAP_NET_ADMIN.
 */
int tun_open(const char *name, uid_t owner, bool offload, unsigned *n, int *fds_out,
    struct tun_features *features_out, struct err *e);

/* Does it outlive its descriptor from now on? 0 or -errno. */
int tun_persist(int fd, bool persistent);

#endif
