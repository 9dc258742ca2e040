/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hosts.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/kit.h"

#define LABEL63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static const struct {
	const char *name, *kept;	/* kept NULL: refused */
} rows[] = {
	{ "192.0.2.1", "192.0.2.1" },
	{ "2001:DB8:0:0::1", "2001:db8::1" },
	{ "vpn.example.org", "vpn.example.org" },
	{ "a", "a" },
	{ "1.example", "1.example" },
	{ LABEL63 ".org", LABEL63 ".org" },
	{ LABEL63 "x.org", NULL },
	{ "", NULL },
	{ ".", NULL },
	{ "a..b", NULL },
	{ "a.", NULL },
	{ "-a", NULL },
	{ "a-", NULL },
	{ "a b", NULL },
	{ "a:1", NULL },
	{ "*.example.org", NULL },
	{ "gr\xc3\xbc.de", NULL },
};

START_TEST(addresses_and_names_are_taken)
{
	struct hosts *h = calloc(1, sizeof(*h));
	struct err e;

	ck_assert_int_eq(hosts_add(h, rows[_i].name, &e), rows[_i].kept == NULL ? -EINVAL : 0);
	ck_assert_uint_eq(h->n, rows[_i].kept != NULL);
	if (rows[_i].kept != NULL)
		ck_assert_str_eq(h->list[0], rows[_i].kept);
	free(h);
}
END_TEST

START_TEST(each_is_there_once)
{
	struct hosts *h = calloc(1, sizeof(*h));

	ck_assert_int_eq(hosts_add(h, "::1", NULL), 0);
	ck_assert_int_eq(hosts_add(h, "Example.org", NULL), 0);
	ck_assert_int_eq(hosts_add(h, "0:0:0:0:0:0:0:1", NULL), 0);
	ck_assert_int_eq(hosts_add(h, "example.ORG", NULL), 0);
	ck_assert_uint_eq(h->n, 2);
	free(h);
}
END_TEST

START_TEST(there_is_a_limit)
{
	struct hosts *h = calloc(1, sizeof(*h));
	char name[16], longest[HOSTS_NAME_MAX + 1] = "";
	struct err e;

	for (unsigned i = 0; i < HOSTS_MAX; i++) {
		snprintf(name, sizeof(name), "h%u", i);
		ck_assert_int_eq(hosts_add(h, name, &e), 0);
	}
	ck_assert_int_eq(hosts_add(h, "h0", &e), 0);
	ck_assert_int_eq(hosts_add(h, "one.more", &e), -ENOSPC);
	for (size_t i = 0; i < HOSTS_NAME_MAX; i++)
		longest[i] = i % 2 == 0 ? 'a' : '.';
	h->n = 0;
	ck_assert_int_eq(hosts_add(h, longest, &e), -EINVAL);
	longest[HOSTS_NAME_MAX - 1] = '\0';
	ck_assert_int_eq(hosts_add(h, longest, &e), 0);
	free(h);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("hosts");

	KIT_ROWS(tc, addresses_and_names_are_taken, rows);
	tcase_add_test(tc, each_is_there_once);
	tcase_add_test(tc, there_is_a_limit);
	return kit_run("hosts", tc);
}
