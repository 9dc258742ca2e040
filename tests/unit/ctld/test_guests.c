/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/guests.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "tests/unit/kit.h"

#define TOTAL 4
#define EACH 2

static bool gone[16];	/* by descriptor */

static bool
is_gone(struct guest_id id)
{
	return gone[id.fd];
}

static struct guests *
start(void)
{
	struct guests *g = guests_new(TOTAL, EACH, is_gone);

	memset(gone, 0, sizeof(gone));
	ck_assert_ptr_nonnull(g);
	return g;
}

/* A connection of that user. */
static int
come(struct guests *g, uid_t uid, int fd, int64_t now_ms)
{
	struct guest_source source = guests_source_uid(uid);

	return guests_admit(g, &source, (struct guest_id){ fd, (uint64_t) fd }, now_ms);
}

START_TEST(a_source_has_so_many_and_no_more)
{
	struct guests *g = start();

	ck_assert_int_eq(come(g, 1, 1, 0), 0);
	ck_assert_int_eq(come(g, 1, 2, 0), 0);
	ck_assert_int_eq(come(g, 1, 3, 0), -EUSERS);
	ck_assert_int_eq(come(g, 2, 3, 0), 0);
	gone[2] = true;
	ck_assert_int_eq(come(g, 1, 4, 0), 0);
	ck_assert_int_eq(come(g, 1, 5, 0), -EUSERS);
	guests_free(g);
}
END_TEST

START_TEST(all_together_have_so_many_and_no_more)
{
	struct guests *g = start();

	for (int fd = 0; fd < TOTAL; fd++)
		ck_assert_int_eq(come(g, (uid_t) fd, fd, 0), 0);
	ck_assert_int_eq(come(g, 9, 9, 0), -ENOSPC);
	gone[0] = true;
	ck_assert_int_eq(come(g, 9, 9, 1), -ENOSPC);	/* it was looked for just now */
	ck_assert_int_eq(come(g, 9, 9, 100), 0);
	ck_assert_int_eq(come(g, 9, 10, 1000), -ENOSPC);
	guests_free(g);
}
END_TEST

START_TEST(a_number_that_comes_again_has_been_closed)
{
	struct guests *g = start();

	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(come(g, 1, 7, 0), 0);
	ck_assert_int_eq(come(g, 1, 8, 0), 0);
	ck_assert_int_eq(come(g, 1, 9, 0), -EUSERS);
	guests_free(g);
}
END_TEST

static struct guest_source
source(const char *text)
{
	struct ip_addr addr;

	ck_assert_int_eq(ip_parse(text, &addr), 0);
	return guests_source_ip(&addr);
}

START_TEST(one_machine_is_one_source)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "2001:db8::1", "2001:db8::ffff:1", true },
		{ "2001:db8::1", "2001:db8:0:1::1", false },
		{ "0.0.0.0", "::", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct guest_source a = source(rows[i].a), b = source(rows[i].b);

		ck_assert_msg((memcmp(&a, &b, sizeof(a)) == 0) == rows[i].same, "row %zu", i);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("guests");

	tcase_add_test(tc, a_source_has_so_many_and_no_more);
	tcase_add_test(tc, all_together_have_so_many_and_no_more);
	tcase_add_test(tc, a_number_that_comes_again_has_been_closed);
	tcase_add_test(tc, one_machine_is_one_source);
	return kit_run("guests", tc);
}
