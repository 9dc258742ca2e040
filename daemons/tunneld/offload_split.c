/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/offload_split.h"

#include <netinet/in.h>
#include <string.h>

#include "daemons/tunneld/cksum.h"

/* The field at csum_offset holds the sum of the pseudo header already. */
static bool
finish_checksum(const struct offload_split *s, const struct virtio_net_hdr *h)
{
	size_t start = h->csum_start, field = start + h->csum_offset;
	uint16_t sum;

	if (start > s->len || field + sizeof(sum) > s->len)
		return false;
	sum = (uint16_t) ~cksum_fold(cksum_add(0, s->pkt + start, s->len - start));
	if (sum == 0 && h->csum_offset == UDP_CKSUM)
		sum = 0xffff;	/* RFC 768: 0 says that there is none */
	memcpy(s->pkt + field, &sum, sizeof(sum));
	return true;
}

/* Where the headers end. False when there is no room for them. */
static bool
find_payload(struct offload_split *s, const struct virtio_net_hdr *h)
{
	bool v6 = s->pkt[0] >> 4 == 6;
	size_t least = s->udp ? UDP_HEAD : TCP_HEAD;

	s->l4 = h->csum_start;
	s->part = h->gso_size;
	if (s->l4 < (v6 ? IPV6_HEAD : IPV4_HEAD) || s->l4 + least > s->len || s->part == 0)
		return false;
	if (!v6 && s->l4 != (size_t) (s->pkt[0] & 15) * 4)
		return false;
	s->head = s->l4 + (s->udp ? UDP_HEAD : (size_t) (s->pkt[s->l4 + 12] >> 4) * 4);
	return s->head >= s->l4 + least && s->head < s->len && s->head + s->part <= OFFLOAD_LEN_MAX;
}

bool
offload_split_init(struct offload_split *s, uint8_t *buf, size_t len)
{
	struct virtio_net_hdr h;

	if (len < OFFLOAD_HEAD + IPV4_HEAD)
		return false;
	memcpy(&h, buf, sizeof(h));
	*s = (struct offload_split){ .pkt = buf + OFFLOAD_HEAD, .len = len - OFFLOAD_HEAD,
		.parts = 1 };
	switch (h.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0 || finish_checksum(s, &h);
	case OFFLOAD_GSO_UDP:
		s->udp = true;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		break;
	default:
		return false;
	}
	if (!find_payload(s, &h))
		return false;
	s->parts = (s->len - s->head + s->part - 1) / s->part;
	return s->parts > 1 || finish_checksum(s, &h);
}

static void
put_ip(const struct offload_split *s, size_t i, uint8_t *pkt, size_t len)
{
	if (pkt[0] >> 4 == 6) {
		offload_put16(pkt + 4, len - IPV6_HEAD);
		return;
	}
	offload_put16(pkt + 2, len);
	offload_put16(pkt + 4, offload_get16(s->pkt + 4) + i);
	cksum_put_ipv4(pkt);
}

static void
put_tcp(const struct offload_split *s, size_t i, uint8_t *tcp)
{
	offload_put32(tcp + 4, offload_get32(tcp + 4) + (uint32_t) (i * s->part));
	if (i + 1 < s->parts)
		tcp[TCP_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (i > 0)
		tcp[TCP_FLAGS] &= (uint8_t) ~TCP_CWR;
}

static void
put_checksum(const struct offload_split *s, uint8_t *pkt, size_t len)
{
	uint8_t *l4 = pkt + s->l4, *field = l4 + (s->udp ? UDP_CKSUM : TCP_CKSUM);
	size_t l4_len = len - s->l4;
	uint16_t sum;

	memset(field, 0, sizeof(sum));
	sum = (uint16_t) ~cksum_fold(cksum_add(cksum_pseudo(pkt, s->udp ? IPPROTO_UDP : IPPROTO_TCP,
	    l4_len), l4, l4_len));
	if (s->udp && sum == 0)
		sum = 0xffff;
	memcpy(field, &sum, sizeof(sum));
}

uint8_t *
offload_split_part(const struct offload_split *s, size_t i, uint8_t *room, size_t *len_out)
{
	size_t at = s->head + i * s->part, len = s->part;

	if (s->parts == 1) {
		*len_out = s->len;
		return s->pkt;
	}
	if (len > s->len - at)
		len = s->len - at;
	memcpy(room, s->pkt, s->head);
	memcpy(room + s->head, s->pkt + at, len);
	len += s->head;
	put_ip(s, i, room, len);
	if (s->udp)
		offload_put16(room + s->l4 + 4, len - s->l4);
	else
		put_tcp(s, i, room + s->l4);
	put_checksum(s, room, len);
	*len_out = len;
	return room;
}
