/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/reserve.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ipamd/node.h"
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

/* --- listing ---------------------------------------------------------------------------------- */

/* All pages of that size, as "ADDRESS KIND NODE" in a line each. Static storage. */
static const char *
list(bool kept_only, size_t size)
{
	static char text[4096];
	struct reserve_page page = { .next = 0 };

	text[0] = '\0';
	do {
		ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
		ck_assert_int_eq(reserve_list(&b.ledger, "", kept_only, page.next, size, &page), 0);
		ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
		ck_assert_uint_le(page.n, size);
		for (size_t i = 0; i < page.n; i++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s %d %s\n",
			    IP_TEXT(&page.holds[i].hold.addr), page.holds[i].hold.kind,
			    page.holds[i].node[0] == '\0' ? "-" : "n");
		free(page.holds);
	} while (page.next != 0);
	return text;
}

static const size_t sizes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 100 };

START_TEST(each_address_that_is_not_free_is_listed_once)
{
	struct token_wish wish = { .network = "", .address = "10.1.1.100" };
	struct reserve_view view;
	struct token_view made;

	book_init(&b, "10.1.1.1/24");
	for (unsigned i = 0; i < 5; i++)
		book_enroll(&b);	/* .2 to .6, all called "a node" */
	ck_assert_int_eq(reserve(NAME, "10.1.1.4", &view), 0);
	ck_assert_int_eq(book_token(&b, &wish, &made), 0);
	ck_assert_int_eq(reserve("printer", "10.1.1.50", &view), 0);
	ck_assert_str_eq(list(true, sizes[_i]),
	    "10.1.1.4 2 n\n10.1.1.100 1 -\n10.1.1.50 2 -\n");
	ck_assert_str_eq(list(false, sizes[_i]),
	    "10.1.1.4 2 n\n10.1.1.100 1 -\n10.1.1.50 2 -\n"
	    "10.1.1.2 0 n\n10.1.1.3 0 n\n10.1.1.5 0 n\n10.1.1.6 0 n\n");
	book_fini(&b);
}
END_TEST

START_TEST(more_nodes_than_are_read_at_once)
{
	const char *text;
	unsigned lines = 0;

	book_init(&b, "10.1.1.1/24");
	for (unsigned i = 0; i < 150; i++)
		book_enroll(&b);
	for (text = list(false, 70); *text != '\0'; text++)
		lines += *text == '\n';
	ck_assert_uint_eq(lines, 150);
	book_fini(&b);
}
END_TEST

START_TEST(a_network_must_be_there)
{
	struct reserve_page page;

	book_init(&b, "10.1.1.1/24");
	ck_assert_str_eq(list(false, 1), "");
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(reserve_list(&b.ledger, "nowhere", false, 0, 1, &page),
	    -REASON_NETWORK_UNKNOWN);
	ck_assert_int_eq(reserve_list(&b.ledger, "", false, INT64_MAX, 1, &page), 0);
	ck_assert_uint_eq(page.n, 0);
	free(page.holds);
	ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
	book_fini(&b);
}
END_TEST

/* Its name is not what it is reserved for any more, but it has the address. */
START_TEST(who_is_renamed_keeps_its_address)
{
	struct node_wish wish = { .rename = true, .display_name = "other" };
	struct reserve_view view;
	struct node_noted noted;
	struct store_node n;

	book_init(&b, "10.1.1.1/24");
	n = book_enroll(&b);
	ck_assert_int_eq(reserve(NAME, IP_TEXT(&n.addr), &view), 0);
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(node_update(&b.ledger, n.id, &wish, &noted, &b.err), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	ck_assert(noted.node.fixed && ip_equal(&noted.node.addr, &n.addr));
	node_notes_fini(&noted.notes);
	ck_assert_str_eq(list(true, 9), "10.1.1.2 2 n\n");
	ck_assert_str_eq(BOOK_ADDR(&b, book_enroll(&b).id), "10.1.1.3");	/* of the old name */
	ck_assert_int_eq(book_delete(&b, n.id), 0);
	ck_assert_str_eq(BOOK_ADDR(&b, book_enroll(&b).id), "10.1.1.2");	/* now it is free for it */
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
	KIT_ROWS(tc, each_address_that_is_not_free_is_listed_once, sizes);
	tcase_add_test(tc, more_nodes_than_are_read_at_once);
	tcase_add_test(tc, a_network_must_be_there);
	tcase_add_test(tc, who_is_renamed_keeps_its_address);
	return kit_run("ipamd/reserve", tc);
}
