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
	rc = ledger_answer(&b.ledger, node_list(&b.ledger, "", after, size, out));
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
		node_page_fini(&page);
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
	node_page_fini(&page);
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
	node_page_fini(&page);
	ck_assert_int_eq(book_delete(&b, last), 0);
	ck_assert_int_eq(list(page.next, 3, &page), 0);
	ck_assert_uint_eq(page.n, 2);
	ck_assert_int_eq(page.next, 0);
	node_page_fini(&page);
	ck_assert_int_eq(list(INT64_MAX, 3, &page), 0);
	ck_assert_uint_eq(page.n, 0);
	node_page_fini(&page);
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
	struct node_noted n = { .node = { .row = 77 } };
	struct node_wish wish = { .rename = true, .display_name = "x" };
	uint64_t epoch = 77;

	book_init(&b, "10.1.1.1/24");
	book_enroll(&b);
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(node_get(&b.ledger, strangers[_i], &n), -REASON_NODE_UNKNOWN);
	ck_assert_int_eq(node_update(&b.ledger, strangers[_i], &wish, &n, &b.err),
	    -REASON_NODE_UNKNOWN);
	ck_assert_int_eq(node_delete(&b.ledger, strangers[_i], &epoch), -REASON_NODE_UNKNOWN);
	ck_assert_int_eq(ledger_answer(&b.ledger, -REASON_NODE_UNKNOWN), -REASON_NODE_UNKNOWN);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	ck_assert_int_eq(n.node.row, 77);
	ck_assert_uint_eq(epoch, 77);
	book_fini(&b);
}
END_TEST

/* --- names and labels ------------------------------------------------------------------------- */

/* Changes a node, and returns the labels that it has then. Static storage. */
static const char *
update(const char *id, const struct node_wish *wish, int rc)
{
	static char text[STORE_LABELS_MAX + 1];
	struct node_noted n = { 0 };

	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger, node_update(&b.ledger, id, wish, &n, &b.err)), rc);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	snprintf(text, sizeof(text), "%s", node_notes_of(&n.notes, n.node.row));
	node_notes_fini(&n.notes);
	return text;
}

START_TEST(a_node_has_a_name_and_labels)
{
	const struct label_text two[] = { { "site", "b" }, { "rack", "7" } };
	char *drop[] = { (char *) "site", (char *) "none" };
	struct node_wish set = { .set = two, .nset = 2 };
	struct node_wish name = { .rename = true, .display_name = "edge-9", .drop = drop,
		.ndrop = 2 };
	struct node_wish all = { .drop_all = true, .set = two, .nset = 1 };
	struct store_node before, after;
	struct lease lease;

	book_init(&b, "10.1.1.1/24");
	lease = book_connect(&b, &before);
	before = book_get(&b, before.id);
	ck_assert_str_eq(update(before.id, &set, 0), "rack=7\nsite=b\n");
	ck_assert_str_eq(book_get(&b, before.id).display_name, "a node");
	ck_assert_str_eq(update(before.id, &name, 0), "rack=7\n");
	ck_assert_str_eq(update(before.id, &all, 0), "site=b\n");
	book_restart(&b);
	after = book_get(&b, before.id);
	ck_assert_str_eq(after.display_name, "edge-9");
	ck_assert(ip_equal(&after.addr, &lease.addr.addr));
	ck_assert_int_eq(after.use, before.use);	/* it was no use of it */
	ck_assert_str_eq(update(before.id, &(struct node_wish){ 0 }, 0), "site=b\n");
	ck_assert_str_eq(book_sql("select kind, node_id, detail from events order by revision desc"),
	    (snprintf(b.err.text, sizeof(b.err.text), "12|%s|labels=1 name=edge-9", before.id),
	    b.err.text));
	book_fini(&b);
}
END_TEST

static const struct {
	const char *name, *key, *value;
} wrong[] = {
	{ "\n", "a", "b" },
	{ "0123456789012345678901234567890123456789012345678901234567890123", "a", "b" },
	{ "x", "", "b" }, { "x", "A", "b" }, { "x", "a=b", "" }, { "x", "-a", "" },
	{ "x", "a", "\xff" }, { "x", "a", "\n" },
};

START_TEST(a_wrong_name_or_label_changes_nothing)
{
	const struct label_text set[] = { { "good", "1" }, { wrong[_i].key, wrong[_i].value } };
	struct node_wish wish = { .rename = true, .display_name = wrong[_i].name, .set = set,
		.nset = 2 };
	struct store_node n;

	book_init(&b, "10.1.1.1/24");
	n = book_enroll(&b);
	update(n.id, &wish, -REASON_FIELD_INVALID);
	ck_assert_str_eq(book_get(&b, n.id).display_name, "a node");
	ck_assert_str_eq(update(n.id, &(struct node_wish){ 0 }, 0), "");
	book_fini(&b);
}
END_TEST

START_TEST(a_page_shows_labels_and_one_network)
{
	const struct label_text set = { "k", "v" };
	struct node_wish wish = { .set = &set, .nset = 1 };
	struct node_page page;
	char last[PKI_ID_MAX + 1] = "";

	book_init(&b, "10.1.1.1/24");
	for (int i = 0; i < 3; i++)
		strcpy(last, book_enroll(&b).id);
	update(last, &wish, 0);
	ck_assert_int_eq(list(0, 9, &page), 0);
	ck_assert_str_eq(node_notes_of(&page.notes, page.nodes[3].row), "k=v\n");
	ck_assert_str_eq(node_notes_of(&page.notes, page.nodes[2].row), "");
	node_page_fini(&page);
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(node_list(&b.ledger, "default", 0, 9, &page), 0);
	ck_assert_uint_eq(page.n, 4);
	node_page_fini(&page);
	ck_assert_int_eq(node_list(&b.ledger, "nowhere", 0, 9, &page), -REASON_NETWORK_UNKNOWN);
	ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
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
	tcase_add_test(tc, a_node_has_a_name_and_labels);
	KIT_ROWS(tc, a_wrong_name_or_label_changes_nothing, wrong);
	tcase_add_test(tc, a_page_shows_labels_and_one_network);
	tcase_add_test(tc, info_counts);
	return kit_run("ipamd/node", tc);
}
