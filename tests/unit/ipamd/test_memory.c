/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/memory.h"

#include <check.h>
#include <errno.h>

#include "common/reason.h"
#include "tests/unit/ipamd/shelf.h"
#include "tests/unit/kit.h"

/* Failures on demand, and what store.c makes of them. */

START_TEST(a_failure_dooms_the_whole_batch)
{
	struct memory *m = memory_new();
	struct store_node a = shelf_node(1), b = shelf_node(2), found;
	struct store *st = memory_open(m);

	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_guard(st), 0);
	ck_assert_int_eq(store_node_add(st, &a, SHELF_NOW), 0);
	memory_fail(m, 2, false);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_request(st), -REASON_STORE_FAILED);
	ck_assert(memory_failed(m));
	ck_assert_str_ne(store_failure(st), "");
	ck_assert_int_eq(store_node_add(st, &b, SHELF_NOW), -REASON_STORE_FAILED);
	ck_assert_int_eq(store_node_by_id(st, "n-1", &found), -REASON_STORE_FAILED);
	ck_assert_int_eq(store_refuse(st), -REASON_STORE_FAILED);
	ck_assert_int_eq(store_due(st), STORE_NOW);
	ck_assert_int_eq(store_commit(st), -REASON_STORE_FAILED);
	ck_assert_int_eq(store_due(st), STORE_NOTHING);
	ck_assert(!store_broken(st));
	ck_assert_int_eq(store_node_by_id(st, "n-1", &found), -ENOENT);
	shelf_add(st, 2, SHELF_NOW);
	memory_fail(m, 1, true);
	ck_assert_int_eq(store_request(st), -REASON_STORE_FAILED);
	ck_assert_int_eq(store_commit(st), -REASON_STORE_FAILED);
	ck_assert(store_broken(st));
	store_close(st);
	memory_free(m);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("memory");

	tcase_add_test(tc, a_failure_dooms_the_whole_batch);
	return kit_run("ipamd/memory", tc);
}
