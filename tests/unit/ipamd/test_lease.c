/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/lease.h"

#include <check.h>
#include <string.h>

#include "common/reason.h"
#include "tests/unit/ipamd/book.h"
#include "tests/unit/kit.h"

static struct book b;

/* --- the same address again ------------------------------------------------------------------- */

START_TEST(an_address_is_bound_by_enrolling_and_kept)
{
	struct store_node n;
	struct lease first, again;

	book_init(&b, "10.1.1.1/24");
	n = book_enroll(&b);
	ck_assert_str_eq(IP_TEXT(&n.addr), "10.1.1.2");
	ck_assert_int_eq(book_attach(&b, &n, &first), 0);
	ck_assert_str_eq(PREFIX_TEXT(&first.addr), "10.1.1.2/24");
	ck_assert_str_eq(first.node_id, n.id);
	ck_assert(!first.change.bound);
	ck_assert_int_eq(book_get(&b, n.id).state, NODE_CONNECTING);
	ck_assert_int_eq(book_report(&b, n.id, first.epoch, NODE_IDLE), 0);
	book_restart(&b);
	ck_assert_int_eq(book_attach(&b, &n, &again), 0);
	ck_assert(ip_equal(&again.addr.addr, &first.addr.addr));
	ck_assert_uint_gt(again.epoch, first.epoch);
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

START_TEST(epochs_rise_over_restarts)
{
	struct store_node n;
	struct lease lease;
	uint64_t before = 0;

	book_init(&b, BOOK_SMALL);
	n = book_enroll(&b);
	for (unsigned i = 0; i < 6; i++) {
		ck_assert_int_eq(book_attach(&b, &n, &lease), 0);
		ck_assert_uint_gt(lease.epoch, before);
		ck_assert_uint_eq(book_get(&b, n.id).epoch, lease.epoch);
		before = lease.epoch;
		if (i % 2 == 1)
			book_restart(&b);
	}
	ck_assert_uint_eq(before >> 32, 3);	/* the start is the high half */
	book_fini(&b);
}
END_TEST

START_TEST(no_two_nodes_share_an_address)
{
	struct store_node n[BOOK_SMALL_N];

	book_init(&b, BOOK_SMALL);
	for (unsigned i = 0; i < BOOK_SMALL_N; i++) {
		book_connect(&b, &n[i]);
		for (unsigned k = 0; k < i; k++)
			ck_assert(!ip_equal(&n[i].addr, &n[k].addr));
	}
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

/* --- who may come in -------------------------------------------------------------------------- */

#define LONG "0123456789012345678901234567890123456789012345678901234567890123456789"

static const struct {
	const char *what, *token, *net_token, *cert;	/* NULL: the right one */
	bool any_cert;
	int64_t later_s;
	int rc;
} entries[] = {
	{ "all is right", NULL, "", NULL, false, 0, 0 },
	{ "at the end of its time", NULL, "", NULL, false, BOOK_TTL_S, 0 },
	{ "too late", NULL, "", NULL, false, BOOK_TTL_S + 1, -REASON_TOKEN_EXPIRED },
	{ "unknown token", "0123456789abcdef", "", NULL, false, 0, -REASON_TOKEN_UNKNOWN },
	{ "no token", "", "", NULL, false, 0, -REASON_TOKEN_UNKNOWN },
	{ "endless token", LONG, "", NULL, false, 0, -REASON_TOKEN_UNKNOWN },
	{ "another's certificate", NULL, "", "n-000000000000", false, 0, -REASON_CERT_MISMATCH },
	{ "endless certificate", NULL, "", LONG, false, 0, -REASON_CERT_MISMATCH },
	{ "no name in it", NULL, "", "", false, 0, -REASON_CERT_MISMATCH },
	{ "no name, allowed", NULL, "", "", true, 0, 0 },
	{ "another's, though any is allowed", NULL, "", "reserverd", true, 0,
	    -REASON_CERT_MISMATCH },
	{ "a net-token that nobody has", NULL, "secret", NULL, false, 0,
	    -REASON_NET_TOKEN_INVALID },
};

START_TEST(token_and_certificate_decide)
{
	struct lease_wish wish;
	struct store_node n;
	struct lease lease = { .epoch = 77 };
	int rc;

	book_init(&b, BOOK_SMALL);
	b.conf.require_node_cert = !entries[_i].any_cert;
	n = book_enroll(&b);
	wish.node_token = entries[_i].token != NULL ? entries[_i].token : n.token;
	wish.cert_node_id = entries[_i].cert != NULL ? entries[_i].cert : n.id;
	wish.net_token = entries[_i].net_token;
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s + entries[_i].later_s), 0);
	rc = ledger_answer(&b.ledger, lease_attach(&b.ledger, &wish, &lease, &b.err));
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	ck_assert_msg(rc == entries[_i].rc, "%s: %s", entries[_i].what, err_name(rc));
	ck_assert_int_eq(book_get(&b, n.id).state, rc == 0 ? NODE_CONNECTING : NODE_NEVER);
	if (rc < 0)
		ck_assert_uint_eq(lease.epoch, 77);
	book_fini(&b);
}
END_TEST

START_TEST(whoever_has_attached_does_not_expire)
{
	struct store_node n;
	struct lease lease;

	book_init(&b, BOOK_SMALL);
	n = book_enroll(&b);
	ck_assert_int_eq(book_attach(&b, &n, &lease), 0);
	b.now_s += 1000 * BOOK_TTL_S;
	book_restart(&b);
	ck_assert_int_eq(book_attach(&b, &n, &lease), 0);
	book_fini(&b);
}
END_TEST

/* --- the reserved registration ---------------------------------------------------------------- */

static const struct store_node reserved = { .id = LEDGER_RESERVED, .token = LEDGER_RESERVED };

START_TEST(the_reserved_one_is_there_and_stays)
{
	struct lease lease, again;

	book_init(&b, BOOK_SMALL);
	ck_assert_int_eq(book_get(&b, LEDGER_RESERVED).state, NODE_NEVER);
	ck_assert_int_eq(book_get(&b, LEDGER_RESERVED).addr.family, 0);
	b.now_s += 1000 * BOOK_TTL_S;
	ck_assert_int_eq(book_attach(&b, &reserved, &lease), 0);
	ck_assert(lease.change.bound);
	ck_assert_int_eq(book_report(&b, LEDGER_RESERVED, lease.epoch, NODE_CONNECTED), 0);
	ck_assert_int_eq(book_delete(&b, LEDGER_RESERVED), 0);
	ck_assert(book_has(&b, LEDGER_RESERVED));
	ck_assert_int_eq(book_get(&b, LEDGER_RESERVED).addr.family, 0);
	ck_assert_int_eq(book_get(&b, LEDGER_RESERVED).state, NODE_IDLE);
	book_check_pool(&b);
	/* What its session says late changes nothing. */
	ck_assert_int_eq(book_report(&b, LEDGER_RESERVED, lease.epoch, NODE_CONNECTED), 0);
	ck_assert_int_eq(book_attach(&b, &reserved, &again), 0);
	ck_assert(again.change.bound);
	ck_assert_uint_gt(again.epoch, lease.epoch);
	book_restart(&b);
	ck_assert_str_eq(book_sql("select count(*), max(bind_ip) from vpn_mgr"), "1|10.1.1.2");
	book_fini(&b);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("lease");

	tcase_set_timeout(tc, 60);	/* every commit waits for the disk */
	tcase_add_test(tc, an_address_is_bound_by_enrolling_and_kept);
	tcase_add_test(tc, epochs_rise_over_restarts);
	tcase_add_test(tc, no_two_nodes_share_an_address);
	KIT_ROWS(tc, token_and_certificate_decide, entries);
	tcase_add_test(tc, whoever_has_attached_does_not_expire);
	tcase_add_test(tc, the_reserved_one_is_there_and_stays);
	return kit_run("ipamd/lease", tc);
}
