/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_UDP_H
#define TUNNELD_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/conf_server.h"
#include "common/err.h"
#include "common/ip.h"

/*
 * The UDP sockets of the data path; udp_tx.h and udp_rx.h say what passes through them. A socket that
 * listens on all addresses must answer from the one that was asked, or no NAT lets the answer pass:
 * so the local address is part of an endpoint (IP_PKTINFO, IPV6_RECVPKTINFO).
 */
#define UDP_SOCKETS_MAX CONF_LISTEN_MAX

struct udp {
	int fds[UDP_SOCKETS_MAX];	/* owned */
	unsigned n;
};

/* Where a peer is, as seen through one of our sockets. */
struct udp_end {
	unsigned socket;	/* index into fds */
	struct sockaddr_storage peer;
	socklen_t peer_len;
	struct ip_addr local;	/* our address that it talks to; none: the kernel chooses */
};

/*
 * For the process that still may: n sockets, one per worker, all bound to the same address and port
 * (0: any), with large buffers. A datagram goes to the socket that the low bits of its SPI name
 * (sa.h), wherever it comes from; one without an SPI of ours to any. 0, or -errno with *e.
 */
int udp_open(const struct ip_addr *addr, uint16_t port, unsigned n, int *fds_out, struct err *e);

/* The same for TCP, listening. Here because address and port are the same. */
int udp_tcp_listen(const struct ip_addr *addr, uint16_t port, struct err *e);

/* From which address of ours packets to `to` would leave now. 0 or -errno: there is no way. */
int udp_source(const struct sockaddr_storage *to, socklen_t len, struct ip_addr *out);

/* The same peer address and port? */
bool udp_end_equal(const struct udp_end *a, const struct udp_end *b);

#endif
