/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/session.h"

#include <check.h>
#include <string.h>

#include "common/reason.h"
#include "tests/unit/ipamd/book.h"
#include "tests/unit/kit.h"

static struct book b;

/* --- reports ---------------------------------------------------------------------------------- */

static const struct {
	const char *path;	/* what is reported: C connected, L lost, I idle; A attaches anew */
	enum node_state state;
	const char *row;	/* vpn_mgr.state */
} paths[] = {
	{ "A", NODE_CONNECTING, "1" },
	{ "AC", NODE_CONNECTED, "3" },
	{ "ACL", NODE_LOST, "-1" },
	{ "ACI", NODE_IDLE, "-1" },
	{ "AI", NODE_IDLE, "-1" },
	{ "ACA", NODE_CONNECTING, "1" },
	{ "ACLAC", NODE_CONNECTED, "3" },
	{ "ACCC", NODE_CONNECTED, "3" },
	{ "ACLC", NODE_CONNECTED, "3" },
};

START_TEST(the_row_follows_the_session)
{
	struct lease lease = { .epoch = 0 };
	struct store_node n;

	book_init(&b, "10.1.1.1/24");
	n = book_enroll(&b);
	for (const char *c = paths[_i].path; *c != '\0'; c++) {
		b.now_s += 10;
		if (*c == 'A')
			ck_assert_int_eq(book_attach(&b, &n, &lease), 0);
		else
			ck_assert_int_eq(book_report(&b, n.id, lease.epoch,
			    *c == 'C' ? NODE_CONNECTED : *c == 'L' ? NODE_LOST : NODE_IDLE), 0);
	}
	ck_assert_int_eq(book_get(&b, n.id).state, paths[_i].state);
	ck_assert_int_eq(book_get(&b, n.id).seen_s, b.now_s);
	ck_assert_str_eq(book_sql("select state from vpn_mgr order by id desc"), paths[_i].row);
	book_fini(&b);
}
END_TEST

START_TEST(how_the_last_session_ended_is_remembered)
{
	struct store_node n;
	struct lease lease;

	book_init(&b, "10.1.1.1/24");
	lease = book_connect(&b, &n);
	ck_assert_int_eq(book_report(&b, n.id, lease.epoch, NODE_IDLE), 0);
	ck_assert_int_eq(book_attach(&b, &n, &lease), 0);
	book_forsake(&b);	/* it never got further than connecting */
	ck_assert_int_eq(book_get(&b, n.id).state, NODE_IDLE);
	book_fini(&b);
}
END_TEST

START_TEST(an_older_session_has_nothing_to_say)
{
	struct store_node n;
	struct lease old, new;

	book_init(&b, "10.1.1.1/24");
	old = book_connect(&b, &n);
	ck_assert_int_eq(book_attach(&b, &n, &new), 0);
	ck_assert_int_eq(book_report(&b, n.id, new.epoch, NODE_CONNECTED), 0);
	ck_assert_int_eq(book_report(&b, n.id, old.epoch, NODE_LOST), 0);
	ck_assert_int_eq(book_get(&b, n.id).state, NODE_CONNECTED);
	ck_assert_uint_eq(book_get(&b, n.id).epoch, new.epoch);
	book_fini(&b);
}
END_TEST

START_TEST(reports_that_cannot_be_are_refused)
{
	struct store_node n;
	struct lease lease;

	book_init(&b, "10.1.1.1/24");
	lease = book_connect(&b, &n);
	ck_assert_int_eq(book_report(&b, "n-nobody", lease.epoch, NODE_LOST), -REASON_NODE_UNKNOWN);
	ck_assert_int_eq(book_report(&b, "", lease.epoch, NODE_LOST), -REASON_NODE_UNKNOWN);
	ck_assert_int_eq(book_report(&b, "n-01234567890123456789012345678901234567890123456789"
	    "0123456789012345678901234567890", lease.epoch, NODE_LOST), -REASON_NODE_UNKNOWN);
	ck_assert_int_eq(book_report(&b, n.id, lease.epoch + 1, NODE_LOST), -REASON_FIELD_INVALID);
	ck_assert_int_eq(book_report(&b, n.id, UINT64_MAX, NODE_LOST), -REASON_FIELD_INVALID);
	ck_assert_int_eq(book_report(&b, LEDGER_RESERVED, 0, NODE_LOST), -REASON_FIELD_INVALID);
	ck_assert_int_eq(book_get(&b, n.id).state, NODE_CONNECTED);
	book_fini(&b);
}
END_TEST

/* --- announcements ---------------------------------------------------------------------------- */

START_TEST(what_is_not_announced_is_not_connected)
{
	struct store_node n[3];
	struct lease lease[3];
	struct session said[3];
	bool gone[3];

	book_init(&b, "10.1.1.1/24");
	for (unsigned i = 0; i < 3; i++) {
		lease[i] = book_connect(&b, &n[i]);
		said[i] = (struct session){ n[i].id, lease[i].epoch, NODE_CONNECTED };
	}
	book_restart(&b);
	said[1].node_id = "n-nobody";
	said[2].state = NODE_CONNECTING;
	ck_assert_int_eq(book_announce(&b, said, 3, gone), 0);
	ck_assert(!gone[0] && gone[1] && !gone[2]);
	ck_assert(b.ledger.synced);
	ck_assert_int_eq(book_get(&b, n[0].id).state, NODE_CONNECTED);
	ck_assert_int_eq(book_get(&b, n[1].id).state, NODE_LOST);
	ck_assert_int_eq(book_get(&b, n[2].id).state, NODE_CONNECTING);
	ck_assert_int_eq(book_announce(&b, said, 1, NULL), 0);
	ck_assert_int_eq(book_announce(&b, said, 1, NULL), 0);
	ck_assert_int_eq(book_get(&b, n[0].id).state, NODE_CONNECTED);
	ck_assert_int_eq(book_get(&b, n[2].id).state, NODE_LOST);
	ck_assert_int_eq(book_announce(&b, NULL, 0, NULL), 0);	/* tunneld is new */
	ck_assert_int_eq(book_get(&b, n[0].id).state, NODE_LOST);
	book_fini(&b);
}
END_TEST

START_TEST(a_session_that_goes_on_is_no_new_use)
{
	struct store_node n;
	struct lease lease;
	struct session said;
	static const char sql[] = "select update_time, lru_seq, seen_s from vpn_mgr"
	    " order by id desc";
	char before[64];

	book_init(&b, "10.1.1.1/24");
	lease = book_connect(&b, &n);
	said = (struct session){ n.id, lease.epoch, NODE_CONNECTED };
	snprintf(before, sizeof(before), "%s", book_sql(sql));
	b.now_s += 1000;
	ck_assert_int_eq(book_announce(&b, &said, 1, NULL), 0);
	ck_assert_str_eq(book_sql(sql), before);
	book_fini(&b);
}
END_TEST

static int
part(bool first, bool last, const struct session *said, size_t n)
{
	struct session_part p = { first, last, said, n };
	bool gone[4];
	int rc;

	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	rc = ledger_answer(&b.ledger, session_announce(&b.ledger, &p, gone, &b.err));
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	return rc;
}

START_TEST(an_announcement_may_come_in_parts)
{
	struct store_node n[3], late;
	struct session said[3];
	struct lease lease;

	book_init(&b, "10.1.1.1/24");
	for (unsigned i = 0; i < 3; i++) {
		lease = book_connect(&b, &n[i]);
		said[i] = (struct session){ n[i].id, lease.epoch, NODE_CONNECTED };
	}
	book_restart(&b);
	ck_assert_int_eq(part(false, true, said, 0), -REASON_FIELD_INVALID);
	ck_assert(!b.ledger.synced);
	ck_assert_int_eq(part(true, false, &said[0], 1), 0);
	ck_assert(!b.ledger.synced);
	late = book_enroll(&b);	/* comes in while it runs: nobody can have announced it */
	ck_assert_int_eq(book_attach(&b, &late, &lease), 0);
	ck_assert_int_eq(book_report(&b, late.id, lease.epoch, NODE_CONNECTED), 0);
	ck_assert_int_eq(part(false, false, &said[1], 1), 0);
	ck_assert_int_eq(part(false, true, said, 0), 0);
	ck_assert(b.ledger.synced);
	ck_assert_int_eq(book_get(&b, n[0].id).state, NODE_CONNECTED);
	ck_assert_int_eq(book_get(&b, n[1].id).state, NODE_CONNECTED);
	ck_assert_int_eq(book_get(&b, n[2].id).state, NODE_LOST);
	ck_assert_int_eq(book_get(&b, late.id).state, NODE_CONNECTED);
	ck_assert_int_eq(part(false, true, said, 0), -REASON_FIELD_INVALID);	/* it is over */
	book_fini(&b);
}
END_TEST

START_TEST(an_attach_that_crosses_the_announcement_is_left_alone)
{
	struct store_node n;
	struct lease lease;

	book_init(&b, "10.1.1.1/24");
	n = book_enroll(&b);
	ck_assert_int_eq(book_attach(&b, &n, &lease), 0);
	/* Made before the answer to the attach had come. */
	ck_assert_int_eq(book_announce(&b, NULL, 0, NULL), 0);
	ck_assert_int_eq(book_get(&b, n.id).state, NODE_CONNECTING);
	ck_assert_int_eq(book_announce(&b, NULL, 0, NULL), 0);
	ck_assert_int_eq(book_get(&b, n.id).state, NODE_NEVER);
	book_fini(&b);
}
END_TEST

START_TEST(an_older_session_shows_that_the_node_is_there)
{
	struct store_node n;
	struct lease old, new;
	struct session said;

	book_init(&b, "10.1.1.1/24");
	old = book_connect(&b, &n);
	ck_assert_int_eq(book_attach(&b, &n, &new), 0);
	ck_assert_int_eq(book_report(&b, n.id, new.epoch, NODE_CONNECTED), 0);
	said = (struct session){ n.id, old.epoch, NODE_CONNECTING };
	ck_assert_int_eq(book_announce(&b, &said, 1, NULL), 0);
	ck_assert_int_eq(book_get(&b, n.id).state, NODE_CONNECTED);
	ck_assert_uint_eq(book_get(&b, n.id).epoch, new.epoch);
	book_fini(&b);
}
END_TEST

/* A row of an earlier run must not seem to be announced in this one, nor to come right now. */
START_TEST(a_restart_does_not_confuse_rounds)
{
	struct store_node there, gone, coming;
	struct session said;
	struct lease lease;

	book_init(&b, "10.1.1.1/24");
	lease = book_connect(&b, &there);
	book_connect(&b, &gone);
	coming = book_enroll(&b);
	ck_assert_int_eq(book_attach(&b, &coming, &(struct lease){ 0 }), 0);
	for (unsigned i = 0; i < 3; i++) {
		said = (struct session){ there.id, lease.epoch, NODE_CONNECTED };
		book_restart(&b);
		ck_assert_int_eq(book_announce(&b, &said, 1, NULL), 0);
		ck_assert_int_eq(book_get(&b, there.id).state, NODE_CONNECTED);
		ck_assert_int_eq(book_get(&b, gone.id).state, NODE_LOST);
		ck_assert_int_eq(book_get(&b, coming.id).state, NODE_NEVER);
	}
	book_fini(&b);
}
END_TEST

START_TEST(who_is_forsaken_is_not_reclaimed)
{
	struct store_node n;
	struct session said;
	struct lease lease;
	struct token_wish wish = { .network = "", .address = "" };
	struct token_view made;
	struct token_node node;

	book_init(&b, "10.1.1.1/30");
	book_sync(&b);
	lease = book_connect(&b, &n);
	book_forsake(&b);
	ck_assert_int_eq(book_get(&b, n.id).state, NODE_LOST);
	ck_assert_int_eq(book_token(&b, &wish, &made), 0);
	ck_assert_int_eq(book_redeem(&b, made.secret, 9, &node), -REASON_IPAM_DOWN);
	said = (struct session){ n.id, lease.epoch, NODE_CONNECTED };
	ck_assert_int_eq(book_announce(&b, &said, 1, NULL), 0);	/* it was there all the time */
	ck_assert_int_eq(book_get(&b, n.id).state, NODE_CONNECTED);
	ck_assert_int_eq(book_redeem(&b, made.secret, 9, &node), -REASON_POOL_EXHAUSTED);
	book_fini(&b);
}
END_TEST

START_TEST(an_announcement_that_cannot_be_counts_for_nothing)
{
	struct store_node n;
	struct lease lease;
	struct session said[2];

	book_init(&b, "10.1.1.1/24");
	lease = book_connect(&b, &n);
	book_restart(&b);
	said[0] = (struct session){ n.id, lease.epoch, NODE_CONNECTED };
	said[1] = (struct session){ n.id, UINT64_MAX, NODE_CONNECTED };
	ck_assert_int_eq(book_announce(&b, said, 2, NULL), -REASON_FIELD_INVALID);
	ck_assert(!b.ledger.synced);
	ck_assert_int_eq(book_get(&b, n.id).state, NODE_CONNECTED);
	ck_assert_int_eq(part(false, true, said, 1), -REASON_FIELD_INVALID);
	ck_assert_int_eq(book_announce(&b, said, 1, NULL), 0);
	ck_assert(b.ledger.synced);
	book_fini(&b);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("session");

	tcase_set_timeout(tc, 60);	/* every commit waits for the disk */
	KIT_ROWS(tc, the_row_follows_the_session, paths);
	tcase_add_test(tc, how_the_last_session_ended_is_remembered);
	tcase_add_test(tc, an_older_session_has_nothing_to_say);
	tcase_add_test(tc, reports_that_cannot_be_are_refused);
	tcase_add_test(tc, what_is_not_announced_is_not_connected);
	tcase_add_test(tc, a_session_that_goes_on_is_no_new_use);
	tcase_add_test(tc, an_announcement_may_come_in_parts);
	tcase_add_test(tc, an_attach_that_crosses_the_announcement_is_left_alone);
	tcase_add_test(tc, an_older_session_shows_that_the_node_is_there);
	tcase_add_test(tc, a_restart_does_not_confuse_rounds);
	tcase_add_test(tc, who_is_forsaken_is_not_reclaimed);
	tcase_add_test(tc, an_announcement_that_cannot_be_counts_for_nothing);
	return kit_run("ipamd/session", tc);
}
