/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/cuts.h"

#include <check.h>
#include <stdio.h>

#include "tests/unit/kit.h"

START_TEST(what_is_outstanding_is_found_until_it_is_cut)
{
	struct cuts cuts = { .n = 0 };
	uint64_t epoch = 7;

	ck_assert(!cuts_find(&cuts, "a", &epoch));
	ck_assert_uint_eq(epoch, 7);
	ck_assert(cuts_add(&cuts, "a", 1));
	ck_assert(cuts_add(&cuts, "b", 2));
	ck_assert(cuts_find(&cuts, "a", &epoch));
	ck_assert_uint_eq(epoch, 1);
	cuts_remove(&cuts, "a");
	cuts_remove(&cuts, "unknown");
	ck_assert(!cuts_find(&cuts, "a", &epoch));
	ck_assert(cuts_find(&cuts, "b", &epoch));
	ck_assert_uint_eq(epoch, 2);
}
END_TEST

START_TEST(a_node_stands_once_with_its_newest_epoch)
{
	struct cuts cuts = { .n = 0 };
	uint64_t epoch;

	cuts_add(&cuts, "a", 1);
	cuts_add(&cuts, "a", 5);
	ck_assert_uint_eq(cuts.n, 1);
	ck_assert(cuts_find(&cuts, "a", &epoch));
	ck_assert_uint_eq(epoch, 5);
}
END_TEST

START_TEST(when_full_the_oldest_goes)
{
	static struct cuts cuts;
	uint64_t epoch;
	char id[16];

	for (unsigned i = 0; i < CUTS_MAX; i++) {
		snprintf(id, sizeof(id), "n%u", i);
		ck_assert(cuts_add(&cuts, id, i));
	}
	ck_assert(!cuts_add(&cuts, "one more", 1000));
	ck_assert_uint_eq(cuts.n, CUTS_MAX);
	ck_assert(!cuts_find(&cuts, "n0", &epoch));
	ck_assert(cuts_find(&cuts, "n1", &epoch));
	ck_assert(cuts_find(&cuts, "one more", &epoch));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("cuts");

	tcase_add_test(tc, what_is_outstanding_is_found_until_it_is_cut);
	tcase_add_test(tc, a_node_stands_once_with_its_newest_epoch);
	tcase_add_test(tc, when_full_the_oldest_goes);
	return kit_run("cuts", tc);
}
