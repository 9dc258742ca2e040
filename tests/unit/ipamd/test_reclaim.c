/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/lease.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ipamd/sweep.h"
#include "tests/unit/ipamd/book.h"
#include "tests/unit/kit.h"

/* A network is full, or about to be: who gives an address back, and when. */

#define AHEAD_S (10 * 365 * 24 * 3600)

static struct book b;

/* Fills the small network; the nodes leave in the order of `order`, a second apart. */
static void
fill(struct store_node n[BOOK_SMALL_N], const char *order)
{
	struct lease lease[BOOK_SMALL_N];

	for (unsigned i = 0; i < BOOK_SMALL_N; i++)
		lease[i] = book_connect(&b, &n[i]);
	for (const char *c = order; *c != '\0'; c++) {
		unsigned i = (unsigned) (*c - '0');

		b.now_s++;
		ck_assert_int_eq(book_report(&b, n[i].id, lease[i].epoch, NODE_IDLE), 0);
	}
}

/* A token's node, as tunneld and ctld would bring it about. */
static int
enroll(struct token_node *out)
{
	struct token_wish wish = { .network = "", .address = "" };
	struct token_view made;

	ck_assert_int_eq(book_token(&b, &wish, &made), 0);
	return book_redeem(&b, made.secret, 9, out);
}

static void
sweep(void)
{
	struct sweep done;

	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger, sweep_step(&b.ledger, &done)), 0);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
}

/* Returns the numbers of those who went, as digits, or "!" with why not in *rc. Static storage. */
static const char *
reclaim(const struct store_node n[BOOK_SMALL_N], size_t max, int64_t least_idle_s, int *rc)
{
	static char who[BOOK_SMALL_N + 1];
	struct lease_victims v = { .n = 0 };
	size_t i;

	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	*rc = ledger_answer(&b.ledger, lease_reclaim(&b.ledger, "", max, least_idle_s, &v, &b.err));
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	book_check_pool(&b);
	for (i = 0; i < v.n; i++) {
		unsigned k = 0;

		while (k < BOOK_SMALL_N - 1 && strcmp(n[k].id, v.victims[i].node.id) != 0)
			k++;
		who[i] = (char) ('0' + k);
		ck_assert(!book_has(&b, n[k].id));
	}
	who[i] = '\0';
	free(v.victims);
	return *rc < 0 ? "!" : who;
}

START_TEST(addresses_can_be_reclaimed_before_they_are_needed)
{
	struct store_node n[BOOK_SMALL_N];
	struct lease lease;
	int rc;

	book_init(&b, BOOK_SMALL);
	fill(n, "3140");
	ck_assert_str_eq(reclaim(n, 1, 0, &rc), "!");	/* who is idle is not known yet */
	ck_assert_int_eq(rc, -REASON_IPAM_DOWN);
	book_sync(&b);
	ck_assert_str_eq(reclaim(n, 0, 0, &rc), "!");
	ck_assert_int_eq(rc, -REASON_FIELD_INVALID);
	ck_assert_str_eq(reclaim(n, LEASE_VICTIMS_MAX + 1, 0, &rc), "!");
	ck_assert_str_eq(reclaim(n, 5, 4, &rc), "");	/* the oldest left 3 s ago */
	ck_assert_str_eq(reclaim(n, 1, 3, &rc), "3");
	ck_assert_str_eq(reclaim(n, 5, 2, &rc), "1");
	ck_assert_str_eq(reclaim(n, 5, 0, &rc), "40");
	ck_assert_str_eq(reclaim(n, 5, 0, &rc), "");	/* who is left is live */
	ck_assert_int_eq(book_attach(&b, &n[3], &lease), -REASON_NODE_RECLAIMED);
	ck_assert_str_eq(book_sql("select count(*) from events where kind=6"), "4");
	book_fini(&b);
}
END_TEST

START_TEST(the_configured_times_hold_for_it_as_well)
{
	struct store_node n[BOOK_SMALL_N];
	int rc;

	book_init(&b, BOOK_SMALL);
	b.conf.pool_reclaim_min_idle_ms = 10000;
	b.conf.pool_quarantine_ms = 5000;
	fill(n, "01");
	book_sync(&b);
	b.now_s += 9;
	ck_assert_str_eq(reclaim(n, 5, 0, &rc), "0");
	b.now_s += 1;
	ck_assert_str_eq(reclaim(n, 5, 0, &rc), "1");
	book_fini(&b);
}
END_TEST

static const struct {
	const char *order;	/* of leaving */
	const char *victims;	/* of the enrollments after that */
} orders[] = { { "0", "0" }, { "4", "4" }, { "314", "314" }, { "43210", "43210" } };

START_TEST(the_one_that_is_idle_for_longest_goes)
{
	struct store_node n[BOOK_SMALL_N];
	struct token_node made;
	const char *v;

	book_init(&b, BOOK_SMALL);
	fill(n, orders[_i].order);
	book_sync(&b);
	for (v = orders[_i].victims; *v != '\0'; v++) {
		const struct store_node *victim = &n[*v - '0'];
		struct lease lease;

		b.now_s += 5;
		ck_assert_int_eq(enroll(&made), 0);
		ck_assert_str_eq(made.change.victim, victim->id);
		ck_assert(ip_equal(&made.node.addr, &victim->addr));
		ck_assert(!book_has(&b, victim->id));
		ck_assert_int_eq(book_attach(&b, victim, &lease), -REASON_NODE_RECLAIMED);
		ck_assert_int_eq(book_attach(&b, &made.node, &lease), 0);
		book_check_pool(&b);
	}
	ck_assert_int_eq(made.change.victim_idle_s, 5 * (v - orders[_i].victims) +
	    (int64_t) strlen(orders[_i].order) - (v - orders[_i].victims));
	/* All that are left are live. */
	if (orders[_i].order[1] == '\0')
		ck_assert_int_eq(enroll(&made), -REASON_POOL_EXHAUSTED);
	book_fini(&b);
}
END_TEST

START_TEST(the_order_holds_when_the_clock_goes_back)
{
	struct store_node n[BOOK_SMALL_N];
	struct token_node made;
	struct lease lease;

	book_init(&b, BOOK_SMALL);
	fill(n, "01234");
	b.now_s -= 7200;
	ck_assert_int_eq(book_attach(&b, &n[0], &lease), 0);
	ck_assert_int_eq(book_report(&b, n[0].id, lease.epoch, NODE_IDLE), 0);
	book_restart(&b);
	book_sync(&b);
	ck_assert_int_eq(enroll(&made), 0);
	ck_assert_str_eq(made.change.victim, n[1].id);
	book_fini(&b);
}
END_TEST

START_TEST(a_live_node_is_never_reclaimed)
{
	struct store_node n[BOOK_SMALL_N];
	struct token_node made;

	book_init(&b, BOOK_SMALL);
	fill(n, "");
	book_sync(&b);
	b.now_s += 1000000;
	ck_assert_int_eq(enroll(&made), -REASON_POOL_EXHAUSTED);
	ck_assert_ptr_nonnull(strstr(b.err.text, "10.1.1.1/29"));
	for (unsigned i = 0; i < BOOK_SMALL_N; i++)
		ck_assert_int_eq(book_get(&b, n[i].id).state, NODE_CONNECTED);
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

START_TEST(nobody_goes_before_sessions_were_announced)
{
	struct store_node n[BOOK_SMALL_N], fresh;
	struct token_node made;
	struct lease lease;

	book_init(&b, BOOK_SMALL);
	fill(n, "01234");
	ck_assert_int_eq(enroll(&made), -REASON_IPAM_DOWN);
	/* Those that need no reclaim come in. */
	ck_assert_int_eq(book_attach(&b, &n[2], &lease), 0);
	ck_assert_int_eq(book_delete(&b, n[4].id), 0);
	fresh = book_enroll(&b);
	ck_assert(ip_equal(&fresh.addr, &n[4].addr));
	book_sync(&b);
	ck_assert_int_eq(enroll(&made), 0);
	ck_assert_str_eq(made.change.victim, n[0].id);
	book_restart(&b);
	ck_assert_int_eq(enroll(&made), -REASON_IPAM_DOWN);
	book_fini(&b);
}
END_TEST

START_TEST(a_network_may_refuse_instead)
{
	struct store_node n[BOOK_SMALL_N];
	struct token_node made;

	book_init(&b, BOOK_SMALL);
	fill(n, "01234");
	book_sync(&b);
	b.conf.pool_on_exhausted = CONF_EXHAUSTED_REFUSE;
	ck_assert_int_eq(enroll(&made), -REASON_POOL_EXHAUSTED);
	ck_assert(book_has(&b, n[0].id));
	b.conf.pool_on_exhausted = CONF_EXHAUSTED_RECLAIM;
	ck_assert_int_eq(enroll(&made), 0);
	book_fini(&b);
}
END_TEST

START_TEST(a_node_is_idle_for_a_while_first)
{
	struct store_node n[BOOK_SMALL_N];
	struct token_node made;

	book_init(&b, BOOK_SMALL);
	b.conf.pool_reclaim_min_idle_ms = 60 * 1000;
	fill(n, "3");
	book_sync(&b);
	b.now_s += 59;
	ck_assert_int_eq(enroll(&made), -REASON_POOL_EXHAUSTED);
	ck_assert_ptr_nonnull(strstr(b.err.text, "reclaimMinIdle"));
	b.now_s += 1;
	ck_assert_int_eq(enroll(&made), 0);
	ck_assert_str_eq(made.change.victim, n[3].id);
	ck_assert_int_eq(made.change.victim_idle_s, 60);
	book_fini(&b);
}
END_TEST

/* Years ahead, as of a machine whose battery is empty, until somebody sets it right. */
START_TEST(a_clock_that_was_ahead_holds_nobody_up_for_longer)
{
	struct store_node n[BOOK_SMALL_N];
	struct token_node made;

	book_init(&b, BOOK_SMALL);
	b.conf.pool_reclaim_min_idle_ms = 60 * 1000;
	b.now_s += AHEAD_S;
	fill(n, "3");
	book_sync(&b);
	b.now_s -= AHEAD_S;
	if (_i == 1)
		book_restart(&b);
	book_sync(&b);
	ck_assert_int_eq(enroll(&made), -REASON_POOL_EXHAUSTED);
	b.now_s += 59;
	ck_assert_int_eq(enroll(&made), -REASON_POOL_EXHAUSTED);
	b.now_s += 1;
	ck_assert_int_eq(enroll(&made), 0);
	ck_assert_str_eq(made.change.victim, n[3].id);
	ck_assert_int_eq(made.change.victim_idle_s, 60);
	book_fini(&b);
}
END_TEST

START_TEST(an_address_does_not_rest_for_longer_either)
{
	struct store_node n[BOOK_SMALL_N];
	struct token_node made;

	book_init(&b, BOOK_SMALL);
	b.conf.pool_quarantine_ms = 60 * 1000;
	b.now_s += AHEAD_S;
	fill(n, "");
	book_sync(&b);
	ck_assert_int_eq(book_delete(&b, n[2].id), 0);
	b.now_s -= AHEAD_S;
	if (_i == 1)
		book_restart(&b);
	book_sync(&b);
	ck_assert_int_eq(enroll(&made), -REASON_POOL_EXHAUSTED);
	ck_assert_int_eq(enroll(&made), -REASON_POOL_EXHAUSTED);
	sweep();
	b.now_s += 59;
	ck_assert_int_eq(enroll(&made), -REASON_POOL_EXHAUSTED);
	b.now_s += 1;
	ck_assert_int_eq(enroll(&made), 0);
	ck_assert(ip_equal(&made.node.addr, &n[2].addr));
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

START_TEST(a_refused_enrollment_costs_nothing)
{
	struct token_wish wish = { .network = "", .address = "" };
	struct store_node n[BOOK_SMALL_N];
	struct token_view made;
	struct token_node node;

	book_init(&b, BOOK_SMALL);
	fill(n, "");
	book_sync(&b);
	ck_assert_int_eq(book_token(&b, &wish, &made), 0);
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &node), -REASON_POOL_EXHAUSTED);
	ck_assert_int_eq(book_delete(&b, n[1].id), 0);
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &node), 0);
	ck_assert(ip_equal(&node.node.addr, &n[1].addr));
	book_fini(&b);
}
END_TEST

START_TEST(the_reserved_one_is_not_reclaimed)
{
	struct store_node reserved = { .id = LEDGER_RESERVED, .token = LEDGER_RESERVED };
	struct store_node n[BOOK_SMALL_N];
	struct token_node made;
	struct lease lease;

	book_init(&b, BOOK_SMALL);
	ck_assert_int_eq(book_attach(&b, &reserved, &lease), 0);
	ck_assert_int_eq(book_report(&b, LEDGER_RESERVED, lease.epoch, NODE_IDLE), 0);
	b.now_s += 3600;
	for (unsigned i = 0; i < BOOK_SMALL_N - 1; i++)
		book_connect(&b, &n[i]);
	book_sync(&b);
	ck_assert_int_eq(enroll(&made), -REASON_POOL_EXHAUSTED);
	book_fini(&b);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("reclaim");

	tcase_set_timeout(tc, 60);	/* every commit waits for the disk */
	KIT_ROWS(tc, the_one_that_is_idle_for_longest_goes, orders);
	tcase_add_test(tc, addresses_can_be_reclaimed_before_they_are_needed);
	tcase_add_test(tc, the_configured_times_hold_for_it_as_well);
	tcase_add_test(tc, the_order_holds_when_the_clock_goes_back);
	tcase_add_test(tc, a_live_node_is_never_reclaimed);
	tcase_add_test(tc, nobody_goes_before_sessions_were_announced);
	tcase_add_test(tc, a_network_may_refuse_instead);
	tcase_add_test(tc, a_node_is_idle_for_a_while_first);
	/* While ipamd runs, and while it does not. */
	tcase_add_loop_test(tc, a_clock_that_was_ahead_holds_nobody_up_for_longer, 0, 2);
	tcase_add_loop_test(tc, an_address_does_not_rest_for_longer_either, 0, 2);
	tcase_add_test(tc, a_refused_enrollment_costs_nothing);
	tcase_add_test(tc, the_reserved_one_is_not_reclaimed);
	return kit_run("ipamd/reclaim", tc);
}
