/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/tcpmss.h"

#include <check.h>
#include <string.h>

#include "tests/unit/kit.h"
#include "tests/unit/tunneld/packets.h"

#define SYN 0x02
#define ACK 0x10

static uint8_t pkt[PACKET_MAX], before[PACKET_MAX];

static size_t
l4_of(const uint8_t *p)
{
	return p[0] >> 4 == 6 ? 40 : 20;
}

/* Writes options into a packet of packet_make, and its checksum anew. */
static size_t
make(bool v6, uint8_t flags, const uint8_t *options, size_t n)
{
	struct packet p = packet_usual(0);
	uint8_t *l4;
	size_t len, l4_len;
	uint32_t pseudo;
	uint16_t sum;

	p.v6 = v6;
	p.flags = flags;
	p.options = (n + 3) / 4 * 4;
	len = packet_make(&p, pkt);
	l4 = pkt + l4_of(pkt);
	l4_len = len - l4_of(pkt);
	memset(l4 + 20, 0, p.options);
	memcpy(l4 + 20, options, n);
	memset(l4 + 16, 0, 2);
	pseudo = (uint32_t) packet_sum(v6 ? pkt + 8 : pkt + 12, v6 ? 32 : 8, 0) + 6 +
	    (uint32_t) l4_len;
	sum = (uint16_t) ~packet_sum(l4, l4_len, pseudo);
	l4[16] = (uint8_t) (sum >> 8);
	l4[17] = (uint8_t) sum;
	ck_assert(packet_sums_right(pkt, len));
	memcpy(before, pkt, len);
	return len;
}

#define OPTIONS(...) .options = { __VA_ARGS__ }, .n = sizeof((uint8_t[]){ __VA_ARGS__ })

static const struct {
	bool v6;
	uint8_t flags;
	uint8_t options[40];
	size_t n;
	unsigned fit;
	size_t at;		/* of the value in the options */
	unsigned mss;		/* 0: nothing is changed */
} clamps[] = {
	{ false, SYN, OPTIONS(2, 4, 0x05, 0xb4), 1400, 2, 1360 },
	{ false, SYN | ACK, OPTIONS(2, 4, 0x05, 0xb4), 1400, 2, 1360 },
	{ true, SYN, OPTIONS(2, 4, 0x05, 0xa0), 1400, 2, 1340 },
	{ false, SYN, OPTIONS(1, 1, 2, 4, 0x22, 0xc4), 1400, 4, 1360 },
	{ false, SYN, OPTIONS(1, 2, 4, 0x22, 0xc4, 1, 1), 1400, 3, 1360 },	/* at an odd place */
	{ false, SYN, OPTIONS(4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 2, 4, 5, 0xb4), 1000, 14, 960 },
	{ false, SYN, OPTIONS(2, 4, 0xff, 0xff), 514, 2, 536 },	/* what every host takes */
	{ true, SYN, OPTIONS(2, 4, 0xff, 0xff), 514, 2, 1220 },
	/* Nothing to do. */
	{ false, ACK, OPTIONS(2, 4, 0x05, 0xb4), 1400, 0, 0 },
	{ false, SYN, OPTIONS(2, 4, 0x05, 0x50), 1400, 0, 0 },
	{ false, SYN, OPTIONS(1, 1, 1, 1), 1400, 0, 0 },
	{ false, SYN, OPTIONS(0, 2, 4, 0x05, 0xb4, 0, 0, 0), 1400, 0, 0 },	/* behind the end */
	/* Malformed. */
	{ false, SYN, OPTIONS(1, 1, 1, 2), 1400, 0, 0 },
	{ false, SYN, OPTIONS(1, 1, 2, 4), 1400, 0, 0 },
	{ false, SYN, OPTIONS(2, 3, 0x05, 0xb4), 1400, 0, 0 },
	{ false, SYN, OPTIONS(8, 0, 2, 4, 0x05, 0xb4), 1400, 0, 0 },
	{ false, SYN, OPTIONS(8, 1, 2, 4, 0x05, 0xb4), 1400, 0, 0 },
	{ false, SYN, OPTIONS(8, 99, 2, 4, 0x05, 0xb4), 1400, 0, 0 },
};

START_TEST(lowers_what_is_too_large)
{
	size_t len = make(clamps[_i].v6, clamps[_i].flags, clamps[_i].options, clamps[_i].n);
	uint8_t *value = pkt + l4_of(pkt) + 20 + clamps[_i].at;

	tcpmss_clamp(pkt, len, clamps[_i].fit);
	if (clamps[_i].mss == 0) {
		ck_assert_mem_eq(pkt, before, len);
		return;
	}
	ck_assert_uint_eq((unsigned) value[0] << 8 | value[1], clamps[_i].mss);
	ck_assert(packet_sums_right(pkt, len));
}
END_TEST

/* A wrong checksum is the receiver's to find: it is not made right. */
START_TEST(a_wrong_checksum_stays_wrong)
{
	size_t len = make(false, SYN, (const uint8_t[]){ 2, 4, 0x05, 0xb4 }, 4);

	pkt[20 + 16] ^= 0x55;
	tcpmss_clamp(pkt, len, 1400);
	ck_assert_uint_eq((unsigned) pkt[42] << 8 | pkt[43], 1360);
	ck_assert(!packet_sums_right(pkt, len));
}
END_TEST

/* Whatever is cut off: nothing behind the end is read or written. */
START_TEST(each_truncation_is_harmless)
{
	size_t len = make(_i == 1, SYN, (const uint8_t[]){ 2, 4, 0x05, 0xb4 }, 4);

	for (size_t n = l4_of(pkt); n < len; n++) {
		memcpy(pkt, before, len);
		tcpmss_clamp(pkt, n, 1400);
		ck_assert_mem_eq(pkt, before, len);
	}
}
END_TEST

START_TEST(fragments_and_other_protocols_are_left_alone)
{
	size_t len = make(false, SYN, (const uint8_t[]){ 2, 4, 0x05, 0xb4 }, 4);

	before[7] = pkt[7] = 1;		/* a later fragment */
	tcpmss_clamp(pkt, len, 1400);
	ck_assert_mem_eq(pkt, before, len);
	len = make(false, SYN, (const uint8_t[]){ 2, 4, 0x05, 0xb4 }, 4);
	before[9] = pkt[9] = 132;
	tcpmss_clamp(pkt, len, 1400);
	ck_assert_mem_eq(pkt, before, len);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("tcpmss");

	KIT_ROWS(tc, lowers_what_is_too_large, clamps);
	tcase_add_test(tc, a_wrong_checksum_stays_wrong);
	tcase_add_loop_test(tc, each_truncation_is_harmless, 0, 2);
	tcase_add_test(tc, fragments_and_other_protocols_are_left_alone);
	return kit_run("tcpmss", tc);
}
