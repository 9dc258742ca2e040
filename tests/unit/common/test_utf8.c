/* SPDX-License-Identifier: Apache-2.0 */
#include "common/utf8.h"

#include <check.h>
#include <string.h>

#include "tests/unit/kit.h"

static const struct {
	const char *text;
	uint32_t first;	/* character */
	size_t len;	/* its bytes */
} good[] = {
	{ "a", 'a', 1 },
	{ "\x7f", 0x7f, 1 },
	{ "\xc2\x80", 0x80, 2 },
	{ "\xdf\xbf", 0x7ff, 2 },
	{ "\xe0\xa0\x80", 0x800, 3 },
	{ "\xed\x9f\xbf", 0xd7ff, 3 },
	{ "\xee\x80\x80", 0xe000, 3 },
	{ "\xef\xbf\xbf", 0xffff, 3 },
	{ "\xf0\x90\x80\x80", 0x10000, 4 },
	{ "\xf4\x8f\xbf\xbf", 0x10ffff, 4 },
};

START_TEST(characters_are_read)
{
	const char *p = good[_i].text;

	ck_assert_uint_eq(utf8_next(&p), good[_i].first);
	ck_assert_ptr_eq(p, good[_i].text + good[_i].len);
	ck_assert_uint_eq(utf8_next(&p), 0);
	ck_assert_uint_eq(utf8_next(&p), 0);
	ck_assert_ptr_eq(p, good[_i].text + good[_i].len);
	ck_assert(utf8_valid(good[_i].text));
	ck_assert_uint_eq(utf8_length(good[_i].text), 1);
}
END_TEST

static const char *const bad[] = {
	"\x80",			/* begins in the middle */
	"\xbf",
	"\xc0\x80",		/* too long a form */
	"\xc1\xbf",
	"\xe0\x9f\xbf",
	"\xf0\x8f\xbf\xbf",
	"\xed\xa0\x80",		/* surrogates */
	"\xed\xbf\xbf",
	"\xf4\x90\x80\x80",	/* past the last */
	"\xf8\x88\x80\x80\x80",
	"\xff",
	"\xc3",			/* ends too early */
	"\xe2\x82",
	"\xf0\x9f\x98",
	"\xc3" "a",
};

START_TEST(what_is_none_takes_one_byte)
{
	char text[16] = "ok";
	const char *p = text + 2;

	strcat(text, bad[_i]);
	ck_assert(!utf8_valid(text));
	ck_assert_uint_eq(utf8_next(&p), UTF8_BAD);
	ck_assert_ptr_eq(p, text + 3);
}
END_TEST

START_TEST(characters_are_counted)
{
	ck_assert_uint_eq(utf8_length(""), 0);
	ck_assert(utf8_valid(""));
	ck_assert_uint_eq(utf8_length("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"), 6);
}
END_TEST

static const struct {
	const char *text;
	size_t size;
	const char *copy;
} copies[] = {
	{ "", 1, "" },
	{ "a", 1, "" },
	{ "abc", 4, "abc" },
	{ "abc", 3, "ab" },
	{ "a\xc3\xbc", 4, "a\xc3\xbc" },
	{ "a\xc3\xbc", 3, "a" },
	{ "\xf0\x9f\x98\x80", 4, "" },
	{ "a\xff\xc3z", 8, "a??z" },
	{ "a\xff\xc3z", 4, "a??" },
	{ "\xe2\x82", 8, "??" },
};

START_TEST(a_copy_is_valid)
{
	char copy[8];

	utf8_copy(copy, copies[_i].size, copies[_i].text);
	ck_assert_str_eq(copy, copies[_i].copy);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("utf8");

	KIT_ROWS(tc, characters_are_read, good);
	KIT_ROWS(tc, what_is_none_takes_one_byte, bad);
	tcase_add_test(tc, characters_are_counted);
	KIT_ROWS(tc, a_copy_is_valid, copies);
	return kit_run("utf8", tc);
}
