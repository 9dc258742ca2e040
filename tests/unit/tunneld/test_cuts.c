/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/cuts.h"

#include <check.h>
#include <stdio.h>

#include "common/reason.h"
#include "tests/unit/kit.h"

#define NOW 1000000

static struct cuts cuts;

static const struct {
	const char *node;
	uint64_t epoch;
	int64_t at;
	int reason;
} rows[] = {
	{ "n-1", 7, NOW, REASON_NODE_DELETED },
	{ "n-1", 6, NOW, REASON_NODE_DELETED },
	{ "n-1", 8, NOW, REASON_NONE },
	{ "n-2", 7, NOW, REASON_NONE },
	{ "n-1", 7, NOW + CUTS_LIFE_MS - 1, REASON_NODE_DELETED },
	{ "n-1", 7, NOW + CUTS_LIFE_MS, REASON_NONE },
	{ "", 0, NOW, REASON_NONE },
};

START_TEST(a_cut_counts_for_its_node_and_epochs)
{
	cuts_add(&cuts, "n-1", 7, REASON_NODE_DELETED, NOW);
	ck_assert_int_eq(cuts_find(&cuts, rows[_i].node, rows[_i].epoch, rows[_i].at),
	    rows[_i].reason);
}
END_TEST

START_TEST(the_oldest_is_forgotten)
{
	char id[16];

	for (int i = 0; i <= CUTS_MAX; i++) {
		snprintf(id, sizeof(id), "n-%d", i);
		cuts_add(&cuts, id, 1, REASON_SUPERSEDED, NOW);
	}
	ck_assert_int_eq(cuts_find(&cuts, "n-0", 1, NOW), REASON_NONE);
	ck_assert_int_eq(cuts_find(&cuts, "n-1", 1, NOW), REASON_SUPERSEDED);
	ck_assert_int_eq(cuts_find(&cuts, id, 1, NOW), REASON_SUPERSEDED);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("cuts");

	KIT_ROWS(tc, a_cut_counts_for_its_node_and_epochs, rows);
	tcase_add_test(tc, the_oldest_is_forgotten);
	return kit_run("tunneld/cuts", tc);
}
