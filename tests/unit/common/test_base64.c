/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base64.h"

#include <check.h>
#include <string.h>

#include "tests/unit/kit.h"

/* The vectors of RFC 4648, 10, and what has all bits set. */
static const struct {
	const char *plain, *coded;
} rows[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xff\xff\xfe", "///+" },
};

START_TEST(bytes_become_text)
{
	char out[16];

	memset(out, 'x', sizeof(out));
	base64_encode(rows[_i].plain, strlen(rows[_i].plain), out);
	ck_assert_str_eq(out, rows[_i].coded);
	ck_assert_uint_eq(strlen(out), BASE64_LEN(strlen(rows[_i].plain)));
	ck_assert_int_eq(out[strlen(out) + 1], 'x');
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("base64");

	KIT_ROWS(tc, bytes_become_text, rows);
	return kit_run("base64", tc);
}
