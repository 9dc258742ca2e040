/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/reserve.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "tests/unit/ipamd/book.h"
#include "tests/unit/kit.h"

static struct book b;

static int
done(int rc)
{
	int commit;

	rc = ledger_answer(&b.ledger, rc);
	commit = ledger_commit(&b.ledger);
	return rc < 0 ? rc : commit;
}

static void
begin(void)
{
	b.err = (struct err){ 0 };
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
}

static int
reserve(const char *name, const char *address, struct reserve_view *out)
{
	begin();
	return done(reserve_address(&b.ledger, &(struct reserve_wish){ "", name, address }, out,
	    &b.err));
}

static int
release(const char *name, const char *address)
{
	struct reserve_view view;

	begin();
	return done(reserve_release(&b.ledger, &(struct reserve_wish){ "", name, address }, &view,
	    &b.err));
}

/* Nodes of the book are called "a node". */
#define NAME "a node"

START_TEST(the_address_is_known_before_there_is_a_node)
{
	struct reserve_view view;
	struct store_node n;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(reserve(NAME, "10.1.1.77", &view), 0);
	ck_assert_str_eq(view.node, "");
	book_restart(&b);
	n = book_enroll(&b);
	ck_assert_str_eq(IP_TEXT(&n.addr), "10.1.1.77");
	ck_assert(n.fixed);
	ck_assert_int_eq(reserve(NAME, "", &view), 0);	/* the same again */
	ck_assert_str_eq(view.node, n.id);
	n = book_enroll(&b);	/* of the same name: there is one address */
	ck_assert_str_eq(IP_TEXT(&n.addr), "10.1.1.2");
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

static const struct {
	const char *name, *address;
	int rc;
} wishes[] = {
	{ "db", "10.1.1.9", 0 },
	{ "db", "", 0 },
	{ "", "10.1.1.9", -REASON_FIELD_INVALID },
	{ "d\nb", "10.1.1.9", -REASON_FIELD_INVALID },
	{ "db", "10.1.1.0", -REASON_ADDRESS_INVALID },
	{ "db", "10.1.1.1", -REASON_ADDRESS_INVALID },
	{ "db", "10.1.1.255", -REASON_ADDRESS_INVALID },
	{ "db", "10.1.2.9", -REASON_ADDRESS_INVALID },
	{ "db", "fd00::9", -REASON_ADDRESS_INVALID },
	{ "db", "nine", -REASON_ADDRESS_INVALID },
	{ "db", "10.1.1.2", -REASON_ADDRESS_TAKEN },	/* a node's */
	{ "db", "10.1.1.3", -REASON_ADDRESS_TAKEN },	/* promised */
	{ "db", "10.1.1.4", -REASON_ADDRESS_TAKEN },	/* another name's */
	{ "had", "10.1.1.9", -REASON_ADDRESS_TAKEN },	/* has one */
};

START_TEST(an_address_is_kept_where_it_can_be)
{
	struct token_wish promise = { .network = "", .address = "10.1.1.3" };
	struct reserve_view view;
	struct token_view made;
	struct store_node n;

	book_init(&b, "10.1.1.1/24");
	n = book_enroll(&b);
	ck_assert_str_eq(IP_TEXT(&n.addr), "10.1.1.2");
	ck_assert_int_eq(book_token(&b, &promise, &made), 0);
	ck_assert_int_eq(reserve("had", "10.1.1.4", &view), 0);
	ck_assert_int_eq(reserve(wishes[_i].name, wishes[_i].address, &view), wishes[_i].rc);
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

START_TEST(the_same_again_in_other_words)
{
	struct reserve_view view;

	book_init(&b, "fd00::1/64");
	ck_assert_int_eq(reserve("db", "fd00::5", &view), 0);
	ck_assert_int_eq(reserve("db", "fd00:0:0::0005", &view), 0);
	ck_assert_int_eq(reserve("db", "fd00::6", &view), -REASON_ADDRESS_TAKEN);
	ck_assert_int_eq(release("", "FD00::5"), 0);
	ck_assert_int_eq(release("", "fd00::5"), -REASON_ADDRESS_UNKNOWN);
	book_fini(&b);
}
END_TEST

/* A /29 has five addresses. Who has a reserved one is not reclaimed, and is when it is released. */
START_TEST(who_has_a_reserved_address_keeps_it)
{
	struct reserve_view view;
	struct store_node n[5], more;
	struct lease lease;

	book_init(&b, "10.1.1.1/29");
	for (unsigned i = 0; i < 5; i++) {
		lease = book_connect(&b, &n[i]);
		b.now_s++;
		ck_assert_int_eq(book_report(&b, n[i].id, lease.epoch, NODE_IDLE), 0);
	}
	book_sync(&b);
	ck_assert_int_eq(reserve(NAME, "10.1.1.2", &view), 0);
	ck_assert_str_eq(view.node, n[0].id);
	ck_assert(book_get(&b, n[0].id).fixed);
	more = book_enroll(&b);
	ck_assert_str_eq(IP_TEXT(&more.addr), "10.1.1.3");
	ck_assert_int_eq(release("", ""), -REASON_FIELD_INVALID);
	ck_assert_int_eq(release(NAME, "10.1.1.2"), -REASON_FIELD_INVALID);
	ck_assert_int_eq(release(NAME, ""), 0);
	ck_assert_str_eq(BOOK_ADDR(&b, n[0].id), "10.1.1.2");
	ck_assert(!book_get(&b, n[0].id).fixed);
	ck_assert_int_eq(release(NAME, ""), -REASON_ADDRESS_UNKNOWN);
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

START_TEST(a_promise_ends_with_its_token_only)
{
	struct token_wish promise = { .network = "", .address = "10.1.1.3" };
	struct token_view made;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(book_token(&b, &promise, &made), 0);
	ck_assert_int_eq(release("", "10.1.1.3"), -REASON_ADDRESS_TAKEN);
	book_fini(&b);
}
END_TEST

/* What was a node's rests; who says so has it at once. */
START_TEST(a_rest_can_be_ended)
{
	struct reserve_view view;
	struct store_node n;

	book_init(&b, "10.1.1.1/24");
	b.conf.pool_quarantine_ms = 3600 * 1000;
	book_connect(&b, &n);
	ck_assert_int_eq(book_delete(&b, n.id), 0);
	ck_assert_int_eq(reserve("db", "10.1.1.2", &view), -REASON_ADDRESS_TAKEN);
	ck_assert_ptr_nonnull(strstr(b.err.text, "rests until"));
	ck_assert_int_eq(release("", "10.1.1.2"), 0);
	ck_assert_int_eq(reserve("db", "10.1.1.2", &view), 0);
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("reserve");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_address_is_known_before_there_is_a_node);
	KIT_ROWS(tc, an_address_is_kept_where_it_can_be, wishes);
	tcase_add_test(tc, the_same_again_in_other_words);
	tcase_add_test(tc, who_has_a_reserved_address_keeps_it);
	tcase_add_test(tc, a_promise_ends_with_its_token_only);
	tcase_add_test(tc, a_rest_can_be_ended);
	return kit_run("ipamd/reserve", tc);
}
