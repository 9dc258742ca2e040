/* SPDX-License-Identifier: Apache-2.0 */
#include "common/suggest.h"

#include <check.h>
#include <stddef.h>
#include <string.h>

#include "tests/unit/kit.h"

static const char *const words[] = { "port", "grpcPort", "bootstrapPort", "keepalive", "mtu" };

static const struct {
	const char *typed, *meant;	/* NULL: nothing is near enough */
} rows[] = {
	{ "port", "port" },
	{ "prot", "port" },
	{ "PORT", "port" },
	{ "grpcport", "grpcPort" },
	{ "grpc-port", "grpcPort" },
	{ "bootsrapPort", "bootstrapPort" },
	{ "keepAliv", "keepalive" },
	{ "mtx", "mtu" },
	{ "xylophone", NULL },
	{ "", NULL },
};

START_TEST(the_nearest_word_is_found)
{
	struct suggest s = suggest_for(rows[_i].typed);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		suggest_try(&s, words[i]);
	ck_assert_pstr_eq(s.found, rows[_i].meant);
}
END_TEST

START_TEST(very_long_words_are_not_compared)
{
	char longest[200];
	struct suggest s;

	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	s = suggest_for(longest);
	suggest_try(&s, "a");
	suggest_try(&s, longest);
	ck_assert_ptr_null(s.found);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("suggest");

	KIT_ROWS(tc, the_nearest_word_is_found, rows);
	tcase_add_test(tc, very_long_words_are_not_compared);
	return kit_run("suggest", tc);
}
