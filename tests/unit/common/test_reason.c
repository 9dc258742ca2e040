/* SPDX-License-Identifier: Apache-2.0 */
#include "common/reason.h"

#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "tests/unit/kit.h"

static unsigned
count(void)
{
	unsigned n = 0;

	while (reason_at(n) != REASON_NONE)
		n++;
	return n;
}

START_TEST(rows_do_not_repeat)
{
	unsigned n = count();

	ck_assert_uint_ge(n, 30);
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = i + 1; j < n; j++) {
			ck_assert_int_ne(reason_at(i), reason_at(j));
			ck_assert_str_ne(reason_name(reason_at(i)), reason_name(reason_at(j)));
		}
	}
}
END_TEST

/* A sentence without its full stop, that begins with a small letter unless with a name. */
static void
check_sentence(const char *text)
{
	size_t len = strlen(text);

	ck_assert_uint_gt(len, 10);
	ck_assert_int_ne(text[len - 1], '.');
	ck_assert(!isspace((unsigned char) text[0]) && !isspace((unsigned char) text[len - 1]));
	ck_assert(!isupper((unsigned char) text[0]));
}

START_TEST(every_row_is_complete)
{
	for (unsigned i = 0; i < count(); i++) {
		enum reason r = reason_at(i);
		const char *name = reason_name(r);

		ck_assert_int_gt(r, 1000);	/* above every errno */
		ck_assert_uint_eq(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), strlen(name));
		ck_assert_int_eq(reason_by_name(name), r);
		ck_assert_int_ne(reason_rpc_code(r), RPC_OK);
		ck_assert_int_le(reason_rpc_code(r), RPC_UNAUTHENTICATED);
		check_sentence(reason_text(r));
		check_sentence(reason_hint(r));
		ck_assert_str_eq(err_name(-(int) r), name);
		ck_assert_str_eq(err_text(-(int) r), reason_text(r));
	}
}
END_TEST

START_TEST(strangers_have_an_answer_too)
{
	ck_assert_str_eq(reason_name(REASON_NONE), "NONE");
	ck_assert_str_eq(reason_name(9999), "UNKNOWN");
	ck_assert_str_eq(reason_name(-1), "UNKNOWN");
	ck_assert_ptr_nonnull(reason_text(9999));
	ck_assert_ptr_nonnull(reason_hint(9999));
	ck_assert_int_eq(reason_rpc_code(9999), RPC_INTERNAL);
	ck_assert_int_eq(reason_by_name("NOT_ONE"), REASON_NONE);
	ck_assert_int_eq(reason_by_name(""), REASON_NONE);
	ck_assert_int_eq(reason_at(9999), REASON_NONE);
}
END_TEST

static const struct {
	int rc;
	enum reason reason;
} calls[] = {
	{ -REASON_POOL_EXHAUSTED, REASON_POOL_EXHAUSTED },
	{ -ETIMEDOUT, REASON_IPAM_DOWN },
	{ -ECONNRESET, REASON_IPAM_DOWN },
	{ -ECANCELED, REASON_IPAM_DOWN },
	{ -ENOBUFS, REASON_OVERLOADED },
	{ -EBUSY, REASON_OVERLOADED },
	{ -ENOMEM, REASON_INTERNAL },
	{ -9999, REASON_INTERNAL },
};

START_TEST(a_failed_call_has_a_reason)
{
	ck_assert_int_eq(reason_of(calls[_i].rc, REASON_IPAM_DOWN), calls[_i].reason);
}
END_TEST

START_TEST(errors_have_names)
{
	ck_assert_str_eq(err_name(0), "OK");
	ck_assert_str_eq(err_name(7), "OK");
	ck_assert_str_eq(err_name(-ENOENT), "ENOENT");
	ck_assert_str_eq(err_name(-999), "UNKNOWN");
	ck_assert_str_eq(err_text(0), "success");
	ck_assert_str_eq(err_text(-ENOENT), strerror(ENOENT));
	ck_assert_ptr_nonnull(err_text(-999));
}
END_TEST

START_TEST(an_error_is_told_once_and_whole)
{
	struct err e;
	char longer[2 * ERR_TEXT_MAX];

	ck_assert_int_eq(err_set(NULL, -EIO, "nobody reads this"), -EIO);
	ck_assert_int_eq(err_set(&e, -EIO, "%s: %d", "disk", 5), -EIO);
	ck_assert_int_eq(e.rc, -EIO);
	ck_assert_str_eq(e.text, "disk: 5");
	ck_assert_int_eq(err_prefix(&e, "at %d", 3), -EIO);
	ck_assert_str_eq(e.text, "at 3: disk: 5");

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	err_set(&e, -EIO, "%s", longer);
	ck_assert_uint_eq(strlen(e.text), ERR_TEXT_MAX - 1);
	err_prefix(&e, "%s", longer);
	ck_assert_uint_eq(strlen(e.text), ERR_TEXT_MAX - 1);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("reason");

	tcase_add_test(tc, rows_do_not_repeat);
	tcase_add_test(tc, every_row_is_complete);
	tcase_add_test(tc, strangers_have_an_answer_too);
	KIT_ROWS(tc, a_failed_call_has_a_reason, calls);
	tcase_add_test(tc, errors_have_names);
	tcase_add_test(tc, an_error_is_told_once_and_whole);
	return kit_run("common/reason", tc);
}
