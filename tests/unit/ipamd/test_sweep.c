/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/sweep.h"

#include <check.h>
#include <string.h>

#include "tests/unit/ipamd/book.h"
#include "tests/unit/kit.h"

static struct book b;

static struct sweep
sweep(void)
{
	struct sweep done = { 0 };

	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger, sweep_step(&b.ledger, &done)), 0);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	return done;
}

START_TEST(what_is_over_goes_with_its_addresses)
{
	struct token_wish promise = { .network = "", .address = "10.1.1.77", .life_s = BOOK_TTL_S };
	struct token_wish longer = { .network = "", .address = "", .life_s = 10 * BOOK_TTL_S };
	struct token_view made, late;
	struct store_node never, came;
	struct token_node t;
	struct sweep done;

	book_init(&b, "10.1.1.1/24");
	never = book_enroll(&b);
	book_connect(&b, &came);
	ck_assert_int_eq(book_token(&b, &promise, &made), 0);
	ck_assert_int_eq(book_token(&b, &longer, &late), 0);
	ck_assert_uint_eq(pool_used(b.ledger.nets[0].pool), 3);

	b.now_s += BOOK_TTL_S - 1;
	done = sweep();
	ck_assert_uint_eq(done.expired.tokens + done.expired.nodes, 0);
	b.now_s += 1;
	done = sweep();	/* two used tokens and the promise; the node has another second */
	ck_assert_uint_eq(done.expired.tokens, 3);
	ck_assert_uint_eq(done.expired.nodes, 0);
	book_check_pool(&b);
	b.now_s += 1;
	done = sweep();
	ck_assert_uint_eq(done.expired.tokens, 0);
	ck_assert_uint_eq(done.expired.nodes, 1);
	ck_assert(!done.more);
	ck_assert(!book_has(&b, never.id));
	ck_assert(book_has(&b, came.id));
	ck_assert(book_has(&b, LEDGER_RESERVED));
	ck_assert_uint_eq(pool_used(b.ledger.nets[0].pool), 1);
	book_check_pool(&b);
	ck_assert_int_eq(book_redeem(&b, late.secret, 7, &t), 0);	/* lives on */
	ck_assert_str_eq(IP_TEXT(&t.node.addr), "10.1.1.2");
	b.now_s += 100 * BOOK_TTL_S;
	sweep();
	ck_assert(book_has(&b, LEDGER_RESERVED) && book_has(&b, came.id));
	book_fini(&b);
}
END_TEST

START_TEST(a_token_that_is_used_up_takes_no_address_with_it)
{
	struct token_wish wish = { .network = "", .address = "10.1.1.9", .life_s = 10 };
	struct token_view made;
	struct token_node t;
	struct lease lease;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(book_token(&b, &wish, &made), 0);
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &t), 0);
	ck_assert_int_eq(book_attach(&b, &t.node, &lease), 0);
	b.now_s += BOOK_TTL_S;
	ck_assert_uint_eq(sweep().expired.tokens, 1);
	ck_assert(pool_taken(b.ledger.nets[0].pool, &t.node.addr));
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

START_TEST(many_go_in_batches)
{
	struct store_node n = { .net = STORE_NET_DEFAULT };
	const unsigned total = 2 * EXPIRE_BATCH + EXPIRE_BATCH / 2;
	struct sweep done = { .more = true };
	unsigned nodes = 0, steps = 0;

	book_init(&b, "10.1.0.1/16");
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	for (unsigned i = 0; i < total; i++) {
		snprintf(n.id, sizeof(n.id), "n-%u", i);
		snprintf(n.token, sizeof(n.token), "t-%u", i);
		ck_assert_int_eq(pool_next(b.ledger.nets[0].pool, &n.addr), 0);
		ck_assert_int_eq(store_node_add(b.ledger.store, &n, b.now_s), 0);
		pool_mark(b.ledger.nets[0].pool, &n.addr);
	}
	ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	b.now_s += BOOK_TTL_S + 1;
	while (done.more) {
		done = sweep();
		ck_assert_uint_le(done.expired.nodes, EXPIRE_BATCH);
		nodes += done.expired.nodes;
		steps++;
	}
	ck_assert_uint_eq(nodes, total);
	ck_assert_uint_eq(steps, 3);
	ck_assert_uint_eq(pool_used(b.ledger.nets[0].pool), 0);
	book_fini(&b);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("sweep");

	tcase_set_timeout(tc, 60);	/* every commit waits for the disk */
	tcase_add_test(tc, what_is_over_goes_with_its_addresses);
	tcase_add_test(tc, a_token_that_is_used_up_takes_no_address_with_it);
	tcase_add_test(tc, many_go_in_batches);
	return kit_run("ipamd/sweep", tc);
}
