/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/token.h"

#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "tests/unit/ipamd/book.h"
#include "tests/unit/kit.h"

static struct book b;

static struct token_view
make(const char *address, unsigned uses, int64_t life_s)
{
	struct token_wish wish = { .network = "", .life_s = life_s, .uses = uses,
		.address = address };
	struct token_view made;

	ck_assert_msg(book_token(&b, &wish, &made) == 0, "%s", b.err.text);
	return made;
}

/* --- making ----------------------------------------------------------------------------------- */

static const struct {
	const char *what, *network;
	int64_t life_s;
	uint32_t uses;
	const char *address;
	int rc;
} wishes[] = {
	{ "nothing", "", 0, 0, "", 0 },
	{ "by name", "default", 1, 1, "", 0 },
	{ "many uses", "", 0, TOKEN_USES_MAX, "", 0 },
	{ "long life", "", TOKEN_LIFE_MAX_S, 1, "", 0 },
	{ "an address", "", 0, 1, "10.1.1.77", 0 },
	{ "too many uses", "", 0, TOKEN_USES_MAX + 1, "", -REASON_FIELD_INVALID },
	{ "too long a life", "", TOKEN_LIFE_MAX_S + 1, 1, "", -REASON_FIELD_INVALID },
	{ "an endless one", "", INT64_MAX, 1, "", -REASON_FIELD_INVALID },
	{ "none", "", -1, 1, "", -REASON_FIELD_INVALID },
	{ "another network", "office", 0, 1, "", -REASON_NETWORK_UNKNOWN },
	{ "one address for two", "", 0, 2, "10.1.1.77", -REASON_FIELD_INVALID },
	{ "no address", "", 0, 1, "10.1.1", -REASON_ADDRESS_INVALID },
	{ "outside", "", 0, 1, "10.1.2.77", -REASON_ADDRESS_INVALID },
	{ "of the other kind", "", 0, 1, "fd00::77", -REASON_ADDRESS_INVALID },
	{ "the server's", "", 0, 1, "10.1.1.1", -REASON_ADDRESS_INVALID },
	{ "the network's", "", 0, 1, "10.1.1.0", -REASON_ADDRESS_INVALID },
	{ "for all", "", 0, 1, "10.1.1.255", -REASON_ADDRESS_INVALID },
	{ "a node's", "", 0, 1, "10.1.1.2", -REASON_ADDRESS_TAKEN },
	{ "a token's", "", 0, 1, "10.1.1.99", -REASON_ADDRESS_TAKEN },
};

START_TEST(a_token_is_made_or_refused)
{
	struct token_wish wish = { wishes[_i].network, wishes[_i].life_s, wishes[_i].uses,
		wishes[_i].address };
	struct token_view made = { .row = { .uses = 77 } };
	struct store_node n;
	int rc;

	book_init(&b, "10.1.1.1/24");
	n = book_enroll(&b);
	ck_assert_str_eq(IP_TEXT(&n.addr), "10.1.1.2");
	make("10.1.1.99", 1, 0);
	rc = book_token(&b, &wish, &made);
	ck_assert_msg(rc == wishes[_i].rc, "%s: %s", wishes[_i].what, err_name(rc));
	book_check_pool(&b);
	if (rc < 0) {
		ck_assert_uint_eq(made.row.uses, 77);
	} else {
		ck_assert_uint_eq(strlen(made.secret), SECRET_TOKEN_LEN);
		ck_assert_uint_eq(strlen(made.row.label), STORE_LABEL_LEN);
		ck_assert_uint_eq(made.row.uses, wish.uses == 0 ? 1 : wish.uses);
		ck_assert_int_eq(made.row.expire_s, b.now_s +
		    (wish.life_s == 0 ? BOOK_TTL_S : wish.life_s));
		ck_assert_str_eq(made.network, "default");
	}
	book_fini(&b);
}
END_TEST

START_TEST(a_secret_is_not_kept)
{
	struct token_view made;
	char sql[160];

	book_init(&b, "10.1.1.1/24");
	made = make("", 1, 0);
	snprintf(sql, sizeof(sql), "select count(*) from bootstrap_tokens where label='%s' and"
	    " length(hash)=32 and hash<>'%s' and label<>'%s'",
	    made.row.label, made.secret, made.secret);
	ck_assert_str_eq(book_sql(sql), "1");
	book_fini(&b);
}
END_TEST

/* --- redeeming -------------------------------------------------------------------------------- */

START_TEST(a_token_becomes_a_node)
{
	uint8_t public[GRANT_KEY_LEN];
	struct token_view made;
	struct token_node t;
	struct grant g;
	struct err e;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(grant_key_public(b.granter.key, public), 0);
	made = make("", 1, 0);
	ck_assert_int_eq(book_redeem(&b, made.secret, 5, &t), 0);
	ck_assert(t.fresh && t.change.bound);
	ck_assert_uint_eq(strlen(t.node.id), strlen("n-0123456789ab"));
	ck_assert_int_eq(strncmp(t.node.id, "n-", 2), 0);
	for (const char *c = t.node.id + 2; *c != '\0'; c++)
		ck_assert(isxdigit((unsigned char) *c) && !isupper((unsigned char) *c));
	ck_assert_uint_eq(strlen(t.node.token), SECRET_TOKEN_LEN);
	ck_assert_str_eq(t.node.display_name, "a node");
	ck_assert_int_eq(t.node.state, NODE_NEVER);
	ck_assert_int_eq(t.node.create_s, b.now_s);
	ck_assert_int_eq(grant_verify(t.grpc_grant, GRANT_WIRE_LEN, public, b.now_s, &g, &e), 0);
	ck_assert_int_eq(g.pki, GRANT_PKI_GRPC);
	ck_assert_str_eq(g.node_id, t.node.id);
	ck_assert_int_eq(g.not_after, b.now_s + b.conf.cert_life_ms / 1000);
	ck_assert_int_eq(g.spki[0], 1);
	ck_assert_int_eq(grant_verify(t.vpn_grant, GRANT_WIRE_LEN, public, b.now_s, &g, &e), 0);
	ck_assert_int_eq(g.pki, GRANT_PKI_VPN);
	ck_assert_int_eq(g.spki[0], 2);
	book_check_pool(&b);
	book_restart(&b);
	ck_assert_str_eq(book_get(&b, t.node.id).token, t.node.token);
	book_fini(&b);
}
END_TEST

START_TEST(the_same_keys_get_the_same_node)
{
	struct token_node first, again, other;
	struct token_view made;

	book_init(&b, "10.1.1.1/24");
	made = make("", 1, 0);
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &first), 0);
	book_restart(&b);
	b.now_s += 30;
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &again), 0);
	ck_assert(!again.fresh && !again.change.bound);
	ck_assert_str_eq(again.node.id, first.node.id);
	ck_assert_str_eq(again.node.token, first.node.token);
	ck_assert(ip_equal(&again.node.addr, &first.node.addr));
	ck_assert_int_ne(memcmp(again.grpc_grant, first.grpc_grant, GRANT_WIRE_LEN), 0);
	ck_assert_int_eq(book_redeem(&b, made.secret, 2, &other), -REASON_TOKEN_USED);
	ck_assert_int_eq(book_delete(&b, first.node.id), 0);
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &again), -REASON_TOKEN_USED);
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

START_TEST(a_token_has_its_uses)
{
	struct token_node t[4];
	struct token_view made;

	book_init(&b, "10.1.1.1/24");
	made = make("", 3, 0);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(book_redeem(&b, made.secret, i, &t[i]), 0);
		ck_assert_int_eq(book_redeem(&b, made.secret, i, &t[3]), 0);
		ck_assert_str_eq(t[3].node.id, t[i].node.id);
	}
	ck_assert_str_ne(t[0].node.id, t[1].node.id);
	ck_assert_int_eq(book_redeem(&b, made.secret, 3, &t[3]), -REASON_TOKEN_USED);
	book_fini(&b);
}
END_TEST

START_TEST(the_life_of_a_token_ends_without_a_sweep)
{
	struct token_view made;
	struct token_node t;

	book_init(&b, "10.1.1.1/24");
	made = make("", 2, 100);
	b.now_s += 99;
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &t), 0);
	b.now_s += 1;
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &t), -REASON_TOKEN_EXPIRED);
	ck_assert_int_eq(book_redeem(&b, made.secret, 2, &t), -REASON_TOKEN_EXPIRED);
	ck_assert_int_eq(book_redeem(&b, "0123456789abcdef", 1, &t), -REASON_TOKEN_UNKNOWN);
	ck_assert_int_eq(book_redeem(&b, "", 1, &t), -REASON_TOKEN_UNKNOWN);
	book_fini(&b);
}
END_TEST

START_TEST(a_registration_that_has_expired_is_not_given_again)
{
	struct token_node first, again;
	struct token_view made;

	book_init(&b, "10.1.1.1/24");
	made = make("", 2, 10 * BOOK_TTL_S);
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &first), 0);
	b.now_s += BOOK_TTL_S + 1;
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &again), 0);
	ck_assert(again.fresh);
	ck_assert_str_ne(again.node.id, first.node.id);
	book_fini(&b);
}
END_TEST

static const struct {
	const char *what, *name;
	size_t grpc_len, vpn_len;
	bool same;
	int rc;
} claims[] = {
	{ "no name", "", 32, 32, false, 0 },
	{ "a name", "K\xc3\xbc" "che \xe2\x82\xac", 32, 32, false, 0 },
	{ "63 bytes", "012345678901234567890123456789012345678901234567890123456789012", 32, 32,
	    false, 0 },
	{ "64 bytes", "0123456789012345678901234567890123456789012345678901234567890123", 32, 32,
	    false, -REASON_FIELD_INVALID },
	{ "a tab", "a\tb", 32, 32, false, -REASON_FIELD_INVALID },
	{ "an escape", "\x1b[31m", 32, 32, false, -REASON_FIELD_INVALID },
	{ "a delete", "a\x7f", 32, 32, false, -REASON_FIELD_INVALID },
	{ "a C1 control", "a\xc2\x9b", 32, 32, false, -REASON_FIELD_INVALID },
	{ "no UTF-8", "a\xff", 32, 32, false, -REASON_FIELD_INVALID },
	{ "cut UTF-8", "a\xe2\x82", 32, 32, false, -REASON_FIELD_INVALID },
	{ "a surrogate", "\xed\xa0\x80", 32, 32, false, -REASON_FIELD_INVALID },
	{ "short key", "", 31, 32, false, -REASON_FIELD_INVALID },
	{ "long key", "", 32, 33, false, -REASON_FIELD_INVALID },
	{ "no key", "", 0, 32, false, -REASON_FIELD_INVALID },
	{ "one key for both", "", 32, 32, true, -REASON_FIELD_INVALID },
};

START_TEST(fields_are_checked)
{
	uint8_t grpc[64] = { 1 }, vpn[64] = { 2 };
	struct token_claim claim = {
		.display_name = claims[_i].name,
		.grpc_spki = claims[_i].grpc_len == 0 ? NULL : grpc,
		.grpc_spki_len = claims[_i].grpc_len,
		.vpn_spki = claims[_i].same ? grpc : vpn,
		.vpn_spki_len = claims[_i].vpn_len,
	};
	struct token_view made;
	struct token_node t;
	int rc;

	book_init(&b, "10.1.1.1/24");
	made = make("", 1, 0);
	claim.secret = made.secret;
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	rc = ledger_answer(&b.ledger, token_redeem(&b.ledger, &b.granter, &claim, &t, &b.err));
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	ck_assert_msg(rc == claims[_i].rc, "%s: %s", claims[_i].what, err_name(rc));
	if (rc == 0)
		ck_assert_str_eq(book_get(&b, t.node.id).display_name, claims[_i].name);
	else
		ck_assert_ptr_nonnull(strchr(b.err.text, ':'));	/* "field: what is wrong" */
	book_fini(&b);
}
END_TEST

/* --- promised addresses ----------------------------------------------------------------------- */

START_TEST(a_promise_is_kept)
{
	struct token_wish again = { .network = "", .uses = 1, .address = "10.1.1.2" };
	struct token_view made;
	struct token_node t;
	struct store_node n;

	book_init(&b, "10.1.1.1/24");
	made = make("10.1.1.2", 1, 0);
	book_restart(&b);
	n = book_enroll(&b);
	ck_assert_str_eq(IP_TEXT(&n.addr), "10.1.1.3");	/* nobody else gets it */
	ck_assert_int_eq(book_token(&b, &again, &made), -REASON_ADDRESS_TAKEN);
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &t), 0);
	ck_assert_str_eq(IP_TEXT(&t.node.addr), "10.1.1.2");
	ck_assert(t.node.fixed);
	book_check_pool(&b);
	ck_assert_int_eq(book_token(&b, &again, &made), -REASON_ADDRESS_TAKEN);
	ck_assert_int_eq(book_delete(&b, t.node.id), 0);
	ck_assert_int_eq(book_token(&b, &again, &made), 0);	/* free again */
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

START_TEST(a_promise_ends_with_its_token)
{
	struct token_view made;
	struct token_node t;

	book_init(&b, "10.1.1.1/24");
	make("10.1.1.2", 1, 100);
	b.now_s += 100;
	made = make("10.1.1.2", 1, 100);
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &t), 0);
	ck_assert_str_eq(IP_TEXT(&t.node.addr), "10.1.1.2");
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

START_TEST(a_chosen_address_is_never_reclaimed)
{
	struct token_view made;
	struct token_node t;
	struct lease lease;

	book_init(&b, "10.1.1.1/30");	/* one address */
	made = make("10.1.1.2", 1, 0);
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &t), 0);
	ck_assert_int_eq(book_attach(&b, &t.node, &lease), 0);
	ck_assert_int_eq(book_report(&b, t.node.id, lease.epoch, NODE_IDLE), 0);
	book_sync(&b);
	b.now_s += 1000000;
	made = make("", 1, 0);
	ck_assert_int_eq(book_redeem(&b, made.secret, 2, &t), -REASON_POOL_EXHAUSTED);
	book_fini(&b);
}
END_TEST

START_TEST(who_has_lost_a_chosen_address_is_like_others)
{
	struct token_view made;
	struct token_node t;
	struct lease lease;

	book_init(&b, "10.1.1.1/30");
	made = make("10.1.1.2", 1, 0);
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &t), 0);
	ip_prefix_parse("10.9.9.1/30", &b.conf.vpn_addr);
	book_restart(&b);
	ck_assert_int_eq(book_attach(&b, &t.node, &lease), 0);
	ck_assert_str_eq(IP_TEXT(&lease.addr.addr), "10.9.9.2");
	ck_assert(!book_get(&b, t.node.id).fixed);
	book_fini(&b);
}
END_TEST

START_TEST(a_promise_may_become_impossible)
{
	struct token_view made;
	struct token_node t;

	book_init(&b, "10.1.1.1/24");
	made = make("10.1.1.77", 1, 0);
	ip_prefix_parse("10.1.1.77/24", &b.conf.vpn_addr);
	book_restart(&b);
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &t), -REASON_ADDRESS_INVALID);
	ip_prefix_parse("10.1.1.1/24", &b.conf.vpn_addr);
	book_restart(&b);
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &t), 0);
	book_fini(&b);
}
END_TEST

/* --- seeing and revoking ---------------------------------------------------------------------- */

static int
get(const char *label, struct token_view *out)
{
	int rc;

	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	rc = ledger_answer(&b.ledger, token_get(&b.ledger, label, out));
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	return rc;
}

static int
revoke(const char *label)
{
	struct token_view v;
	int rc;

	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	rc = ledger_answer(&b.ledger, token_revoke(&b.ledger, label, &v));
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	if (rc == 0)
		ck_assert_str_eq(v.row.label, label);
	return rc;
}

START_TEST(a_token_is_seen_without_its_secret)
{
	struct token_view made, seen;
	struct token_node t;

	book_init(&b, "10.1.1.1/24");
	made = make("10.1.1.77", 1, 0);
	b.now_s += 5;
	ck_assert_int_eq(get(made.row.label, &seen), 0);
	ck_assert_str_eq(seen.secret, "");
	ck_assert_str_eq(seen.network, "default");
	ck_assert_str_eq(IP_TEXT(&seen.addr), "10.1.1.77");
	ck_assert_uint_eq(seen.row.uses, 1);
	ck_assert_uint_eq(seen.row.uses_left, 1);
	ck_assert_int_eq(seen.row.create_s, BOOK_START_S);
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &t), 0);
	ck_assert_int_eq(get(made.row.label, &seen), 0);
	ck_assert_int_eq(seen.addr.family, 0);	/* the node has it now */
	ck_assert_uint_eq(seen.row.uses_left, 0);
	ck_assert_int_eq(get("nobody", &seen), -REASON_TOKEN_NOT_FOUND);
	ck_assert_int_eq(get(made.secret, &seen), -REASON_TOKEN_NOT_FOUND);
	book_fini(&b);
}
END_TEST

START_TEST(a_revoked_token_is_worth_nothing)
{
	struct token_view made, other;
	struct token_node t;

	book_init(&b, "10.1.1.1/24");
	made = make("10.1.1.77", 1, 0);
	ck_assert_int_eq(revoke(made.row.label), 0);
	ck_assert_int_eq(revoke(made.row.label), -REASON_TOKEN_NOT_FOUND);
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &t), -REASON_TOKEN_UNKNOWN);
	book_check_pool(&b);
	other = make("10.1.1.77", 1, 0);	/* what it had promised is free */
	ck_assert_int_eq(book_redeem(&b, other.secret, 1, &t), 0);
	ck_assert_int_eq(revoke(other.row.label), 0);
	ck_assert(book_has(&b, t.node.id));	/* who has enrolled stays */
	ck_assert_str_eq(book_sql("select count(*) from events where kind=13"), "2");
	book_check_pool(&b);
	book_fini(&b);
}
END_TEST

START_TEST(tokens_are_listed_in_pages)
{
	struct token_page page = { .next = 0 };
	struct token_view made[5];
	size_t n = 0;

	book_init(&b, "10.1.1.1/24");
	for (unsigned i = 0; i < 5; i++)
		made[i] = make("", i + 1, 0);
	do {
		ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
		ck_assert_int_eq(token_list(&b.ledger, n == 0 ? "" : "default", page.next, 2, &page), 0);
		ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
		for (size_t i = 0; i < page.n; i++, n++) {
			ck_assert_str_eq(page.tokens[i].row.label, made[n].row.label);
			ck_assert_str_eq(page.tokens[i].secret, "");
		}
		free(page.tokens);
	} while (page.next != 0);
	ck_assert_uint_eq(n, 5);
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(token_list(&b.ledger, "nowhere", 0, 2, &page), -REASON_NETWORK_UNKNOWN);
	ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
	book_fini(&b);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("token");

	tcase_set_timeout(tc, 60);	/* every commit waits for the disk */
	KIT_ROWS(tc, a_token_is_made_or_refused, wishes);
	tcase_add_test(tc, a_secret_is_not_kept);
	tcase_add_test(tc, a_token_becomes_a_node);
	tcase_add_test(tc, the_same_keys_get_the_same_node);
	tcase_add_test(tc, a_token_has_its_uses);
	tcase_add_test(tc, the_life_of_a_token_ends_without_a_sweep);
	tcase_add_test(tc, a_registration_that_has_expired_is_not_given_again);
	KIT_ROWS(tc, fields_are_checked, claims);
	tcase_add_test(tc, a_promise_is_kept);
	tcase_add_test(tc, a_promise_ends_with_its_token);
	tcase_add_test(tc, a_chosen_address_is_never_reclaimed);
	tcase_add_test(tc, who_has_lost_a_chosen_address_is_like_others);
	tcase_add_test(tc, a_promise_may_become_impossible);
	tcase_add_test(tc, a_token_is_seen_without_its_secret);
	tcase_add_test(tc, a_revoked_token_is_worth_nothing);
	tcase_add_test(tc, tokens_are_listed_in_pages);
	return kit_run("ipamd/token", tc);
}
