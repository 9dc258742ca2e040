/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/network.h"

#include <check.h>
#include <stdio.h>
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

static struct request
begin(void)
{
	struct request r;

	b.err = (struct err){ 0 };
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(request_init(&r, &b.granter, 0, "", NULL, 0, &b.err), 0);
	return r;
}

static int
create(const char *name, const char *address, const char *exclude, struct network_view *out)
{
	char text[64], *list[] = { text };
	struct network_wish wish = { .name = name, .address = address, .exclude = list,
		.nexclude = exclude != NULL };
	struct request r = begin();

	snprintf(text, sizeof(text), "%s", exclude == NULL ? "" : exclude);
	return done(network_create(&b.ledger, &r, &wish, out, &b.err));
}

static int
recreate(const char *name, const char *address, struct network_view *out)
{
	struct network_wish wish = { .name = name, .address = address };

	begin();
	return done(network_recreate(&b.ledger, &wish, out, &b.err));
}

static int
delete(const char *name, bool force, struct network_view *out)
{
	begin();
	return done(network_delete(&b.ledger, name, force, out, &b.err));
}

/* A node of a network, with its first session. */
static struct store_node
join(const char *network, const char *net_token, struct lease *lease)
{
	char *served[] = { (char *) (uintptr_t) network };
	struct token_wish wish = { .network = network, .address = "" };
	struct token_view made;
	struct token_node t;
	struct lease_wish attach = { .net_token = net_token, .served = served, .nserved = 1 };

	ck_assert_int_eq(book_token(&b, &wish, &made), 0);
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &t), 0);
	attach.node_token = t.node.token;
	attach.cert_node_id = t.node.id;
	begin();
	ck_assert_msg(done(lease_attach(&b.ledger, &attach, lease, &b.err)) == 0, "%s", b.err.text);
	return t.node;
}

/* --- making ----------------------------------------------------------------------------------- */

static const struct {
	const char *name, *address, *exclude;
	int rc;
	const char *says;	/* the server's address, or a word of the refusal */
} wishes[] = {
	{ "lab", "10.2.0.1/24", NULL, 0, "10.2.0.1/24" },
	{ "lab", "10.2.0.7/24", NULL, 0, "10.2.0.7/24" },
	{ "lab", "10.2.0.0/24", NULL, 0, "10.2.0.1/24" },
	{ "lab", "10.2.0.1/30", NULL, 0, "10.2.0.1/30" },
	{ "lab", "11.0.0.1/8", NULL, 0, "11.0.0.1/8" },
	{ "lab", "fd00:2::1/64", NULL, 0, "fd00:2::1/64" },
	{ "lab", "fd00:2::/112", NULL, 0, "fd00:2::1/112" },
	{ "lab", "10.2.0.1/24", "10.2.0.0/28", 0, "10.2.0.1/24" },
	{ "a-2", "10.2.0.1/24", NULL, 0, "10.2.0.1/24" },
	{ "", "10.2.0.1/24", NULL, -REASON_FIELD_INVALID, "name" },
	{ "Lab", "10.2.0.1/24", NULL, -REASON_FIELD_INVALID, "name" },
	{ "-lab", "10.2.0.1/24", NULL, -REASON_FIELD_INVALID, "name" },
	{ "la b", "10.2.0.1/24", NULL, -REASON_FIELD_INVALID, "name" },
	{ "default", "10.2.0.1/24", NULL, -REASON_NETWORK_EXISTS, "" },
	{ "lab", "", NULL, -REASON_FIELD_INVALID, "address" },
	{ "lab", "10.2.0.1", NULL, -REASON_FIELD_INVALID, "address" },
	{ "lab", "10.2.0.1/33", NULL, -REASON_FIELD_INVALID, "address" },
	{ "lab", "10.2.0.1/31", NULL, -REASON_FIELD_INVALID, "address" },
	{ "lab", "11.0.0.1/7", NULL, -REASON_FIELD_INVALID, "address" },
	{ "lab", "fd00:2::1/63", NULL, -REASON_FIELD_INVALID, "address" },
	{ "lab", "fd00:2::1/113", NULL, -REASON_FIELD_INVALID, "address" },
	{ "lab", "10.2.0.255/24", NULL, -REASON_FIELD_INVALID, "address" },
	{ "lab", "127.0.0.1/24", NULL, -REASON_FIELD_INVALID, "address" },
	{ "lab", "10.2.0.1/24", "10.3.0.0/28", -REASON_FIELD_INVALID, "exclude" },
	{ "lab", "10.2.0.1/24", "10.2.0.1", -REASON_FIELD_INVALID, "exclude" },
	{ "lab", "10.2.0.1/24", "10.2.0.0/24", -REASON_FIELD_INVALID, "exclude" },
	{ "lab", "fe80::1/64", NULL, -REASON_FIELD_INVALID, "address" },
	{ "lab", "10.1.1.1/24", NULL, -REASON_NETWORK_OVERLAP, "network default" },
	{ "lab", "10.1.1.129/25", NULL, -REASON_NETWORK_OVERLAP, "network default" },
	{ "lab", "10.0.0.1/8", NULL, -REASON_NETWORK_OVERLAP, "network default" },
	{ "lab", "192.0.2.1/24", NULL, -REASON_NETWORK_OVERLAP, "listens" },
	{ "lab", "198.51.100.1/24", NULL, -REASON_NETWORK_OVERLAP, "find the server" },
};

START_TEST(a_network_is_what_can_be_one)
{
	char *advertise[] = { (char[]){ "vpn.example" }, (char[]){ "198.51.100.7" } };
	struct network_view net, seen;
	struct ip_addr listen;
	int rc;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(ip_parse("192.0.2.9", &listen), 0);
	b.conf.listen = (struct conf_list){ 1, &listen };
	b.conf.advertise = (struct conf_list){ 2, advertise };
	rc = create(wishes[_i].name, wishes[_i].address, wishes[_i].exclude, &net);
	ck_assert_msg(rc == wishes[_i].rc, "%s %s", err_name(rc), b.err.text);
	if (rc < 0) {
		ck_assert_ptr_nonnull(strstr(b.err.text, wishes[_i].says));
		ck_assert_ptr_null(ledger_network_named(&b.ledger, "lab"));
	} else {
		ck_assert_str_eq(PREFIX_TEXT(&net.row.prefix), wishes[_i].says);
		book_restart(&b);
		ck_assert_int_eq(network_get(&b.ledger, wishes[_i].name, &seen), 0);
		ck_assert(ip_prefix_equal(&seen.row.prefix, &net.row.prefix));
		ck_assert_uint_eq(seen.addresses, net.addresses);
		ck_assert_uint_eq(seen.row.nexclude, net.row.nexclude);
	}
	book_fini(&b);
}
END_TEST

START_TEST(there_is_a_maximum_of_networks)
{
	struct network_view net;
	char name[16], address[32];

	book_init(&b, "10.1.1.1/24");
	for (unsigned i = 1; i < NETWORKS_MAX; i++) {
		snprintf(name, sizeof(name), "net-%u", i);
		snprintf(address, sizeof(address), "10.2.%u.1/24", i);
		ck_assert_int_eq(create(name, address, NULL, &net), 0);
	}
	ck_assert_int_eq(create("more", "10.3.0.1/24", NULL, &net), -REASON_OVERLOADED);
	ck_assert_int_eq(delete("net-7", false, &net), 0);
	ck_assert_int_eq(create("more", "10.3.0.1/24", NULL, &net), 0);
	book_restart(&b);
	ck_assert_ptr_nonnull(ledger_network_named(&b.ledger, "more"));
	book_fini(&b);
}
END_TEST

/* --- net-tokens ------------------------------------------------------------------------------- */

static int
attach(const struct store_node *n, const char *served_one, const char *net_token)
{
	char *served[] = { (char *) (uintptr_t) served_one };
	struct lease_wish wish = { .node_token = n->token, .net_token = net_token,
		.cert_node_id = n->id, .served = served, .nserved = 1 };
	struct lease lease;

	begin();
	return done(lease_attach(&b.ledger, &wish, &lease, &b.err));
}

START_TEST(each_network_has_a_key_of_its_own)
{
	struct network_view lab, yard, anew;
	struct request r;
	struct store_node n;
	struct lease lease;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(create("lab", "10.2.0.1/24", NULL, &lab), 0);
	ck_assert_int_eq(create("yard", "10.3.0.1/24", NULL, &yard), 0);
	n = join("lab", lab.secret, &lease);
	ck_assert_str_eq(IP_TEXT(&lease.addr.addr), "10.2.0.2");
	ck_assert_str_eq(lease.network, "lab");
	ck_assert_int_eq(attach(&n, "lab", ""), -REASON_NET_TOKEN_INVALID);
	ck_assert_int_eq(attach(&n, "lab", yard.secret), -REASON_NET_TOKEN_INVALID);
	ck_assert_int_eq(attach(&n, "default", lab.secret), -REASON_NETWORK_NOT_SERVED);
	r = begin();
	ck_assert_int_eq(done(network_token(&b.ledger, &r, "lab", false, &anew)), 0);
	ck_assert_int_eq(attach(&n, "lab", lab.secret), -REASON_NET_TOKEN_INVALID);
	ck_assert_int_eq(attach(&n, "lab", anew.secret), 0);
	r = begin();
	ck_assert_int_eq(done(network_token(&b.ledger, &r, "lab", true, &anew)), 0);
	ck_assert_str_eq(anew.secret, "");
	ck_assert_int_eq(attach(&n, "lab", ""), 0);
	book_fini(&b);
}
END_TEST

/* --- changing --------------------------------------------------------------------------------- */

START_TEST(another_prefix_for_the_same_nodes)
{
	struct network_view lab, again;
	struct store_node first, second;
	struct lease a, other;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(create("lab", "10.2.0.1/24", NULL, &lab), 0);
	first = join("lab", lab.secret, &a);
	second = join("lab", lab.secret, &other);
	ck_assert_int_eq(recreate("lab", "10.1.1.1/28", &again), -REASON_NETWORK_OVERLAP);
	ck_assert_str_eq(BOOK_ADDR(&b, first.id), "10.2.0.2");
	ck_assert_int_eq(recreate("lab", "10.2.0.1/16", &again), 0);	/* itself is no obstacle */
	ck_assert_uint_eq(again.map.readdressed, 2);
	ck_assert_int_eq(recreate("lab", "10.9.0.1/29", &again), 0);
	ck_assert_str_eq(PREFIX_TEXT(&again.map.before), "10.2.0.1/16");
	ck_assert_str_eq(IP_TEXT(&again.first), "10.9.0.2");
	ck_assert_str_eq(IP_TEXT(&again.last), "10.9.0.6");
	ck_assert_uint_eq(again.map.readdressed, 0);	/* the first time they have lost theirs */
	ck_assert_uint_eq(again.map.outside, 0);
	ck_assert_uint_ge(again.epoch, other.epoch);
	ck_assert_uint_eq(again.counts.bound, 0);
	ck_assert_int_eq(book_get(&b, first.id).addr.family, 0);
	/* What is said of a session of before is of no use any more. */
	book_report(&b, first.id, a.epoch, NODE_CONNECTED);
	ck_assert_int_eq(book_get(&b, first.id).state, NODE_IDLE);
	ck_assert_int_eq(attach(&second, "lab", lab.secret), 0);
	ck_assert_str_eq(BOOK_ADDR(&b, second.id), "10.9.0.2");
	book_restart(&b);
	ck_assert_int_eq(attach(&first, "lab", lab.secret), 0);
	ck_assert_int_eq(attach(&second, "lab", lab.secret), 0);
	ck_assert_str_eq(BOOK_ADDR(&b, first.id), "10.9.0.3");
	ck_assert_str_eq(BOOK_ADDR(&b, second.id), "10.9.0.2");
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

START_TEST(a_network_in_use_goes_by_force_only)
{
	struct network_view lab, gone;
	struct store_node n;
	struct lease lease;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(create("lab", "10.2.0.1/24", NULL, &lab), 0);
	n = join("lab", lab.secret, &lease);
	ck_assert_int_eq(delete("lab", false, &gone), -REASON_NETWORK_IN_USE);
	ck_assert(book_has(&b, n.id));
	ck_assert_int_eq(delete("lab", true, &gone), 0);
	ck_assert_uint_ge(gone.epoch, lease.epoch);
	ck_assert(!book_has(&b, n.id));
	ck_assert_int_eq(attach(&n, "lab", lab.secret), -REASON_TOKEN_UNKNOWN);
	ck_assert_int_eq(delete("lab", true, &gone), -REASON_NETWORK_UNKNOWN);
	ck_assert_int_eq(create("lab", "10.2.0.1/24", NULL, &lab), 0);
	ck_assert_uint_eq(lab.used, 0);
	book_fini(&b);
}
END_TEST

START_TEST(the_configuration_has_the_last_word_on_its_own)
{
	struct conf_network conf = { .name = (char[]){ "shop" } };
	struct network_view net;
	struct network_list list;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(ip_prefix_parse("10.4.0.1/24", &conf.address), 0);
	b.conf.networks = (struct conf_list){ 1, &conf };
	book_restart(&b);
	ck_assert_int_eq(recreate("shop", "10.5.0.1/24", &net), -REASON_NETWORK_FIXED);
	ck_assert_int_eq(delete("shop", true, &net), -REASON_NETWORK_FIXED);
	ck_assert_int_eq(recreate("default", "10.5.0.1/24", &net), -REASON_NETWORK_FIXED);
	ck_assert_int_eq(network_list(&b.ledger, &list), 0);
	ck_assert_uint_eq(list.n, 2);
	ck_assert(list.views[1].row.from_conf);
	free(list.views);
	/* It stays when the configuration does not name it any more, and can be deleted then. */
	b.conf.networks = (struct conf_list){ 0 };
	book_restart(&b);
	ck_assert_int_eq(delete("shop", false, &net), 0);
	/* One that was made at run time, and the configuration after it. */
	ck_assert_int_eq(create("lab", "10.4.0.1/25", NULL, &net), 0);
	b.conf.networks = (struct conf_list){ 1, &conf };
	ledger_close(&b.ledger);
	ck_assert_int_lt(book_open(&b), 0);
	ck_assert_ptr_nonnull(strstr(b.err.text, "network lab"));
}
END_TEST

START_TEST(use_crosses_the_level_once)
{
	struct store_node n[4];
	struct network *net;

	book_init(&b, "10.1.1.1/29");	/* five addresses: 80 % are four of them */
	b.conf.pool_warn_at = 80;
	net = &b.ledger.nets[0];
	for (unsigned i = 0; i < 4; i++) {
		ck_assert(!network_crossed(&b.ledger, net));
		n[i] = book_enroll(&b);
	}
	ck_assert(network_crossed(&b.ledger, net));
	ck_assert(net->full);
	ck_assert(!network_crossed(&b.ledger, net));
	ck_assert_int_eq(book_delete(&b, n[3].id), 0);
	ck_assert(network_crossed(&b.ledger, net));
	ck_assert(!net->full);
	b.conf.pool_warn_at = 0;
	book_enroll(&b);
	ck_assert(!network_crossed(&b.ledger, net));
	book_fini(&b);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("network");

	tcase_set_timeout(tc, 60);
	KIT_ROWS(tc, a_network_is_what_can_be_one, wishes);
	tcase_add_test(tc, there_is_a_maximum_of_networks);
	tcase_add_test(tc, each_network_has_a_key_of_its_own);
	tcase_add_test(tc, another_prefix_for_the_same_nodes);
	tcase_add_test(tc, a_network_in_use_goes_by_force_only);
	tcase_add_test(tc, the_configuration_has_the_last_word_on_its_own);
	tcase_add_test(tc, use_crosses_the_level_once);
	return kit_run("ipamd/network", tc);
}
