/* SPDX-License-Identifier: Apache-2.0 */
#include "common/digest.h"

#include <check.h>
#include <string.h>

#include "tests/unit/kit.h"

/* FIPS 180-4's example "abc", in pieces of any size. */
static const uint8_t abc[DIGEST_LEN] = {
	0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
	0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
};

START_TEST(pieces_count_as_the_whole)
{
	struct digest *d = digest_new();
	uint8_t out[DIGEST_LEN];

	for (int at = 0; at < 3; at += _i)
		digest_add(d, "abc" + at, (size_t) (at + _i > 3 ? 3 - at : _i));
	digest_add(d, "", 0);
	digest_end(d, out);
	ck_assert_mem_eq(out, abc, DIGEST_LEN);
	digest_free(d);
	digest_free(NULL);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("digest");

	tcase_add_loop_test(tc, pieces_count_as_the_whole, 1, 4);
	return kit_run("digest", tc);
}
