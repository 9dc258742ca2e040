/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/node.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "tests/unit/ipamd/book.h"
#include "tests/unit/kit.h"

static struct book b;

static int
list(int64_t after, size_t size, struct node_page *out)
{
	int rc;

	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	rc = ledger_answer(&b.ledger, node_list(&b.ledger, after, size, out));
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	return rc;
}

static const struct {
	size_t nodes, size;	/* besides the reserved one */
	size_t pages;
} lists[] = {
	{ 0, 1, 1 }, { 3, 1, 4 }, { 3, 2, 2 }, { 3, 4, 1 }, { 3, 5, 1 }, { 3, 0, 1 },
	{ 100, 0, 2 }, { 30, 7, 5 },
};

START_TEST(pages_hold_every_node_once_in_order)
{
	char ids[128][PKI_ID_MAX + 1];
	struct node_page page = { .next = 0 };
	size_t n = 1, pages = 0;

	book_init(&b, "10.1.1.1/24");
	strcpy(ids[0], LEDGER_RESERVED);
	for (size_t i = 0; i < lists[_i].nodes; i++)
		strcpy(ids[i + 1], book_enroll(&b).id);
	n = 0;
	do {
		ck_assert_int_eq(list(page.next, lists[_i].size, &page), 0);
		for (size_t i = 0; i < page.n; i++)
			ck_assert_str_eq(page.nodes[i].id, ids[n++]);
		free(page.nodes);
		pages++;
	} while (page.next != 0);
	ck_assert_uint_eq(n, lists[_i].nodes + 1);
	ck_assert_uint_eq(pages, lists[_i].pages);
	book_fini(&b);
}
END_TEST

START_TEST(a_page_has_a_largest_size)
{
	struct node_page page;
	struct store_node n = { .net = STORE_NET_DEFAULT };

	book_init(&b, "10.0.0.1/8");
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	for (unsigned i = 0; i < NODE_PAGE_MAX + 10; i++) {
		snprintf(n.id, sizeof(n.id), "n-%u", i);
		snprintf(n.token, sizeof(n.token), "t-%u", i);
		ck_assert_int_eq(store_node_add(b.ledger.store, &n, b.now_s), 0);
	}
	ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	ck_assert_int_eq(list(0, SIZE_MAX, &page), 0);
	ck_assert_uint_eq(page.n, NODE_PAGE_MAX);
	ck_assert_int_ne(page.next, 0);
	free(page.nodes);
	book_fini(&b);
}
END_TEST

START_TEST(a_page_goes_on_where_its_last_node_was_deleted)
{
	struct node_page page;
	char last[PKI_ID_MAX + 1];

	book_init(&b, "10.1.1.1/24");
	for (int i = 0; i < 4; i++)
		book_enroll(&b);
	ck_assert_int_eq(list(0, 3, &page), 0);
	strcpy(last, page.nodes[2].id);
	free(page.nodes);
	ck_assert_int_eq(book_delete(&b, last), 0);
	ck_assert_int_eq(list(page.next, 3, &page), 0);
	ck_assert_uint_eq(page.n, 2);
	ck_assert_int_eq(page.next, 0);
	free(page.nodes);
	ck_assert_int_eq(list(INT64_MAX, 3, &page), 0);
	ck_assert_uint_eq(page.n, 0);
	free(page.nodes);
	book_fini(&b);
}
END_TEST

START_TEST(deleting_frees_the_address_and_the_token)
{
	struct store_node n, other;
	struct lease lease;
	uint64_t epoch = 0;

	book_init(&b, "10.1.1.1/24");
	lease = book_connect(&b, &n);
	book_connect(&b, &other);
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger, node_delete(&b.ledger, n.id, &epoch)), 0);
	ck_assert_int_eq(ledger_due(&b.ledger), STORE_NOW);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	ck_assert_uint_ge(epoch, lease.epoch);
	ck_assert_uint_eq(epoch, b.ledger.epoch);
	book_check_pool(&b);
	ck_assert(!book_has(&b, n.id));
	ck_assert_int_eq(book_attach(&b, &n, &lease), -REASON_TOKEN_UNKNOWN);
	ck_assert_int_eq(book_report(&b, n.id, epoch, NODE_CONNECTED), -REASON_NODE_UNKNOWN);
	ck_assert_int_eq(book_delete(&b, n.id), -REASON_NODE_UNKNOWN);
	ck_assert_str_eq(IP_TEXT(&n.addr), "10.1.1.2");
	n = book_enroll(&b);
	ck_assert_str_eq(IP_TEXT(&n.addr), "10.1.1.2");
	book_restart(&b);
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

static const char *const strangers[] = { "", "n-nobody", "reserver", "reserverdd", "' or 1=1 --",
	"0123456789012345678901234567890123456789012345678901234567890123456789" };

START_TEST(nobody_is_not_found)
{
	struct store_node n = { .row = 77 };
	uint64_t epoch = 77;

	book_init(&b, "10.1.1.1/24");
	book_enroll(&b);
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(node_get(&b.ledger, strangers[_i], &n), -REASON_NODE_UNKNOWN);
	ck_assert_int_eq(node_delete(&b.ledger, strangers[_i], &epoch), -REASON_NODE_UNKNOWN);
	ck_assert_int_eq(ledger_answer(&b.ledger, -REASON_NODE_UNKNOWN), -REASON_NODE_UNKNOWN);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	ck_assert_int_eq(n.row, 77);
	ck_assert_uint_eq(epoch, 77);
	book_fini(&b);
}
END_TEST

START_TEST(info_counts)
{
	struct store_node n[3];
	struct node_info info;
	struct lease lease;

	book_init(&b, "10.1.1.1/24");
	for (unsigned i = 0; i < 3; i++)
		lease = book_connect(&b, &n[i]);
	ck_assert_int_eq(book_report(&b, n[2].id, lease.epoch, NODE_LOST), 0);
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(node_info(&b.ledger, &info), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
	ck_assert_int_eq(ledger_due(&b.ledger), STORE_NOTHING);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	ck_assert_str_eq(PREFIX_TEXT(&info.prefix), "10.1.1.1/24");
	ck_assert_uint_eq(info.addresses, 253);
	ck_assert_uint_eq(info.counts.nodes, 4);
	ck_assert_uint_eq(info.counts.bound, 3);
	ck_assert_uint_eq(info.counts.connected, 2);
	ck_assert_int_eq(info.started_s, BOOK_START_S);
	ck_assert(!info.synced);
	book_fini(&b);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("node");

	tcase_set_timeout(tc, 60);	/* every commit waits for the disk */
	KIT_ROWS(tc, pages_hold_every_node_once_in_order, lists);
	tcase_add_test(tc, a_page_has_a_largest_size);
	tcase_add_test(tc, a_page_goes_on_where_its_last_node_was_deleted);
	tcase_add_test(tc, deleting_frees_the_address_and_the_token);
	KIT_ROWS(tc, nobody_is_not_found, strangers);
	tcase_add_test(tc, info_counts);
	return kit_run("ipamd/node", tc);
}
