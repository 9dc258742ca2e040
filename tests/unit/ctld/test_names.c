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
	static const char *const ids[] = { "n-1", "reserverd", ID64 };
	char token[NAMES_PAGE_TOKEN_MAX], id[PKI_ID_MAX + 1];

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		names_page_token(ids[i], token);
		ck_assert_ptr_null(strstr(token, ids[i]));
		ck_assert_int_eq(names_page_token_parse(token, id), 0);
		ck_assert_str_eq(id, ids[i]);
	}
	ck_assert_int_eq(names_page_token_parse("", id), 0);
	ck_assert_str_eq(id, "");
}
END_TEST

static const char *const bad_tokens[] = {
	"1", "n-1", "2" "6e2d31", "16e2d3", "16e2d3g", "1zz", "16E", "12f", "100", "120", "1-1",
	"16e2d31 ",
};

START_TEST(other_page_tokens_are_refused)
{
	char id[PKI_ID_MAX + 1] = "untouched", longer[4 * PKI_ID_MAX];

	ck_assert_int_eq(names_page_token_parse(bad_tokens[_i], id), -EINVAL);
	snprintf(longer, sizeof(longer), "1%0*d", 2 * PKI_ID_MAX + 2, 0);
	memset(longer + 1, '6', 2 * PKI_ID_MAX + 2);
	ck_assert_int_eq(names_page_token_parse(longer, id), -EINVAL);
	ck_assert_str_eq(id, "untouched");
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
