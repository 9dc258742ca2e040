/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_OFFLOAD_H
#define TUNNELD_OFFLOAD_H

#include <linux/virtio_net.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Many packets in one: what passes between the kernel and a TUN device that was opened with
 * IFF_VNET_HDR. A struct virtio_net_hdr comes first and says how a large TCP segment or UDP datagram
 * is to be cut into packets, and that its checksum is still open. See offload_split.h for what the
 * kernel hands out, offload_join.h for what it is given. Pure.
 */
#define OFFLOAD_HEAD sizeof(struct virtio_net_hdr)
#define OFFLOAD_LEN_MAX 65535	/* of a packet of packets, as its IP header can say it */

/* UDP cut into datagrams of equal length (Linux 6.2; not in Debian 12's headers). */
#define OFFLOAD_GSO_UDP 5

/* Places in the headers. */
enum {
	IPV4_HEAD = 20,
	IPV6_HEAD = 40,
	TCP_HEAD = 20,
	TCP_CKSUM = 16,		/* offset of the checksum */
	TCP_FLAGS = 13,
	UDP_HEAD = 8,
	UDP_CKSUM = 6,
};

enum { TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_ACK = 0x10, TCP_CWR = 0x80 };

static inline uint16_t
offload_get16(const uint8_t *p)
{
	return (uint16_t) (p[0] << 8 | p[1]);
}

static inline uint32_t
offload_get32(const uint8_t *p)
{
	return (uint32_t) offload_get16(p) << 16 | offload_get16(p + 2);
}

static inline void
offload_put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t) (v >> 8);
	p[1] = (uint8_t) v;
}

static inline void
offload_put32(uint8_t *p, uint32_t v)
{
	offload_put16(p, v >> 16);
	offload_put16(p + 2, v & 0xffff);
}

#endif
