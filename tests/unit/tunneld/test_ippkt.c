/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/ippkt.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/kit.h"

#define PKT_MAX 128

/* Header fields that matter; everything else is zero. len: of the packet as it is given. */
static const struct {
	uint8_t first;		/* version, header length */
	uint16_t says;		/* total length (IPv4), payload length (IPv6) */
	size_t len;
	bool good;
} rows[] = {
	{ 0x45, 20, 20, true },
	{ 0x45, 48, 48, true },
	{ 0x46, 24, 24, true },			/* with options */
	{ 0x4f, 60, 60, true },
	{ 0x4f, 100, 100, true },
	{ 0x45, 48, 47, false },		/* cut */
	{ 0x45, 48, 49, false },		/* something behind it */
	{ 0x45, 0, 48, false },
	{ 0x45, 20, 48, false },
	{ 0x45, 0x3000, 48, false },		/* 48 in the wrong byte order */
	{ 0x44, 48, 48, false },		/* a header below 20 bytes */
	{ 0x40, 48, 48, false },
	{ 0x46, 20, 20, false },		/* a header that is longer than the packet */
	{ 0x4f, 59, 59, false },
	{ 0x60, 0, 40, true },
	{ 0x60, 8, 48, true },
	{ 0x6f, 8, 48, true },			/* traffic class */
	{ 0x60, 48, 48, false },		/* IPv6 counts the payload only */
	{ 0x60, 8, 47, false },
	{ 0x60, 8, 49, false },
	{ 0x60, 0, 39, false },
	{ 0x60, 0xffff, 39, false },
	{ 0x05, 48, 48, false },
	{ 0x55, 48, 48, false },
	{ 0x00, 48, 48, false },
	{ 0xf5, 48, 48, false },
};

/* In a block of just its length, so that reading too far is seen. */
static uint8_t *
make(uint8_t first, uint16_t says, size_t len)
{
	uint8_t pkt[PKT_MAX] = { first };
	size_t at = first >> 4 == 6 ? 4 : 2;
	uint8_t *exact = malloc(len);

	pkt[at] = (uint8_t) (says >> 8);
	pkt[at + 1] = (uint8_t) says;
	ck_assert_uint_le(len, PKT_MAX);
	memcpy(exact, pkt, len);
	return exact;
}

START_TEST(a_packet_has_its_own_length)
{
	uint8_t *pkt = make(rows[_i].first, rows[_i].says, rows[_i].len);
	struct ippkt before, ip;

	memset(&before, 0xaa, sizeof(before));
	ip = before;
	ck_assert_int_eq(ippkt_parse(pkt, rows[_i].len, &ip), rows[_i].good);
	ck_assert_int_eq(memcmp(&ip, &before, sizeof(ip)) != 0, rows[_i].good);
	free(pkt);
}
END_TEST

static const struct {
	const char *src, *dst;
	uint8_t first, next;
	size_t header, at;	/* of the source */
} ends[] = {
	{ "10.1.1.3", "192.0.2.255", 0x45, 4, 20, 12 },
	{ "10.1.1.3", "192.0.2.255", 0x4f, 4, 60, 12 },
	{ "fd00::3", "2001:db8:ffff:1:2:3:4:5", 0x60, 41, 40, 8 },
};

START_TEST(addresses_are_read)
{
	bool v6 = ends[_i].first >> 4 == 6;
	size_t len = ends[_i].header + 8, size = v6 ? 16 : 4;
	uint8_t *pkt = make(ends[_i].first, (uint16_t) (v6 ? 8 : len), len);
	struct ip_addr src, dst;
	struct ippkt ip;

	ck_assert_int_eq(ip_parse(ends[_i].src, &src), 0);
	ck_assert_int_eq(ip_parse(ends[_i].dst, &dst), 0);
	memcpy(pkt + ends[_i].at, src.b, size);
	memcpy(pkt + ends[_i].at + size, dst.b, size);
	ck_assert(ippkt_parse(pkt, len, &ip));
	ck_assert(ip_equal(&ip.src, &src) && ip_equal(&ip.dst, &dst));
	ck_assert_uint_eq(ippkt_next_header(pkt), ends[_i].next);
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *exact = malloc(cut + 1);	/* malloc(0) may be NULL */

		memcpy(exact + 1, pkt, cut);
		ck_assert(!ippkt_parse(exact + 1, cut, &ip));
		free(exact);
	}
	free(pkt);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ippkt");

	KIT_ROWS(tc, a_packet_has_its_own_length, rows);
	KIT_ROWS(tc, addresses_are_read, ends);
	return kit_run("tunneld/ippkt", tc);
}
