/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_OFFLOAD_JOIN_H
#define TUNNELD_OFFLOAD_JOIN_H

#include <stdbool.h>
#include <sys/uio.h>

#include "daemons/tunneld/offload.h"

/*
 * Joins packets that came one after the other into few large ones for a TUN device, so that the host
 * handles them at once: TCP segments and UDP datagrams of one flow whose headers say the same but
 * for lengths, checksums, sequence numbers and IPv4 identification. What was joined here and is cut
 * again by the kernel (or by offload_split.h) gives the packets that came; those of one flow keep
 * their order. Pure.
 *
 * The kernel does not check the checksum of what was joined: so it is checked here, and what is
 * wrong goes alone, for the kernel to drop and count it.
 */
#define OFFLOAD_FLOWS 8		/* that are being joined at a time */
#define OFFLOAD_PARTS 128	/* packets in one; 64 KiB of full ones are 47 */

/* Takes a packet (or many in one): iov[0] is its virtio_net_hdr. packets: how many it is. */
typedef void offload_write_fn(void *arg, const struct iovec *iov, unsigned n, unsigned packets);

/* Invariant: packets > 0 exactly while something waits; iov[1] .. iov[packets] are their bytes. */
struct offload_flow {
	unsigned packets;
	bool closed;		/* nothing may follow: shorter than the first one, or pushed */
	bool udp;
	uint8_t *first;		/* the first packet: its header becomes that of all */
	size_t l4, head;	/* offsets of its transport header and of its payload */
	size_t part;		/* its payload bytes: no later one has more */
	size_t len;		/* of the whole, headers once */
	uint32_t next_seq;	/* TCP */
	struct virtio_net_hdr vnet;
	struct iovec iov[1 + OFFLOAD_PARTS];
};

struct offload_join {
	bool udp;		/* the device takes joined UDP */
	offload_write_fn *write;
	void *arg;
	unsigned oldest;	/* the flow that makes room for a new one */
	struct offload_flow flows[OFFLOAD_FLOWS];
};

void offload_join_init(struct offload_join *j, bool udp, offload_write_fn *write, void *arg);

/*
 * Takes an IP packet of its own length. It must stay as it is, and where it is, until
 * offload_join_flush; its header may be overwritten.
 */
void offload_join_put(struct offload_join *j, uint8_t *pkt, size_t len);

/* Writes all that waits. */
void offload_join_flush(struct offload_join *j);

#endif
