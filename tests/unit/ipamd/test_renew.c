/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/renew.h"

#include <check.h>
#include <string.h>

#include "common/reason.h"
#include "tests/unit/ipamd/book.h"
#include "tests/unit/kit.h"

static struct book b;

static struct token_view
make_token(void)
{
	struct token_wish wish = { .network = "", .address = "" };
	struct token_view made;

	ck_assert_int_eq(book_token(&b, &wish, &made), 0);
	return made;
}

static struct grant
open_grant(const uint8_t wire[GRANT_WIRE_LEN])
{
	uint8_t public[GRANT_KEY_LEN];
	struct grant g;
	struct err e;

	ck_assert_int_eq(grant_key_public(b.granter.key, public), 0);
	ck_assert_msg(grant_verify(wire, GRANT_WIRE_LEN, public, b.now_s, &g, &e) == 0, "%s",
	    e.text);
	return g;
}

/* The node was enrolled with the keys of seed 5. */
static const struct {
	const char *what;
	unsigned grpc_seed, vpn_seed;
	int rc;
} rows[] = {
	{ "both", 5, 5, 0 },
	{ "grpc", 5, 0, 0 },
	{ "vpn", 0, 5, 0 },
	{ "none", 0, 0, -REASON_FIELD_INVALID },
	{ "another key", 6, 0, -REASON_KEY_UNKNOWN },
	{ "another vpn key", 0, 6, -REASON_KEY_UNKNOWN },
	{ "one right, one wrong", 5, 6, -REASON_KEY_UNKNOWN },
};

START_TEST(only_the_keys_of_the_enrollment_are_granted)
{
	struct renewal r = { .node_id = "untouched" };
	struct token_node t;
	struct grant g;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(book_redeem(&b, make_token().secret, 5, &t), 0);
	b.now_s += 1;
	ck_assert_int_eq(book_renew(&b, t.node.id, rows[_i].grpc_seed, rows[_i].vpn_seed, &r),
	    rows[_i].rc);
	if (rows[_i].rc < 0) {
		ck_assert_str_eq(r.node_id, "untouched");
	} else {
		ck_assert_int_eq(r.grpc, rows[_i].grpc_seed != 0);
		ck_assert_int_eq(r.vpn, rows[_i].vpn_seed != 0);
		g = open_grant(r.grpc ? r.grpc_grant : r.vpn_grant);
		ck_assert_int_eq(g.pki, r.grpc ? GRANT_PKI_GRPC : GRANT_PKI_VPN);
		ck_assert_str_eq(g.node_id, t.node.id);
		ck_assert_int_eq(g.not_after, b.now_s + b.conf.cert_life_ms / 1000);
		ck_assert_mem_ne(g.id, open_grant(r.grpc ? t.grpc_grant : t.vpn_grant).id,
		    sizeof(g.id));
	}
	book_fini(&b);
}
END_TEST

START_TEST(after_a_restart_the_keys_are_known)
{
	struct token_node t;
	struct renewal r;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(book_redeem(&b, make_token().secret, 5, &t), 0);
	book_restart(&b);
	ck_assert_int_eq(book_renew(&b, t.node.id, 5, 5, &r), 0);
	ck_assert_int_eq(book_renew(&b, t.node.id, 6, 5, &r), -REASON_KEY_UNKNOWN);
	book_fini(&b);
}
END_TEST

START_TEST(who_is_not_registered_gets_none)
{
	struct token_node t;
	struct renewal r;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(book_renew(&b, "n-0", 5, 5, &r), -REASON_NODE_UNKNOWN);
	ck_assert_int_eq(book_renew(&b, "", 5, 5, &r), -REASON_NODE_UNKNOWN);
	/* Registered by no enrollment: nobody knows its keys. */
	ck_assert_int_eq(book_renew(&b, "reserverd", 5, 5, &r), -REASON_KEY_UNKNOWN);
	ck_assert_int_eq(book_redeem(&b, make_token().secret, 5, &t), 0);
	b.now_s += BOOK_TTL_S + 1;
	ck_assert_int_eq(book_renew(&b, t.node.id, 5, 5, &r), -REASON_NODE_UNKNOWN);
	book_fini(&b);
}
END_TEST

/* --- nodes that LiteKube's programs have made ------------------------------------------------- */

START_TEST(a_litekube_node_is_bound_by_its_first_attach)
{
	struct token_node t;
	struct store_node n;
	struct lease lease;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(book_redeem_litekube(&b, make_token().secret, 5, &t), 0);
	ck_assert(t.fresh && !t.change.bound);
	ck_assert_int_eq(t.node.addr.family, 0);
	ck_assert_int_eq(open_grant(t.grpc_grant).subject, GRANT_SUBJECT_LITEKUBE);
	ck_assert_int_eq(open_grant(t.vpn_grant).subject, GRANT_SUBJECT_LITEKUBE);
	book_check_pool(&b);
	n = book_get(&b, t.node.id);
	ck_assert_int_eq(book_attach(&b, &n, &lease), 0);
	ck_assert_str_eq(PREFIX_TEXT(&lease.addr), "10.1.1.2/24");
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

START_TEST(a_promised_address_is_taken_at_once)
{
	struct token_wish wish = { .network = "", .address = "10.1.1.77", .uses = 1 };
	struct token_view made;
	struct token_node t;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(book_token(&b, &wish, &made), 0);
	ck_assert_int_eq(book_redeem_litekube(&b, made.secret, 5, &t), 0);
	ck_assert_str_eq(IP_TEXT(&t.node.addr), "10.1.1.77");
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("renew");

	KIT_ROWS(tc, only_the_keys_of_the_enrollment_are_granted, rows);
	tcase_add_test(tc, after_a_restart_the_keys_are_known);
	tcase_add_test(tc, who_is_not_registered_gets_none);
	tcase_add_test(tc, a_litekube_node_is_bound_by_its_first_attach);
	tcase_add_test(tc, a_promised_address_is_taken_at_once);
	return kit_run("renew", tc);
}
