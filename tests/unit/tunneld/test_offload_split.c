/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/offload_split.h"

#include <check.h>
#include <string.h>

#include "tests/unit/kit.h"
#include "tests/unit/tunneld/packets.h"

/* What is to be cut: `payload` bytes in parts of `part`. */
static const struct cut {
	bool v6, udp, df;
	uint8_t flags;
	size_t options, payload, part, parts;
} cuts[] = {
	{ false, false, true, 0x10, 12, 4000, 1000, 4 },
	{ false, false, false, 0x10, 0, 4001, 1000, 5 },
	{ true, false, false, 0x18, 12, 3999, 1000, 4 },
	{ false, false, true, 0x19, 40, 1001, 1000, 2 },	/* FIN, PSH: on the last one only */
	{ true, false, true, 0x90, 12, 3000, 1000, 3 },		/* CWR: on the first one only */
	{ false, false, true, 0xd8, 12, 2500, 1000, 3 },	/* CWR, ECE, PSH */
	{ false, true, true, 0, 0, 4000, 1000, 4 },
	{ true, true, true, 0, 0, 99, 10, 10 },
	{ false, true, false, 0, 0, 64000, 500, 128 },
	{ false, false, true, 0x10, 12, 65000, 1, 65000 },
	{ true, false, true, 0x10, 12, 65000, 1348, 49 },
	{ false, false, true, 0x10, 12, 900, 1000, 1 },		/* larger than it is */
};

static uint8_t whole[OFFLOAD_HEAD + PACKET_MAX], room[PACKET_MAX], expected[PACKET_MAX];

/* The checksum's field is to hold the pseudo header's sum only. */
static void
open_checksum(uint8_t *pkt, size_t len, size_t l4, size_t field)
{
	bool v6 = pkt[0] >> 4 == 6;
	uint32_t sum = packet_sum(v6 ? pkt + 8 : pkt + 12, v6 ? 32 : 8, 0);
	uint16_t pseudo = packet_sum(NULL, 0, sum + (v6 ? pkt[6] : pkt[9]) + (uint32_t) (len - l4));

	pkt[l4 + field] = (uint8_t) (pseudo >> 8);
	pkt[l4 + field + 1] = (uint8_t) pseudo;
}

/* Writes it to `whole` as the kernel would, with its header. Returns the length. */
static size_t
make_whole(const struct cut *c, struct packet *p)
{
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM };
	size_t len;

	*p = packet_usual(c->payload);
	p->v6 = c->v6;
	p->udp = c->udp;
	p->df = c->df;
	p->flags = c->flags;
	p->options = c->udp ? 0 : c->options;
	len = packet_make(p, whole + OFFLOAD_HEAD);
	h.gso_type = c->udp ? OFFLOAD_GSO_UDP
			    : c->v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	if ((c->flags & 0x80) != 0)
		h.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	h.gso_size = (uint16_t) c->part;
	h.csum_start = c->v6 ? 40 : 20;
	h.csum_offset = c->udp ? 6 : 16;
	open_checksum(whole + OFFLOAD_HEAD, len, h.csum_start, h.csum_offset);
	memcpy(whole, &h, sizeof(h));
	return OFFLOAD_HEAD + len;
}

/* The i-th part as a packet made by hand. */
static size_t
make_part(const struct cut *c, const struct packet *p, size_t i)
{
	struct packet part = *p;

	part.payload = i + 1 < c->parts ? c->part : c->payload - i * c->part;
	part.fill = (uint8_t) (i * c->part * 3);
	part.seq = p->seq + (uint32_t) (i * c->part);
	part.id = (uint16_t) (p->id + i);
	if (i + 1 < c->parts)
		part.flags &= (uint8_t) ~0x09;
	if (i > 0)
		part.flags &= (uint8_t) ~0x80;
	return packet_make(&part, expected);
}

START_TEST(each_part_is_what_a_host_would_have_sent)
{
	const struct cut *c = &cuts[_i];
	struct offload_split s;
	struct packet p;
	size_t len = make_whole(c, &p);

	ck_assert(offload_split_init(&s, whole, len));
	ck_assert_uint_eq(s.parts, c->parts);
	for (size_t i = 0; i < s.parts; i++) {
		uint8_t *part = offload_split_part(&s, i, room, &len);

		ck_assert_uint_eq(len, make_part(c, &p, i));
		ck_assert_mem_eq(part, expected, len);
	}
}
END_TEST

START_TEST(one_packet_stays_where_it_is)
{
	struct packet p = packet_usual(500);
	struct virtio_net_hdr h = { .flags = 0 };
	size_t len = packet_make(&p, whole + OFFLOAD_HEAD), out;
	struct offload_split s;

	/* Whole already. */
	memcpy(whole, &h, sizeof(h));
	packet_make(&p, expected);
	ck_assert(offload_split_init(&s, whole, OFFLOAD_HEAD + len));
	ck_assert_ptr_eq(offload_split_part(&s, 0, room, &out), whole + OFFLOAD_HEAD);
	ck_assert_uint_eq(out, len);
	ck_assert_mem_eq(whole + OFFLOAD_HEAD, expected, len);
	/* Its checksum open. */
	h = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 20,
		.csum_offset = 16 };
	memcpy(whole, &h, sizeof(h));
	open_checksum(whole + OFFLOAD_HEAD, len, 20, 16);
	ck_assert(offload_split_init(&s, whole, OFFLOAD_HEAD + len));
	ck_assert_mem_eq(whole + OFFLOAD_HEAD, expected, len);
}
END_TEST

/* A UDP checksum that comes out as 0 travels as 0xffff. */
START_TEST(udp_never_says_that_it_has_no_checksum)
{
	static const struct cut c = { .udp = true, .df = true, .payload = 2, .part = 2, .parts = 1 };
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 20,
		.csum_offset = 6 };
	struct offload_split s;
	struct packet p;
	size_t len = make_whole(&c, &p);
	uint8_t *udp = whole + OFFLOAD_HEAD + 20;
	uint16_t rest;

	memcpy(whole, &h, sizeof(h));
	udp[8] = udp[9] = 0;
	rest = (uint16_t) ~packet_sum(udp, 10, 0);	/* makes the sum 0xffff */
	udp[8] = (uint8_t) (rest >> 8);
	udp[9] = (uint8_t) rest;
	ck_assert(offload_split_init(&s, whole, len));
	ck_assert_uint_eq(udp[6], 0xff);
	ck_assert_uint_eq(udp[7], 0xff);
	ck_assert(packet_sums_right(whole + OFFLOAD_HEAD, len - OFFLOAD_HEAD));
}
END_TEST

/* Headers that no kernel writes: refused, and nothing outside of the buffer is touched (ASan). */
static const struct virtio_net_hdr senseless[] = {
	{ .flags = 1, .csum_start = 60000, .csum_offset = 16 },
	{ .flags = 1, .csum_start = 20, .csum_offset = 60000 },
	{ .flags = 1, .csum_start = 90, .csum_offset = 0 },
	{ .flags = 1, .gso_type = 3, .gso_size = 10, .csum_start = 20, .csum_offset = 6 },
	{ .flags = 1, .gso_type = 77, .gso_size = 10, .csum_start = 20, .csum_offset = 6 },
	{ .flags = 1, .gso_type = 1, .gso_size = 0, .csum_start = 20, .csum_offset = 16 },
	{ .flags = 1, .gso_type = 1, .gso_size = 10, .csum_start = 19, .csum_offset = 16 },
	{ .flags = 1, .gso_type = 1, .gso_size = 10, .csum_start = 24, .csum_offset = 16 },
	{ .flags = 1, .gso_type = 1, .gso_size = 10, .csum_start = 80, .csum_offset = 16 },
	{ .flags = 1, .gso_type = 1, .gso_size = 65535, .csum_start = 20, .csum_offset = 16 },
	{ .flags = 1, .gso_type = 5, .gso_size = 10, .csum_start = 90, .csum_offset = 6 },
};

START_TEST(senseless_headers_are_refused)
{
	struct packet p = packet_usual(39);
	uint8_t buf[OFFLOAD_HEAD + 91];
	struct offload_split s;

	ck_assert_uint_eq(packet_make(&p, buf + OFFLOAD_HEAD), 91);
	memcpy(buf, &senseless[_i], sizeof(senseless[_i]));
	ck_assert(!offload_split_init(&s, buf, sizeof(buf)));
}
END_TEST

START_TEST(short_reads_are_refused)
{
	uint8_t buf[OFFLOAD_HEAD + 20] = { 0 };
	struct offload_split s;

	for (size_t len = 0; len < sizeof(buf); len++)
		ck_assert(!offload_split_init(&s, buf, len));
	ck_assert(offload_split_init(&s, buf, sizeof(buf)));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("offload_split");

	KIT_ROWS(tc, each_part_is_what_a_host_would_have_sent, cuts);
	tcase_add_test(tc, one_packet_stays_where_it_is);
	tcase_add_test(tc, udp_never_says_that_it_has_no_checksum);
	KIT_ROWS(tc, senseless_headers_are_refused, senseless);
	tcase_add_test(tc, short_reads_are_refused);
	return kit_run("tunneld/offload_split", tc);
}
