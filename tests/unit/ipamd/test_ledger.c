/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/ledger.h"

#include <check.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "common/reason.h"
#include "tests/unit/ipamd/book.h"
#include "tests/unit/kit.h"

static struct book b;

START_TEST(networks_have_names_and_numbers)
{
	book_init(&b, "10.1.1.1/24");
	ck_assert_ptr_eq(ledger_network_named(&b.ledger, ""), &b.ledger.nets[0]);
	ck_assert_ptr_eq(ledger_network_named(&b.ledger, "default"), &b.ledger.nets[0]);
	ck_assert_ptr_null(ledger_network_named(&b.ledger, "defaul"));
	ck_assert_ptr_eq(ledger_network(&b.ledger, STORE_NET_DEFAULT), &b.ledger.nets[0]);
	ck_assert_ptr_null(ledger_network(&b.ledger, STORE_NET_DEFAULT + 1));
	book_fini(&b);
}
END_TEST

START_TEST(a_start_waits_for_what_tunneld_says)
{
	struct store_node connected, connecting, left, never;
	struct lease lease;

	book_init(&b, "10.1.1.1/24");
	book_connect(&b, &connected);
	connecting = book_enroll(&b);
	ck_assert_int_eq(book_attach(&b, &connecting, &lease), 0);
	lease = book_connect(&b, &left);
	ck_assert_int_eq(book_report(&b, left.id, lease.epoch, NODE_IDLE), 0);
	never = book_enroll(&b);
	book_restart(&b);
	ck_assert_int_eq(book_get(&b, connected.id).state, NODE_CONNECTED);
	ck_assert_int_eq(book_get(&b, connecting.id).state, NODE_CONNECTING);
	ck_assert(!b.ledger.synced);
	book_forsake(&b);	/* nobody says anything */
	ck_assert_int_eq(book_get(&b, connected.id).state, NODE_LOST);
	ck_assert_int_eq(book_get(&b, connecting.id).state, NODE_NEVER);
	ck_assert_int_eq(book_get(&b, left.id).state, NODE_IDLE);
	ck_assert_int_eq(book_get(&b, never.id).state, NODE_NEVER);
	ck_assert(!b.ledger.synced);
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

/* --- another configuration -------------------------------------------------------------------- */

static const struct {
	const char *what, *addr, *exclude;
	const char *after;	/* the address of the node that had 10.1.1.3 */
} changes[] = {
	{ "nothing", "10.1.1.1/24", NULL, "10.1.1.3" },
	{ "wider", "10.1.0.1/16", NULL, "10.1.1.3" },
	{ "another network", "10.9.9.1/24", NULL, "10.9.9.2" },
	{ "narrower", "10.1.1.5/31", NULL, NULL },
	{ "the server takes it", "10.1.1.3/24", NULL, "10.1.1.1" },
	{ "excluded", "10.1.1.1/24", "10.1.1.0/29", "10.1.1.8" },
	{ "IPv6", "fd00::1/64", NULL, "fd00::2" },
};

START_TEST(an_address_that_cannot_be_had_any_more_is_replaced)
{
	struct store_node other, n;
	struct ip_prefix exclude;
	struct lease lease;

	book_init(&b, "10.1.1.1/24");
	book_connect(&b, &other);
	book_connect(&b, &n);
	ledger_close(&b.ledger);
	ck_assert_int_eq(ip_prefix_parse(changes[_i].addr, &b.conf.vpn_addr), 0);
	if (changes[_i].exclude != NULL) {
		ck_assert_int_eq(ip_prefix_parse(changes[_i].exclude, &exclude), 0);
		b.conf.pool_exclude = (struct conf_list){ 1, &exclude };
	}
	if (changes[_i].after == NULL) {
		ck_assert_int_lt(book_open(&b), 0);
		return;
	}
	ck_assert_int_eq(book_open(&b), 0);
	/* It keeps the old one until it comes. */
	ck_assert_str_eq(BOOK_ADDR(&b, n.id), "10.1.1.3");
	ck_assert_int_eq(book_attach(&b, &n, &lease), 0);
	ck_assert_str_eq(IP_TEXT(&lease.addr.addr), changes[_i].after);
	ck_assert(lease.change.bound == (strcmp(changes[_i].after, "10.1.1.3") != 0));
	if (lease.change.bound)
		ck_assert_str_eq(IP_TEXT(&lease.change.before), "10.1.1.3");
	ck_assert_int_eq(book_attach(&b, &n, &lease), 0);
	ck_assert(!lease.change.bound);
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

START_TEST(a_mistake_in_the_configuration_can_be_taken_back)
{
	struct store_node n;
	struct lease lease;

	book_init(&b, "10.1.1.1/24");
	book_connect(&b, &n);
	ip_prefix_parse("10.9.9.1/24", &b.conf.vpn_addr);
	book_restart(&b);
	ck_assert_uint_eq(pool_used(b.ledger.nets[0].pool), 0);
	ck_assert_str_eq(book_sql("select stale from vpn_mgr where bind_ip<>''"), "1");
	ip_prefix_parse("10.1.1.1/24", &b.conf.vpn_addr);
	book_restart(&b);
	ck_assert_str_eq(book_sql("select stale from vpn_mgr where bind_ip<>''"), "0");
	ck_assert_int_eq(book_attach(&b, &n, &lease), 0);
	ck_assert_str_eq(IP_TEXT(&lease.addr.addr), "10.1.1.2");
	book_fini(&b);
}
END_TEST

START_TEST(a_stale_address_is_not_worth_reclaiming)
{
	struct token_wish wish = { .network = "", .address = "" };
	struct store_node old[8], n[5];
	struct token_view made;
	struct token_node node;
	struct lease lease;

	book_init(&b, "10.1.1.1/24");
	for (unsigned i = 0; i < 8; i++)
		book_connect(&b, &old[i]);
	ip_prefix_parse("10.9.9.1/29", &b.conf.vpn_addr);
	book_restart(&b);
	for (unsigned i = 0; i < 5; i++)
		lease = book_connect(&b, &n[i]);
	ck_assert_int_eq(book_report(&b, n[4].id, lease.epoch, NODE_IDLE), 0);
	book_sync(&b);
	ck_assert_int_eq(book_token(&b, &wish, &made), 0);
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &node), 0);
	ck_assert_str_eq(node.change.victim, n[4].id);
	ck_assert_str_eq(IP_TEXT(&node.node.addr), "10.9.9.6");
	book_fini(&b);
}
END_TEST

/* --- requests --------------------------------------------------------------------------------- */

START_TEST(a_batch_is_one_commit)
{
	struct lease_wish wish = { .node_token = LEDGER_RESERVED, .net_token = "",
		.cert_node_id = LEDGER_RESERVED };
	struct lease lease;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger,
	    lease_attach(&b.ledger, &wish, &lease, &b.err)), 0);
	ck_assert_int_eq(ledger_due(&b.ledger), STORE_NOW);
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	wish.cert_node_id = "another";
	ck_assert_int_eq(ledger_answer(&b.ledger,
	    lease_attach(&b.ledger, &wish, &lease, &b.err)), -REASON_CERT_MISMATCH);
	ck_assert_str_eq(book_sql("select bind_ip from vpn_mgr"), "");
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	ck_assert_str_eq(book_sql("select bind_ip from vpn_mgr"), "10.1.1.2");
	book_fini(&b);
}
END_TEST

static void
limit_files(rlim_t bytes)
{
	struct rlimit limit = { bytes, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_commit_that_fails_undoes_the_pool)
{
	struct token_wish wish = { .network = "", .address = "10.1.1.200" };
	struct token_view made;
	struct store_node n;
	struct lease lease;

	book_init(&b, "10.1.1.1/24");
	lease = book_connect(&b, &n);
	book_sync(&b);
	ck_assert(b.ledger.synced);
	limit_files(1);
	ck_assert_int_eq(book_delete(&b, n.id), -REASON_STORE_FAILED);
	ck_assert_int_eq(book_token(&b, &wish, &made), -REASON_STORE_FAILED);
	ck_assert(ledger_broken(&b.ledger));
	limit_files(RLIM_INFINITY);
	book_check_pool(&b);
	ck_assert_uint_eq(pool_used(b.ledger.nets[0].pool), 1);
	ck_assert(pool_taken(b.ledger.nets[0].pool, &lease.addr.addr));
	/* Answers about sessions may have left: who is idle is not known any more. */
	ck_assert(!b.ledger.synced);
	ck_assert(book_has(&b, n.id));
	book_restart(&b);
	ck_assert_str_eq(BOOK_ADDR(&b, n.id), "10.1.1.2");
	book_fini(&b);
}
END_TEST

START_TEST(a_later_request_cannot_be_saved_from_the_batch)
{
	struct lease_wish wish = { .node_token = LEDGER_RESERVED, .net_token = "",
		.cert_node_id = LEDGER_RESERVED };
	struct lease first;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger,
	    lease_attach(&b.ledger, &wish, &first, &b.err)), 0);
	limit_files(1);
	ck_assert_int_eq(ledger_commit(&b.ledger), -REASON_STORE_FAILED);
	ck_assert_uint_eq(pool_used(b.ledger.nets[0].pool), 0);
	limit_files(RLIM_INFINITY);
	book_fini(&b);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ledger");

	tcase_set_timeout(tc, 60);	/* every commit waits for the disk */
	tcase_add_test(tc, networks_have_names_and_numbers);
	tcase_add_test(tc, a_start_waits_for_what_tunneld_says);
	KIT_ROWS(tc, an_address_that_cannot_be_had_any_more_is_replaced, changes);
	tcase_add_test(tc, a_mistake_in_the_configuration_can_be_taken_back);
	tcase_add_test(tc, a_stale_address_is_not_worth_reclaiming);
	tcase_add_test(tc, a_batch_is_one_commit);
	tcase_add_test(tc, a_commit_that_fails_undoes_the_pool);
	tcase_add_test(tc, a_later_request_cannot_be_saved_from_the_batch);
	return kit_run("ipamd/ledger", tc);
}
