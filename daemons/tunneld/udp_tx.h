/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_UDP_TX_H
#define TUNNELD_UDP_TX_H

#include "daemons/tunneld/stats.h"
#include "daemons/tunneld/udp.h"

/*
 * Datagrams on their way out. They are put one behind the other into one buffer and leave together:
 * with UDP_SEGMENT (one call, and one packet for most of the kernel; udp(7)), else with sendmmsg(2),
 * else one at a time. What waits is sent by udp_tx_flush, or to make room.
 */
#define UDP_TX_PACKETS 64	/* what every kernel with UDP_SEGMENT takes */
#define UDP_TX_BYTES 65507	/* of a UDP datagram in IPv4, which it is for a while */

/* Why the kernel did not take datagrams, where that says something about the way. Bits. */
enum { UDP_TOO_LONG = 1, UDP_NO_WAY = 2 };

/*
 * Invariant: the packets waiting are iov[0 .. n), back to back from the begin of buf, all to `to`.
 * With `segment` all are of the first one's length, but for the last one, which may be shorter and
 * then closes the batch.
 */
struct udp_tx {
	const struct udp *udp;	/* borrowed */
	struct stats *stats;	/* borrowed: where a failure is counted */
	bool segment;		/* UDP_SEGMENT works */
	bool many;		/* sendmmsg is wanted */
	bool closed;
	unsigned refused;	/* bits of the above, since udp_tx_refused */
	struct udp_end to;
	unsigned n;
	size_t len;		/* of all that waits */
	struct iovec iov[UDP_TX_PACKETS];
	uint8_t buf[UDP_TX_BYTES];
};

void udp_tx_init(struct udp_tx *tx, const struct udp *udp, enum conf_offload offload,
    struct stats *stats);

/*
 * Where the next datagram of `len` bytes (at most UDP_TX_BYTES) is to be written. Then udp_tx_put,
 * unless it shall not be sent.
 */
uint8_t *udp_tx_room(struct udp_tx *tx, const struct udp_end *to, size_t len);
void udp_tx_put(struct udp_tx *tx, size_t len);

/*
 * Sends one datagram by itself, now, and whole: it is lost where it does not fit, not fragmented.
 * 0, or -EMSGSIZE when our own link does not take it. Other failures are as good as a loss.
 */
int udp_tx_whole(struct udp_tx *tx, const struct udp_end *to, const uint8_t *dgram, size_t len);

/* Sends what waits. What the kernel does not take is lost and counted. */
void udp_tx_flush(struct udp_tx *tx);

/*
 * Why the kernel has refused something since this was called last; 0: it has not, or for a reason that
 * says nothing about the way. UDP_TOO_LONG: for our own link; nothing is lost by that, for what is too
 * long to be segmented goes again, in fragments.
 */
unsigned udp_tx_refused(struct udp_tx *tx);

#endif
