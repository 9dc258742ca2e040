/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/offload_join.h"

#include <netinet/in.h>
#include <string.h>

#include "daemons/tunneld/cksum.h"

/* What is to be known of a packet. */
struct seen {
	uint8_t *pkt;
	size_t len, l4, head;
	bool v6, udp;
	bool joinable;		/* nothing in its headers speaks against it */
};

/* --- one packet ------------------------------------------------------------------------------- */

static bool
checksums_right(const struct seen *p)
{
	size_t l4_len = p->len - p->l4;
	uint8_t protocol = p->udp ? IPPROTO_UDP : IPPROTO_TCP;

	if (!p->v6 && cksum_fold(cksum_add(0, p->pkt, IPV4_HEAD)) != 0xffff)
		return false;
	return cksum_fold(cksum_add(cksum_pseudo(p->pkt, protocol, l4_len), p->pkt + p->l4,
	    l4_len)) == 0xffff;
}

static bool
tcp_joinable(const struct seen *p)
{
	const uint8_t *tcp = p->pkt + p->l4;

	/* Only ACK and PSH; no reserved bits, and no flag that stands for one packet. */
	return (tcp[TCP_FLAGS] & ~TCP_PSH) == TCP_ACK && (tcp[12] & 15) == 0 &&
	    p->head >= p->l4 + TCP_HEAD;
}

static bool
udp_joinable(const struct seen *p)
{
	const uint8_t *udp = p->pkt + p->l4;

	return offload_get16(udp + 4) == p->len - p->l4 && offload_get16(udp + UDP_CKSUM) != 0;
}

/* Finds the flow's headers. False when it is no TCP or UDP that has them where they usually are. */
static bool
look(uint8_t *pkt, size_t len, struct seen *p)
{
	uint8_t protocol;

	*p = (struct seen){ .pkt = pkt, .len = len, .v6 = pkt[0] >> 4 == 6 };
	p->l4 = p->v6 ? IPV6_HEAD : IPV4_HEAD;
	if (len < p->l4 + UDP_HEAD)
		return false;
	/* No IPv4 options, no fragments. */
	if (!p->v6 && (pkt[0] != 0x45 || (offload_get16(pkt + 6) & 0xbfff) != 0))
		return false;
	protocol = p->v6 ? pkt[6] : pkt[9];
	p->udp = protocol == IPPROTO_UDP;
	if (!p->udp && (protocol != IPPROTO_TCP || len < p->l4 + TCP_HEAD))
		return false;
	p->head = p->l4 + (p->udp ? UDP_HEAD : (size_t) (pkt[p->l4 + 12] >> 4) * 4);
	p->joinable = p->head < len && (p->udp ? udp_joinable(p) : tcp_joinable(p)) &&
	    checksums_right(p);
	return true;
}

/* --- a flow ----------------------------------------------------------------------------------- */

static void
write_alone(struct offload_join *j, uint8_t *pkt, size_t len)
{
	struct virtio_net_hdr vnet = { .flags = 0 };
	struct iovec iov[] = { { &vnet, sizeof(vnet) }, { pkt, len } };

	j->write(j->arg, iov, 2, 1);
}

/* The header of the first packet becomes that of the whole. */
static void
make_whole(struct offload_flow *f)
{
	uint8_t *ip = f->first, *field = ip + f->l4 + (f->udp ? UDP_CKSUM : TCP_CKSUM);
	bool v6 = ip[0] >> 4 == 6;
	size_t l4_len = f->len - f->l4;
	uint16_t sum;

	if (v6) {
		offload_put16(ip + 4, f->len - IPV6_HEAD);
	} else {
		offload_put16(ip + 2, f->len);
		cksum_put_ipv4(ip);
	}
	if (f->udp)
		offload_put16(ip + f->l4 + 4, l4_len);
	sum = cksum_fold(cksum_pseudo(ip, f->udp ? IPPROTO_UDP : IPPROTO_TCP, l4_len));
	memcpy(field, &sum, sizeof(sum));
	f->vnet = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = f->udp ? OFFLOAD_GSO_UDP
				   : v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = (uint16_t) f->head,
		.gso_size = (uint16_t) f->part,
		.csum_start = (uint16_t) f->l4,
		.csum_offset = f->udp ? UDP_CKSUM : TCP_CKSUM,
	};
}

static void
flush_flow(struct offload_join *j, struct offload_flow *f)
{
	if (f->packets == 0)
		return;
	if (f->packets == 1) {
		write_alone(j, f->first, f->len);
	} else {
		make_whole(f);
		f->iov[0] = (struct iovec){ &f->vnet, sizeof(f->vnet) };
		j->write(j->arg, f->iov, 1 + f->packets, f->packets);
	}
	f->packets = 0;
}

static void
begin_flow(struct offload_flow *f, const struct seen *p)
{
	f->packets = 1;
	f->udp = p->udp;
	f->first = p->pkt;
	f->l4 = p->l4;
	f->head = p->head;
	f->part = p->len - p->head;
	f->len = p->len;
	f->closed = false;
	if (!p->udp) {
		f->closed = (p->pkt[p->l4 + TCP_FLAGS] & TCP_PSH) != 0;
		f->next_seq = offload_get32(p->pkt + p->l4 + 4) + (uint32_t) f->part;
	}
	f->iov[1] = (struct iovec){ p->pkt, p->len };
}

/* Addresses, protocol and ports. */
static bool
same_flow(const struct offload_flow *f, const struct seen *p)
{
	if (f->packets == 0 || f->udp != p->udp || f->l4 != p->l4)
		return false;
	return memcmp(f->first + p->l4, p->pkt + p->l4, 4) == 0 &&
	    (p->v6 ? memcmp(f->first + 8, p->pkt + 8, 32) : memcmp(f->first + 12, p->pkt + 12, 8)) == 0;
}

/* What the whole says once must have been the same in each packet. */
static bool
same_ip_header(const struct offload_flow *f, const struct seen *p)
{
	const uint8_t *a = f->first, *b = p->pkt;

	if (p->v6)	/* version, class, flow label; hop limit */
		return memcmp(a, b, 4) == 0 && a[7] == b[7];
	/* ToS, flags, TTL. With "don't fragment" the identification means nothing (RFC 6864, 4.1). */
	return a[1] == b[1] && a[6] == b[6] && a[8] == b[8] && ((a[6] & 0x40) != 0 ||
	    (uint16_t) (offload_get16(a + 4) + f->packets) == offload_get16(b + 4));
}

static bool
same_tcp_header(const struct offload_flow *f, const struct seen *p)
{
	const uint8_t *a = f->first + f->l4, *b = p->pkt + p->l4;

	/* Acknowledgement, header length, window, urgent pointer, options. */
	return offload_get32(b + 4) == f->next_seq && memcmp(a + 8, b + 8, 4) == 0 &&
	    a[12] == b[12] && memcmp(a + 14, b + 14, 2) == 0 && memcmp(a + 18, b + 18, 2) == 0 &&
	    memcmp(a + TCP_HEAD, b + TCP_HEAD, p->head - p->l4 - TCP_HEAD) == 0;
}

static bool
may_follow(const struct offload_flow *f, const struct seen *p)
{
	size_t payload = p->len - p->head;

	return !f->closed && f->packets < OFFLOAD_PARTS && p->head == f->head &&
	    payload <= f->part && f->len + payload <= OFFLOAD_LEN_MAX && same_ip_header(f, p) &&
	    (p->udp || same_tcp_header(f, p));
}

static void
append(struct offload_flow *f, const struct seen *p)
{
	size_t payload = p->len - p->head;
	uint8_t push = p->udp ? 0 : p->pkt[p->l4 + TCP_FLAGS] & TCP_PSH;

	f->packets++;
	f->iov[f->packets] = (struct iovec){ p->pkt + p->head, payload };
	f->len += payload;
	f->next_seq += (uint32_t) payload;
	f->closed = payload < f->part || push != 0;
	if (push != 0)
		f->first[f->l4 + TCP_FLAGS] |= push;
}

/* --- all flows -------------------------------------------------------------------------------- */

void
offload_join_init(struct offload_join *j, bool udp, offload_write_fn *write, void *arg)
{
	j->udp = udp;
	j->write = write;
	j->arg = arg;
	j->oldest = 0;
	for (unsigned i = 0; i < OFFLOAD_FLOWS; i++)
		j->flows[i].packets = 0;
}

static struct offload_flow *
find_flow(struct offload_join *j, const struct seen *p)
{
	for (unsigned i = 0; i < OFFLOAD_FLOWS; i++) {
		if (same_flow(&j->flows[i], p))
			return &j->flows[i];
	}
	return NULL;
}

/* An unused one, or the one whose turn it is to go. */
static struct offload_flow *
free_flow(struct offload_join *j)
{
	struct offload_flow *f;

	for (unsigned i = 0; i < OFFLOAD_FLOWS; i++) {
		if (j->flows[i].packets == 0)
			return &j->flows[i];
	}
	f = &j->flows[j->oldest++ % OFFLOAD_FLOWS];
	flush_flow(j, f);
	return f;
}

void
offload_join_put(struct offload_join *j, uint8_t *pkt, size_t len)
{
	struct offload_flow *f;
	struct seen p;

	if (!look(pkt, len, &p)) {
		/* A fragment may belong to any flow: it keeps its place. */
		offload_join_flush(j);
		write_alone(j, pkt, len);
		return;
	}
	f = find_flow(j, &p);
	if (f != NULL && p.joinable && may_follow(f, &p)) {
		append(f, &p);
		return;
	}
	if (f != NULL)
		flush_flow(j, f);
	if (p.joinable && (!p.udp || j->udp))
		begin_flow(f != NULL ? f : free_flow(j), &p);
	else
		write_alone(j, pkt, len);
}

void
offload_join_flush(struct offload_join *j)
{
	for (unsigned i = 0; i < OFFLOAD_FLOWS; i++)
		flush_flow(j, &j->flows[i]);
}
