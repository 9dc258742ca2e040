/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/rules.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/reason.h"
#include "tests/unit/ipamd/shelf.h"

/* --- requests that share a commit ------------------------------------------------------------- */

static void
a_refused_request_leaves_nothing_behind(void)
{
	struct store_node a = shelf_node(1), b = shelf_node(2), c = shelf_node(3);

	ck_assert_int_eq(store_due(rules_store), STORE_NOTHING);
	rules_begin();
	ck_assert_int_eq(store_node_add(rules_store, &a, SHELF_NOW), 0);
	ck_assert_int_eq(store_accept(rules_store), 0);
	rules_begin();
	ck_assert_int_eq(store_node_add(rules_store, &b, SHELF_NOW), 0);
	ck_assert_int_eq(store_node_delete(rules_store, &a), 0);
	ck_assert_int_eq(store_refuse(rules_store), 0);
	rules_begin();
	ck_assert_int_eq(store_node_add(rules_store, &c, SHELF_NOW), 0);
	ck_assert_int_eq(store_accept(rules_store), 0);
	ck_assert_int_eq(store_due(rules_store), STORE_NOW);
	ck_assert_int_eq(store_commit(rules_store), 0);
	ck_assert_int_eq(store_due(rules_store), STORE_NOTHING);
	rules_reopen();
	ck_assert(rules_has("n-1") && !rules_has("n-2") && rules_has("n-3"));
}

/* Nobody knows any more what was there before: not even those who were accepted can have theirs. */
static void
without_a_guard_nothing_is_undone(void)
{
	struct store_node a = shelf_node(1), b = shelf_node(2);

	rules_begin();
	ck_assert_int_eq(store_node_add(rules_store, &a, SHELF_NOW), 0);
	ck_assert_int_eq(store_accept(rules_store), 0);
	ck_assert_int_eq(store_request(rules_store), 0);
	ck_assert_int_eq(store_refuse(rules_store), 0);		/* it has changed nothing */
	ck_assert_int_eq(store_request(rules_store), 0);
	ck_assert_int_eq(store_node_add(rules_store, &b, SHELF_NOW), 0);
	ck_assert_int_eq(store_guard(rules_store), 0);		/* too late */
	ck_assert_int_eq(store_refuse(rules_store), -REASON_STORE_FAILED);
	ck_assert_ptr_nonnull(strstr(store_failure(rules_store), "cannot be undone"));
	ck_assert_int_eq(store_request(rules_store), -REASON_STORE_FAILED);
	ck_assert_int_eq(store_commit(rules_store), -REASON_STORE_FAILED);
	ck_assert(!rules_has("n-1") && !rules_has("n-2"));
	ck_assert(!store_broken(rules_store));

	ck_assert_int_eq(store_request(rules_store), 0);
	ck_assert_int_eq(store_node_add(rules_store, &a, SHELF_NOW), 0);
	rules_end();
	rules_reopen();
	ck_assert(rules_has("n-1"));
}

static void
what_was_not_committed_is_lost(void)
{
	struct store_node n = shelf_node(2);

	shelf_add(rules_store, 1, SHELF_NOW);
	rules_begin();
	ck_assert_int_eq(store_node_add(rules_store, &n, SHELF_NOW), 0);
	ck_assert_int_eq(store_accept(rules_store), 0);
	rules_reopen();
	ck_assert(rules_has("n-1") && !rules_has("n-2"));
}

static void
a_state_may_wait_for_the_commit_of_others(void)
{
	struct store_node n = shelf_add(rules_store, 1, SHELF_NOW);

	rules_begin();
	ck_assert_int_eq(store_node_touch(rules_store, &n, NODE_CONNECTING, 1, 0, SHELF_NOW), 0);
	ck_assert_int_eq(store_accept(rules_store), 0);
	ck_assert_int_eq(store_due(rules_store), STORE_NOW);	/* the first: it does not expire any more */
	ck_assert_int_eq(store_commit(rules_store), 0);
	rules_begin();
	ck_assert_int_eq(store_node_touch(rules_store, &n, NODE_CONNECTED, 1, 0, SHELF_NOW), 0);
	ck_assert_int_eq(store_node_announced(rules_store, n.row, 1), 0);
	ck_assert_int_eq(store_node_stale(rules_store, n.row, false), 0);
	ck_assert_int_eq(store_unannounced(rules_store, 1, SHELF_NOW), 0);
	ck_assert_int_eq(store_accept(rules_store), 0);
	ck_assert_int_eq(store_due(rules_store), STORE_SOON);
	ck_assert_int_eq(store_commit(rules_store), 0);
}

/* --- the order of use ------------------------------------------------------------------------- */

static void
equal_stamps_are_told_apart(void)
{
	struct store_node n[4];

	for (unsigned i = 1; i <= 3; i++)
		shelf_add(rules_store, i, SHELF_NOW);
	shelf_check_oldest(rules_store, "n-1");
	shelf_use(rules_store, "n-1", NODE_IDLE, SHELF_NOW);	/* in the same second */
	shelf_check_oldest(rules_store, "n-2");
	shelf_use(rules_store, "n-2", NODE_LOST, SHELF_NOW);
	ck_assert_int_eq(store_node_victims(rules_store, STORE_NET_DEFAULT, n, 4), 3);
	ck_assert_str_eq(n[0].id, "n-3");
	ck_assert_str_eq(n[1].id, "n-1");
	ck_assert_str_eq(n[2].id, "n-2");
	rules_reopen();
	shelf_use(rules_store, "n-3", NODE_IDLE, SHELF_NOW);	/* the number goes on where it was */
	shelf_check_oldest(rules_store, "n-1");
}

static const struct {
	const char *what, *zone;
	int64_t before_s, after_s;
} clocks[] = {
	{ "the clock is set back by a day", "UTC", SHELF_NOW, SHELF_NOW - 86400 },
	/* 2023-10-29 01:00 UTC: 03:00 becomes 02:00. */
	{ "summer time ends", "Europe/Berlin", 1698541100, 1698541300 },
	{ "time passes", "UTC", SHELF_NOW, SHELF_NOW + 1 },
};

static void
the_clock_does_not_change_the_order(void)
{
	for (unsigned i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		struct store_node n[2];

		setenv("TZ", clocks[i].zone, 1);
		tzset();
		shelf_add(rules_store, 1, clocks[i].before_s);
		shelf_add(rules_store, 2, clocks[i].before_s);
		shelf_use(rules_store, "n-1", NODE_IDLE, clocks[i].after_s);
		shelf_check_oldest(rules_store, "n-2");
		rules_reopen();	/* also when the newest stamp is known from the rows only */
		shelf_use(rules_store, "n-2", NODE_IDLE, clocks[i].after_s);
		ck_assert_int_eq(store_node_victims(rules_store, STORE_NET_DEFAULT, n, 2), 2);
		ck_assert_msg(strcmp(n[0].id, "n-1") == 0, "%s", clocks[i].what);
		rules_begin();
		ck_assert_int_eq(store_node_delete(rules_store, &n[0]), 0);
		ck_assert_int_eq(store_node_delete(rules_store, &n[1]), 0);
		rules_end();
	}
}

static void
who_is_not_announced_is_idle_in_the_order_of_use(void)
{
	struct store_node n[4];

	for (unsigned i = 1; i <= 4; i++)
		shelf_add(rules_store, i, SHELF_NOW);
	shelf_use(rules_store, "n-2", NODE_CONNECTED, SHELF_NOW + 10);
	shelf_use(rules_store, "n-1", NODE_CONNECTED, SHELF_NOW + 10);
	shelf_use(rules_store, "n-3", NODE_CONNECTING, SHELF_NOW + 10);
	shelf_use(rules_store, "n-4", NODE_IDLE, SHELF_NOW + 20);
	rules_begin();
	ck_assert_int_eq(store_unannounced(rules_store, STORE_NO_ROUND, SHELF_NOW + 30), 3);
	rules_end();
	ck_assert_int_eq(store_node_victims(rules_store, STORE_NET_DEFAULT, n, 4), 4);
	ck_assert_str_eq(n[0].id, "n-4");
	ck_assert_str_eq(n[1].id, "n-2");
	ck_assert_str_eq(n[2].id, "n-1");
	ck_assert_str_eq(n[3].id, "n-3");
	ck_assert_int_eq(n[0].state, NODE_IDLE);
	ck_assert_int_eq(n[2].state, NODE_LOST);
	ck_assert_int_eq(n[2].seen_s, SHELF_NOW + 30);
	ck_assert_int_eq(n[3].state, NODE_NEVER);
	for (unsigned i = 0; i < 4; i++) {
		for (unsigned k = 0; k < i; k++)
			ck_assert_int_ne(n[i].use, n[k].use);
	}
	shelf_use(rules_store, "n-4", NODE_IDLE, SHELF_NOW + 30);	/* takes a number of its own */
	shelf_check_oldest(rules_store, "n-2");
}

static void
a_round_spares_who_is_named_and_who_just_came(void)
{
	for (unsigned i = 1; i <= 3; i++)
		shelf_add(rules_store, i, SHELF_NOW);
	shelf_use(rules_store, "n-1", NODE_CONNECTED, SHELF_NOW);	/* in round 0, as all of them */
	shelf_use(rules_store, "n-2", NODE_CONNECTED, SHELF_NOW);
	shelf_use(rules_store, "n-3", NODE_CONNECTING, SHELF_NOW);
	rules_begin();
	ck_assert_int_eq(store_node_announced(rules_store, rules_get("n-2").row, 1), 0);
	ck_assert_int_eq(store_unannounced(rules_store, 1, SHELF_NOW), 1);
	rules_end();
	ck_assert_int_eq(rules_get("n-1").state, NODE_LOST);
	ck_assert_int_eq(rules_get("n-2").state, NODE_CONNECTED);
	ck_assert_int_eq(rules_get("n-3").state, NODE_CONNECTING);
	rules_begin();
	ck_assert_int_eq(store_unannounced(rules_store, 2, SHELF_NOW), 2);
	rules_end();
	ck_assert_int_eq(rules_get("n-3").state, NODE_NEVER);
}

const struct rule rules_use[] = {
	{ "a refused request leaves nothing behind", a_refused_request_leaves_nothing_behind },
	{ "without a guard nothing is undone", without_a_guard_nothing_is_undone },
	{ "what was not committed is lost", what_was_not_committed_is_lost },
	{ "a state may wait for the commit of others", a_state_may_wait_for_the_commit_of_others },
	{ "equal stamps are told apart", equal_stamps_are_told_apart },
	{ "the clock does not change the order", the_clock_does_not_change_the_order },
	{ "who is not announced is idle in the order of use",
	    who_is_not_announced_is_idle_in_the_order_of_use },
	{ "a round spares who is named and who just came", a_round_spares_who_is_named_and_who_just_came },
	{ NULL, NULL },
};
