/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/labels.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/reason.h"
#include "tests/unit/kit.h"

#define N63 "012345678901234567890123456789012345678901234567890123456789012"

static const struct {
	const char *key, *value;
	bool good;
} rows[] = {
	{ "a", "", true },
	{ "7", "x", true },
	{ "example.org/site-2_b", "Z\xc3\xbcrich = 1", true },
	{ N63, N63, true },
	{ "", "x", false },
	{ "A", "x", false },
	{ ".a", "x", false },
	{ "-a", "x", false },
	{ "a=b", "x", false },
	{ "a b", "x", false },
	{ "a\n", "x", false },
	{ "\xc3\xbc", "x", false },
	{ N63 "3", "x", false },
	{ "a", N63 "3", false },
	{ "a", "\n", false },
	{ "a", "\x7f", false },
	{ "a", "\xff", false },
};

START_TEST(a_label_has_a_form)
{
	struct labels ls = { .n = 0 }, again;
	char text[STORE_LABELS_MAX + 1];
	struct err e;
	int rc = labels_set(&ls, rows[_i].key, rows[_i].value, &e);

	ck_assert_int_eq(rc, rows[_i].good ? 0 : -REASON_FIELD_INVALID);
	ck_assert_uint_eq(ls.n, rows[_i].good);
	labels_write(&ls, text);
	labels_read(&again, text);
	ck_assert_uint_eq(again.n, ls.n);
	if (ls.n > 0) {
		ck_assert_str_eq(again.rows[0].key, rows[_i].key);
		ck_assert_str_eq(again.rows[0].value, rows[_i].value);
	}
}
END_TEST

START_TEST(keys_are_in_order_and_none_is_there_twice)
{
	struct labels ls = { .n = 0 };
	char text[STORE_LABELS_MAX + 1];
	struct err e;

	ck_assert_int_eq(labels_set(&ls, "b", "1", &e), 0);
	ck_assert_int_eq(labels_set(&ls, "c", "2", &e), 0);
	ck_assert_int_eq(labels_set(&ls, "a", "3", &e), 0);
	ck_assert_int_eq(labels_set(&ls, "b", "4", &e), 0);
	labels_write(&ls, text);
	ck_assert_str_eq(text, "a=3\nb=4\nc=2\n");
	labels_drop(&ls, "b");
	labels_drop(&ls, "d");
	labels_write(&ls, text);
	ck_assert_str_eq(text, "a=3\nc=2\n");
}
END_TEST

START_TEST(there_are_not_too_many)
{
	struct labels ls = { .n = 0 }, again;
	char key[LABELS_KEY_MAX + 1] = "", text[STORE_LABELS_MAX + 1];
	struct err e;

	for (unsigned i = 0; i < LABELS_MAX; i++) {
		memset(key, (int) ('a' + i), LABELS_KEY_MAX);
		ck_assert_int_eq(labels_set(&ls, key, N63, &e), 0);
	}
	ck_assert_int_eq(labels_set(&ls, "one-more", "", &e), -REASON_FIELD_INVALID);
	ck_assert_int_eq(labels_set(&ls, key, "changed", &e), 0);
	ck_assert_int_eq(labels_set(&ls, key, N63, &e), 0);
	labels_write(&ls, text);
	ck_assert_uint_eq(strlen(text), STORE_LABELS_MAX);
	labels_read(&again, text);
	ck_assert_uint_eq(again.n, LABELS_MAX);
}
END_TEST

START_TEST(what_is_no_label_is_left_out)
{
	struct labels ls;

	labels_read(&ls, "a=1\nnonsense\n=2\nB=3\n\n" N63 N63 N63 "=x\nz=" N63 "3\nc=4");
	ck_assert_uint_eq(ls.n, 2);
	ck_assert_str_eq(ls.rows[0].key, "a");
	ck_assert_str_eq(ls.rows[1].value, "4");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("labels");

	KIT_ROWS(tc, a_label_has_a_form, rows);
	tcase_add_test(tc, keys_are_in_order_and_none_is_there_twice);
	tcase_add_test(tc, there_are_not_too_many);
	tcase_add_test(tc, what_is_no_label_is_left_out);
	return kit_run("ipamd/labels", tc);
}
