/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/kit.h"

static const struct {
	const char *text, *shown;
} texts[] = {
	{ "plain", "plain" },
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	{ "a\x1b[31mb", "a?[31mb" },	/* what a terminal would obey */
	{ "a\nb\tc\x7f", "a?b?c?" },
	{ "\xc2\x9b" "2J", "?2J" },	/* CSI as one character */
	{ "\xff\xc3", "??" },
};

START_TEST(terminals_are_safe)
{
	char *shown = NULL;
	size_t len;
	FILE *f = open_memstream(&shown, &len);

	output_text(f, texts[_i].text);
	fclose(f);
	ck_assert_str_eq(shown, texts[_i].shown);
	free(shown);
}
END_TEST

START_TEST(columns_are_aligned_by_character)
{
	static const char *const heads[] = { "A", "NAME", "X" };
	static const char *const one[] = { "1", "gr\xc3\xbc\xc3\x9f" "e", "x" };
	static const char *const two[] = { "22222", "b", "y" };
	char *shown = NULL;
	struct table *t;
	size_t len;
	FILE *f = open_memstream(&shown, &len);

	ck_assert_int_eq(table_new(heads, 3, &t), 0);
	ck_assert_int_eq(table_add(t, one), 0);
	ck_assert_int_eq(table_add(t, two), 0);
	table_print(t, f);
	fclose(f);
	ck_assert_str_eq(shown,
	    "A      NAME   X\n"
	    "1      gr\xc3\xbc\xc3\x9f" "e  x\n"
	    "22222  b      y\n");
	free(shown);
	table_free(t);
	table_free(NULL);
}
END_TEST

START_TEST(numbers_are_for_people)
{
	char buf[OUTPUT_VALUE_MAX];

	ck_assert_str_eq(output_age(-5, buf), "0s");
	ck_assert_str_eq(output_age(59, buf), "59s");
	ck_assert_str_eq(output_age(61, buf), "1m01s");
	ck_assert_str_eq(output_age(3 * 3600 + 12 * 60 + 59, buf), "3h12m");
	ck_assert_str_eq(output_age(49 * 3600, buf), "2d01h");
	ck_assert_str_eq(output_bytes(0, buf), "0 B");
	ck_assert_str_eq(output_bytes(1023, buf), "1023 B");
	ck_assert_str_eq(output_bytes(1536, buf), "1.5 KiB");
	ck_assert_str_eq(output_bytes(UINT64_MAX, buf), "16384.0 PiB");
	ck_assert_str_eq(output_time(0, buf), "-");
	ck_assert_str_eq(output_time(1767225599, buf), "2025-12-31 23:59:59Z");
}
END_TEST

START_TEST(words_have_a_tone_and_files_no_colour)
{
	char *shown = NULL;
	size_t len;
	FILE *f = open_memstream(&shown, &len);

	ck_assert_int_eq(output_tone("CONNECTED"), TONE_GOOD);
	ck_assert_int_eq(output_tone("fail"), TONE_BAD);
	ck_assert_int_eq(output_tone("connected"), TONE_NONE);
	ck_assert(!output_has_colour(f));
	output_word(f, "LOST");
	output_expiry(f, "x", 100, 40);
	output_expiry(f, "x", 100, 100);
	fclose(f);
	ck_assert_str_eq(shown, "LOST" "x:             ends in 1m00s\n" "x:             has expired\n");
	free(shown);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("output");

	KIT_ROWS(tc, terminals_are_safe, texts);
	tcase_add_test(tc, columns_are_aligned_by_character);
	tcase_add_test(tc, numbers_are_for_people);
	tcase_add_test(tc, words_have_a_tone_and_files_no_colour);
	return kit_run("output", tc);
}
