/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_PACKETS_H
#define LV_TEST_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* IP packets made to order, with checksums computed word by word, and compared. */

#define PACKET_MAX 65536

struct packet {
	bool v6, udp, df;
	uint8_t tos, ttl, flags;	/* flags: TCP's */
	uint16_t id, port, window;	/* port: of the source; tells flows apart */
	uint32_t seq, ack;
	size_t options;			/* bytes of TCP options, a multiple of 4 */
	size_t payload;
	uint8_t fill;			/* what the payload begins with */
	bool bad_sum;
};

/* Something usual: IPv4, TCP, ACK, "don't fragment". */
struct packet packet_usual(size_t payload);

/* Writes it, and returns its length. */
size_t packet_make(const struct packet *p, uint8_t *out);

/* The checksum of RFC 1071, the slow way. */
uint16_t packet_sum(const uint8_t *p, size_t len, uint32_t start);

/* Is the transport's checksum right, and the IPv4 header's? Headers as packet_make makes them. */
bool packet_sums_right(const uint8_t *pkt, size_t len);

/*
 * The same in each byte, but for what a joined packet cannot tell any more: the identification of
 * an IPv4 packet that must not be fragmented.
 */
bool packet_same(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

#endif
