/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/icmp_big.h"

#include <check.h>
#include <string.h>

#include "tests/unit/kit.h"
#include "tests/unit/tunneld/packets.h"

static uint8_t pkt[PACKET_MAX], answer[ICMP_BIG_MAX];

static size_t
make(bool v6, size_t payload)
{
	struct packet p = packet_usual(payload);

	p.v6 = v6;
	p.udp = true;
	return packet_make(&p, pkt);
}

START_TEST(ipv4_is_told_that_fragmentation_is_needed)
{
	size_t len = make(false, 1472), n = icmp_big_make(pkt, len, 1400, answer);

	ck_assert_uint_eq(n, 576);
	ck_assert_uint_eq((unsigned) answer[2] << 8 | answer[3], 576);
	ck_assert_uint_eq(packet_sum(answer, 20, 0), 0xffff);
	ck_assert_uint_eq(answer[9], 1);
	ck_assert_mem_eq(answer + 12, pkt + 16, 4);	/* from where it was going */
	ck_assert_mem_eq(answer + 16, pkt + 12, 4);
	ck_assert_uint_eq(answer[20], 3);
	ck_assert_uint_eq(answer[21], 4);
	ck_assert_uint_eq((unsigned) answer[26] << 8 | answer[27], 1400);
	ck_assert_uint_eq(packet_sum(answer + 20, n - 20, 0), 0xffff);
	ck_assert_mem_eq(answer + 28, pkt, n - 28);
}
END_TEST

START_TEST(ipv6_is_told_that_it_is_too_big)
{
	size_t len = make(true, 1452), n = icmp_big_make(pkt, len, 1400, answer);
	uint32_t pseudo;

	ck_assert_uint_eq(n, 1280);
	ck_assert_uint_eq((unsigned) answer[4] << 8 | answer[5], 1240);
	ck_assert_uint_eq(answer[6], 58);
	ck_assert_mem_eq(answer + 8, pkt + 24, 16);
	ck_assert_mem_eq(answer + 24, pkt + 8, 16);
	ck_assert_uint_eq(answer[40], 2);
	ck_assert_uint_eq((unsigned) answer[46] << 8 | answer[47], 1400);
	pseudo = (uint32_t) packet_sum(answer + 8, 32, 0) + 58 + 1240;
	ck_assert_uint_eq(packet_sum(answer + 40, n - 40, pseudo), 0xffff);
	ck_assert_mem_eq(answer + 48, pkt, n - 48);
}
END_TEST

/* Changes to a packet that is answered otherwise: a byte and its value. */
static const struct {
	bool v6;
	struct {
		size_t at;
		uint8_t value;
	} bytes[2];
	bool answered;
} kinds[] = {
	{ false, { { 0, 0x45 } }, true },
	{ false, { { 7, 1 } }, false },				/* a fragment, not the first */
	{ false, { { 6, 0x20 } }, true },			/* the first */
	{ false, { { 16, 224 } }, false },			/* to a group */
	{ false, { { 12, 239 } }, false },			/* from one */
	{ false, { { 12, 0 } }, false },
	{ false, { { 9, 1 }, { 20, 8 } }, true },		/* an echo */
	{ false, { { 9, 1 }, { 20, 0 } }, true },
	{ false, { { 9, 1 }, { 20, 3 } }, false },		/* an error */
	{ false, { { 9, 1 }, { 20, 12 } }, false },
	{ true, { { 24, 0xff } }, false },
	{ true, { { 8, 0xff } }, false },
	{ true, { { 6, 58 }, { 40, 128 } }, true },
	{ true, { { 6, 58 }, { 40, 2 } }, false },
	{ true, { { 6, 58 }, { 40, 1 } }, false },
};

START_TEST(not_everything_is_answered)
{
	size_t len = make(kinds[_i].v6, 1452);

	for (unsigned i = 0; i < 2; i++) {
		if (kinds[_i].bytes[i].at != 0)
			pkt[kinds[_i].bytes[i].at] = kinds[_i].bytes[i].value;
	}
	ck_assert_int_eq(icmp_big_make(pkt, len, 1400, answer) != 0, kinds[_i].answered);
}
END_TEST

START_TEST(nobody_is_never_answered)
{
	size_t len = make(true, 1452);

	memset(pkt + 8, 0, 16);
	ck_assert_uint_eq(icmp_big_make(pkt, len, 1400, answer), 0);
}
END_TEST

START_TEST(a_short_one_is_answered_whole)
{
	size_t len = make(false, 100);

	ck_assert_uint_eq(icmp_big_make(pkt, len, 60, answer), len + 28);
	len = make(true, 100);
	ck_assert_uint_eq(icmp_big_make(pkt, len, 60, answer), len + 48);
}
END_TEST

START_TEST(refuses_what_can_be_made_shorter)
{
	size_t len = make(false, 1472);

	ck_assert(icmp_big_may_refuse(pkt, len));
	pkt[6] = 0;		/* may be fragmented: by whom, if not by us? */
	ck_assert(!icmp_big_may_refuse(pkt, len));
	len = make(false, 576 - 28);
	ck_assert(!icmp_big_may_refuse(pkt, len));
	len = make(true, 1280 - 48);
	ck_assert(!icmp_big_may_refuse(pkt, len));
	len = make(true, 1281 - 48);
	ck_assert(icmp_big_may_refuse(pkt, len));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("icmp_big");

	tcase_add_test(tc, ipv4_is_told_that_fragmentation_is_needed);
	tcase_add_test(tc, ipv6_is_told_that_it_is_too_big);
	KIT_ROWS(tc, not_everything_is_answered, kinds);
	tcase_add_test(tc, nobody_is_never_answered);
	tcase_add_test(tc, a_short_one_is_answered_whole);
	tcase_add_test(tc, refuses_what_can_be_made_shorter);
	return kit_run("icmp_big", tc);
}
