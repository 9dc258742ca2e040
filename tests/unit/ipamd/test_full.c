/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/reason.h"
#include "tests/unit/ipamd/book.h"
#include "tests/unit/kit.h"

/*
 * A network to its last address: each that can be given is given, none of the others, and who comes
 * then gets that of the node that has been idle for longest. On both stores; the one in memory looks
 * at every row for everything, and has no room for a /16.
 */

#define BATCH 256	/* requests that share a commit */

static const struct {
	const char *addr;
	bool in_memory;
} rows[] = {
	{ "10.1.1.1/29", true },
	{ "10.1.1.1/29", false },
	{ "10.1.1.129/24", true },
	{ "10.1.1.129/24", false },
	{ "10.1.1.1/16", false },
};

static struct book b;

/* Which addresses of the network have been given, by their place in it. */
static bool *given;
static struct ip_prefix base;
static uint64_t places;

/* One more node has its first session; without waiting for the disk each time. */
static struct store_node
join(unsigned i, uint64_t *epoch)
{
	struct store_node n = { .net = STORE_NET_DEFAULT };
	struct lease_wish wish = { .node_token = n.token, .net_token = "", .cert_node_id = n.id };
	struct lease lease;

	snprintf(n.id, sizeof(n.id), "n-%u", i);
	snprintf(n.token, sizeof(n.token), "token-%u", i);
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(store_node_add(b.ledger.store, &n, b.now_s), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger,
	    lease_attach(&b.ledger, &wish, &lease, &b.err)), 0);
	if (i % BATCH == 0)
		ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	ck_assert_str_eq(lease.change.victim, "");
	n.addr = lease.addr.addr;
	*epoch = lease.epoch;
	return n;
}

static void
note(const struct ip_addr *addr)
{
	uint64_t i = ip_prefix_index(&base, addr);

	ck_assert_uint_gt(i, 0);
	ck_assert_uint_lt(i, places - 1);
	ck_assert_msg(!ip_equal(addr, &b.conf.vpn_addr.addr), "the server's");
	ck_assert_msg(!given[i], "%s is given twice", IP_TEXT(addr));
	given[i] = true;
}

/* One stays connected. Two have left, in the other order; then the rest has gone silent. */
static void
fill(struct store_node first[3])
{
	uint64_t n = places - 3;	/* but for network, broadcast and server */
	uint64_t epochs[3], later;
	struct store_node node;

	ck_assert_uint_eq(pool_size(b.ledger.nets[0].pool), n);
	for (unsigned i = 0; i < n; i++) {
		node = join(i, i < 3 ? &epochs[i] : &later);
		note(&node.addr);
		if (i < 3)
			first[i] = node;
	}
	ck_assert_uint_eq(pool_used(b.ledger.nets[0].pool), n);
	ck_assert_int_eq(book_report(&b, first[2].id, epochs[2], NODE_IDLE), 0);
	ck_assert_int_eq(book_report(&b, first[1].id, epochs[1], NODE_IDLE), 0);
	for (unsigned i = 0; i < 2; i++)	/* who has just begun is left alone the first time */
		ck_assert_int_eq(book_announce(&b, &(struct session){ first[0].id, epochs[0],
		    NODE_CONNECTED }, 1, NULL), 0);
}

static void
look_at_the_next(const struct store_node first[3], uint64_t n)
{
	struct lease_wish wish = { .node_token = LEDGER_RESERVED, .net_token = "",
		.cert_node_id = LEDGER_RESERVED };
	struct store_node *order = calloc(n, sizeof(*order));
	struct lease lease;
	int victims = store_node_victims(b.ledger.store, STORE_NET_DEFAULT, order, n);

	ck_assert_int_eq(victims, (int) n - 1);
	ck_assert_str_eq(order[0].id, first[2].id);
	ck_assert_str_eq(order[1].id, first[1].id);
	for (int i = 1; i < victims; i++)
		ck_assert_int_lt(order[i - 1].use, order[i].use);
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger,
	    lease_attach(&b.ledger, &wish, &lease, &b.err)), 0);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	ck_assert_str_eq(lease.change.victim, first[2].id);
	ck_assert(ip_equal(&lease.addr.addr, &first[2].addr));
	ck_assert(!book_has(&b, first[2].id));
	free(order);
}

START_TEST(every_address_is_given_and_then_the_right_one_again)
{
	struct store_node first[3];

	if (rows[_i].in_memory)
		book_init_memory(&b, rows[_i].addr);
	else
		book_init(&b, rows[_i].addr);
	b.conf.events_max_rows = 100000;
	base = ip_prefix_network(&b.conf.vpn_addr);
	places = UINT64_C(1) << (32 - base.len);
	given = calloc(places, sizeof(*given));
	fill(first);
	look_at_the_next(first, places - 3);
	ck_assert_uint_eq(pool_used(b.ledger.nets[0].pool), places - 3);
	free(given);
	book_fini(&b);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("full");

	tcase_set_timeout(tc, 60);
	KIT_ROWS(tc, every_address_is_given_and_then_the_right_one_again, rows);
	return kit_run("ipamd/full", tc);
}
