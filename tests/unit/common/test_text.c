/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <string.h>

#include "common/suggest.h"
#include "common/utf8.h"
#include "tests/unit/kit.h"

/* The two small modules about words: what was meant, and whether it is UTF-8. */

static const char *const words[] = { "port", "grpcPort", "bootstrapPort", "interconnection", "log",
	NULL };

static const struct {
	const char *wrong, *meant;
} typos[] = {
	{ "port", "port" },
	{ "prot", "port" },
	{ "PORT", "port" },
	{ "grpcport", "grpcPort" },
	{ "grpPort", "grpcPort" },
	{ "bootstrap", "bootstrapPort" },
	{ "interconection", "interconnection" },
	{ "lgo", "log" },
	{ "something", NULL },
	{ "", NULL },
	{ "x", NULL },
	{ "a-word-that-is-so-long-that-nobody-will-compare-it-with-any-of-the-others", NULL },
};

START_TEST(a_typo_finds_its_word)
{
	struct suggest s = suggest_for(typos[_i].wrong);

	for (unsigned i = 0; words[i] != NULL; i++)
		suggest_try(&s, words[i]);
	if (typos[_i].meant == NULL)
		ck_assert_ptr_null(s.found);
	else
		ck_assert_str_eq(s.found, typos[_i].meant);
}
END_TEST

static const struct {
	const char *text;
	uint32_t first;
	size_t length;
} valid[] = {
	{ "", 0, 0 },
	{ "a", 'a', 1 },
	{ "\x7f", 0x7f, 1 },
	{ "\xc2\x80", 0x80, 1 },
	{ "\xdf\xbf", 0x7ff, 1 },
	{ "\xe0\xa0\x80", 0x800, 1 },
	{ "\xed\x9f\xbf", 0xd7ff, 1 },
	{ "\xee\x80\x80", 0xe000, 1 },
	{ "\xef\xbf\xbf", 0xffff, 1 },
	{ "\xf0\x90\x80\x80", 0x10000, 1 },
	{ "\xf4\x8f\xbf\xbf", 0x10ffff, 1 },
	{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", 'g', 8 },
};

START_TEST(characters_are_counted)
{
	const char *p = valid[_i].text;

	ck_assert(utf8_valid(p));
	ck_assert_uint_eq(utf8_length(p), valid[_i].length);
	ck_assert_uint_eq(utf8_next(&p), valid[_i].first);
}
END_TEST

static const char *const invalid[] = { "\x80", "\xbf", "a\xc3", "\xc3(", "\xe2\x82", "\xe2(\xac",
	"\xf0\x9f\x98", "\xff", "\xfe", "\xf8\x88\x80\x80\x80",
	"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",	/* longer than needed */
	"\xed\xa0\x80", "\xed\xbf\xbf",					/* surrogates */
	"\xf4\x90\x80\x80", "\xf7\xbf\xbf\xbf" };				/* past the last one */

START_TEST(what_is_no_utf8_is_seen)
{
	const char *p = invalid[_i], *end = p + strlen(p);
	unsigned bad = 0;
	uint32_t c;

	ck_assert(!utf8_valid(p));
	while ((c = utf8_next(&p)) != 0) {
		bad += c == UTF8_BAD;
		ck_assert(p <= end);	/* never past the end */
	}
	ck_assert_ptr_eq(p, end);
	ck_assert_uint_gt(bad, 0);
	ck_assert_uint_eq(utf8_next(&p), 0);	/* and it stays there */
	ck_assert_ptr_eq(p, end);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("text");

	KIT_ROWS(tc, a_typo_finds_its_word, typos);
	KIT_ROWS(tc, characters_are_counted, valid);
	KIT_ROWS(tc, what_is_no_utf8_is_seen, invalid);
	return kit_run("common/text", tc);
}
