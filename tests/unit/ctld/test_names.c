/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/names.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/kit.h"

#define ID64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	const char *name, *id;	/* id NULL: it is no name */
} rows[] = {
	{ "nodes/n-1", "n-1" },
	{ "nodes/reserverd", "reserverd" },
	{ "nodes/A.b_C-9", "A.b_C-9" },
	{ "nodes/" ID64, ID64 },
	{ "nodes/" ID64 "0", NULL },
	{ "nodes/", NULL },
	{ "nodes", NULL },
	{ "", NULL },
	{ "n-1", NULL },
	{ "tokens/n-1", NULL },
	{ "nodes/a/b", NULL },
	{ "nodes/a b", NULL },
	{ "nodes/\xc3\xa4", NULL },
	{ "/nodes/a", NULL },
	{ "nodesx/a", NULL },
};

START_TEST(names_are_parsed)
{
	char id[PKI_ID_MAX + 1] = "untouched", buf[NAMES_MAX];
	int rc = names_parse("nodes", rows[_i].name, id);

	ck_assert_int_eq(rc, rows[_i].id == NULL ? -EINVAL : 0);
	ck_assert_str_eq(id, rows[_i].id == NULL ? "untouched" : rows[_i].id);
	if (rc == 0)
		ck_assert_str_eq(names_format("nodes", id, buf), rows[_i].name);
}
END_TEST

START_TEST(page_tokens_come_back)
{
	static const uint64_t places[] = { 1, 255, UINT64_C(1) << 40, INT64_MAX };
	char token[NAMES_PAGE_TOKEN_MAX];
	uint64_t next = 7;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		ck_assert_int_eq(names_page_token_parse(names_page_token(places[i], token), &next),
		    0);
		ck_assert_uint_eq(next, places[i]);
	}
	ck_assert_int_eq(names_page_token_parse("", &next), 0);
	ck_assert_uint_eq(next, 0);
}
END_TEST

static const char *const bad_tokens[] = {
	"1", "2", "n-1", "1" "0000000000000001", "2" "000000000000001", "2" "00000000000000001",
	"2" "000000000000000g", "2" "000000000000000A", "2" " 00000000000001",
		"2" "-000000000000001",
	"2" "8000000000000000", "2" "ffffffffffffffff",
};

START_TEST(other_page_tokens_are_refused)
{
	uint64_t next = 7;

	ck_assert_int_eq(names_page_token_parse(bad_tokens[_i], &next), -EINVAL);
	ck_assert_uint_eq(next, 7);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("names");

	KIT_ROWS(tc, names_are_parsed, rows);
	tcase_add_test(tc, page_tokens_come_back);
	KIT_ROWS(tc, other_page_tokens_are_refused, bad_tokens);
	return kit_run("names", tc);
}
