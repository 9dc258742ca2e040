/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_UDP_RX_H
#define TUNNELD_UDP_RX_H

#include "daemons/tunneld/udp.h"

/*
 * Datagrams on their way in, as many at a time as the kernel gives: with UDP_GRO many of one sender
 * in one call, else with recvmmsg(2), else one.
 */
#define UDP_RX_SLOTS 32		/* datagrams of recvmmsg */
#define UDP_RX_SLOT 9344	/* the largest MTU that can be configured, 9000, and ESP around it */
#define UDP_RX_PACKETS 128	/* the kernel joins at most 64 */

struct udp_packet {
	uint8_t *bytes;		/* in buf; may be overwritten */
	size_t len;
	const struct udp_end *from;
};

struct udp_rx {
	bool joined;		/* UDP_GRO is on */
	bool many;		/* recvmmsg is wanted */
	unsigned n;		/* packets that the last call gave */
	struct udp_packet packets[UDP_RX_PACKETS];
	struct udp_end ends[UDP_RX_SLOTS];
	uint8_t buf[UDP_RX_SLOTS][UDP_RX_SLOT];
};

void udp_rx_init(struct udp_rx *rx, enum conf_offload offload);

/*
 * Turns UDP_GRO on, where it is wanted and there. For each socket before its first datagram: if one
 * cannot, none does.
 */
void udp_rx_add(struct udp_rx *rx, const struct udp *udp, unsigned socket);

/*
 * Receives what is there: rx->packets[0 .. rx->n), until the next call. 0, -EAGAIN when there is
 * nothing, or another negative errno that is no reason to stop.
 */
int udp_rx_recv(struct udp_rx *rx, const struct udp *udp, unsigned socket);

#endif
