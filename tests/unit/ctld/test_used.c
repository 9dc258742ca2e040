/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/used.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/kit.h"

/* The n-th id; all differ, and few share a bucket. */
static void
make_id(uint32_t n, uint8_t id[USED_ID_LEN])
{
	memset(id, 0, USED_ID_LEN);
	memcpy(id, &n, sizeof(n));
}

START_TEST(an_id_is_good_once_until_it_expires)
{
	struct used *u = used_new();
	uint8_t id[USED_ID_LEN];

	make_id(1, id);
	ck_assert_int_eq(used_add(u, id, 100, 50), 0);
	ck_assert_int_eq(used_add(u, id, 100, 50), -EEXIST);
	ck_assert_int_eq(used_add(u, id, 100, 99), -EEXIST);
	id[15] = 1;	/* another one in the same bucket */
	ck_assert_int_eq(used_add(u, id, 100, 99), 0);
	id[15] = 0;
	/* From 100 on the grant itself is refused: its place may be given away. */
	ck_assert_int_eq(used_add(u, id, 200, 100), 0);
	used_free(u);
}
END_TEST

START_TEST(when_full_nothing_is_taken_until_some_expire)
{
	struct used *u = used_new();
	uint8_t id[USED_ID_LEN];

	for (uint32_t i = 0; i < USED_MAX; i++) {
		make_id(i, id);
		ck_assert_int_eq(used_add(u, id, i < 10 ? 60 : 100, 50), 0);
	}
	make_id(USED_MAX, id);
	ck_assert_int_eq(used_add(u, id, 100, 50), -ENOSPC);
	ck_assert_int_eq(used_add(u, id, 100, 59), -ENOSPC);
	for (uint32_t i = 0; i < 10; i++) {
		make_id(USED_MAX + i, id);
		ck_assert_int_eq(used_add(u, id, 100, 60), 0);
	}
	make_id(USED_MAX + 10, id);
	ck_assert_int_eq(used_add(u, id, 100, 60), -ENOSPC);
	/* Nothing that is alive was forgotten for it. */
	for (uint32_t i = 10; i < USED_MAX + 10; i++) {
		make_id(i, id);
		ck_assert_int_eq(used_add(u, id, 100, 60), -EEXIST);
	}
	used_free(u);
}
END_TEST

START_TEST(nothing_is_fine_to_free)
{
	used_free(NULL);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("used");

	tcase_add_test(tc, an_id_is_good_once_until_it_expires);
	tcase_add_test(tc, when_full_nothing_is_taken_until_some_expire);
	tcase_add_test(tc, nothing_is_fine_to_free);
	return kit_run("used", tc);
}
