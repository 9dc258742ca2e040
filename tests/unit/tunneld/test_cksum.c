/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/cksum.h"

#include <arpa/inet.h>
#include <check.h>
#include <string.h>

#include "tests/unit/dice.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/packets.h"

START_TEST(sums_are_those_of_the_slow_way)
{
	static uint8_t buf[65535 + 8];
	struct dice d = dice_new(11);

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t) dice_roll(&d);
	for (size_t len = 0; len < 200; len++) {
		for (size_t at = 0; at < 8; at++)
			ck_assert_uint_eq(htons(cksum_fold(cksum_add(0, buf + at, len))),
			    packet_sum(buf + at, len, 0));
	}
	ck_assert_uint_eq(htons(cksum_fold(cksum_add(0, buf, 65535))), packet_sum(buf, 65535, 0));
	memset(buf, 0xff, sizeof(buf));
	ck_assert_uint_eq(cksum_fold(cksum_add(0, buf, 65534)), 0xffff);
	ck_assert_uint_eq(cksum_fold(cksum_add(5, buf, 0)), 5);
}
END_TEST

START_TEST(pseudo_headers_and_ipv4_headers)
{
	uint8_t buf[2000];

	for (int i = 0; i < 4; i++) {
		struct packet p = packet_usual(101);
		size_t len, ip = i % 2 == 0 ? 20 : 40;

		p.v6 = i % 2 == 1;
		p.udp = i >= 2;
		len = packet_make(&p, buf);
		ck_assert_uint_eq(cksum_fold(cksum_add(cksum_pseudo(buf, p.udp ? 17 : 6, len - ip),
		    buf + ip, len - ip)), 0xffff);
		if (p.v6)
			continue;
		buf[10] ^= 0x55;
		ck_assert_uint_ne(cksum_fold(cksum_add(0, buf, 20)), 0xffff);
		cksum_put_ipv4(buf);
		ck_assert_uint_eq(cksum_fold(cksum_add(0, buf, 20)), 0xffff);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("cksum");

	tcase_add_test(tc, sums_are_those_of_the_slow_way);
	tcase_add_test(tc, pseudo_headers_and_ipv4_headers);
	return kit_run("tunneld/cksum", tc);
}
