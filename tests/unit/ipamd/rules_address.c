/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/rules.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>

#include "tests/unit/ipamd/shelf.h"

/* --- addresses and tokens --------------------------------------------------------------------- */

static void
bindings_and_counts_are_per_network(void)
{
	struct store_binding b[3];
	struct ip_addr none = { 0 };
	struct store_counts c;
	struct store_node n;

	for (unsigned i = 1; i <= 3; i++)
		shelf_add(rules_store, i, SHELF_NOW);
	shelf_use(rules_store, "n-1", NODE_CONNECTED, SHELF_NOW);
	n = rules_get("n-2");
	rules_begin();
	ck_assert_int_eq(store_node_bind(rules_store, &n, &none, false, SHELF_NOW), 0);
	ck_assert_int_eq(store_node_stale(rules_store, rules_get("n-3").row, true), 0);
	rules_end();
	ck_assert_int_eq(store_bindings(rules_store, STORE_NET_DEFAULT, 0, b, 3), 2);
	ck_assert_str_eq(IP_TEXT(&b[0].addr), "10.1.1.2");
	ck_assert(!b[0].stale && b[1].stale);
	ck_assert_int_eq(store_bindings(rules_store, STORE_NET_DEFAULT, b[0].row, b, 3), 1);
	ck_assert_int_eq(store_bindings(rules_store, STORE_NET_DEFAULT + 1, 0, b, 3), 0);
	ck_assert_int_eq(store_counts(rules_store, STORE_NET_DEFAULT, &c), 0);
	ck_assert_uint_eq(c.nodes, 3);
	ck_assert_uint_eq(c.bound, 2);
	ck_assert_uint_eq(c.connected, 1);
}

static struct store_token
token(unsigned i, const char *address)
{
	struct store_token t = { .net = STORE_NET_DEFAULT, .uses_left = 1,
		.expire_s = SHELF_NOW + i };

	snprintf(t.label, sizeof(t.label), "label-%u", i);
	t.hash[0] = (uint8_t) i;
	if (address != NULL)
		t.addr = rules_addr(address);
	return t;
}

static void
tokens_are_used_up(void)
{
	struct store_token t = token(1, "10.1.1.9"), found, other = token(2, "10.1.1.9");
	struct store_binding b[3];
	uint64_t n;

	t.uses_left = 1;
	rules_begin();
	ck_assert_int_eq(store_token_add(rules_store, &t), 0);
	ck_assert_int_eq(store_token_add(rules_store, &t), -EEXIST);
	ck_assert_int_eq(store_token_add(rules_store, &other), -EEXIST);	/* its address is promised */
	rules_end();
	rules_reopen();
	ck_assert_int_eq(store_token_by_hash(rules_store, t.hash, &found), 0);
	ck_assert_str_eq(found.label, "label-1");
	ck_assert_str_eq(IP_TEXT(&found.addr), "10.1.1.9");
	ck_assert_int_eq(store_token_by_promise(rules_store, STORE_NET_DEFAULT, &t.addr, &found), 0);
	ck_assert_int_eq(found.row, t.row);
	ck_assert_int_eq(store_promises(rules_store, STORE_NET_DEFAULT, 0, b, 3), 1);
	rules_begin();
	ck_assert_int_eq(store_token_use(rules_store, t.row), 0);
	ck_assert_int_eq(store_token_use(rules_store, t.row), -ESTALE);
	rules_end();
	ck_assert_int_eq(store_promises(rules_store, STORE_NET_DEFAULT, 0, b, 3), 0);
	ck_assert_int_eq(store_token_by_promise(rules_store, STORE_NET_DEFAULT, &t.addr, &found), -ENOENT);
	rules_begin();
	ck_assert_int_eq(store_token_add(rules_store, &other), 0);	/* the promise was kept */
	rules_end();
	ck_assert_int_eq(store_tokens_expired(rules_store, SHELF_NOW, b, 3), 0);
	ck_assert_int_eq(store_tokens_expired(rules_store, SHELF_NOW + 2, b, 3), 2);
	ck_assert_int_eq(b[0].addr.family, 0);
	ck_assert_str_eq(IP_TEXT(&b[1].addr), "10.1.1.9");
	rules_begin();
	ck_assert_int_eq(store_token_delete(rules_store, t.row), 0);
	rules_end();
	ck_assert_int_eq(store_token_by_hash(rules_store, t.hash, &found), -ENOENT);
	ck_assert_int_eq(store_token_count(rules_store, &n), 0);
	ck_assert_uint_eq(n, 1);
}

static void
events_are_numbered_without_gaps(void)
{
	struct store_event e = { .kind = EVENT_CREATE, .time_s = SHELF_NOW, .node = "n-1",
		.network = "default", .addr = rules_addr("10.1.1.2"), .detail = "x=y" }, got[4];
	struct store_event_span span;

	ck_assert_int_eq(store_event_span(rules_store, &span), 0);
	ck_assert_uint_eq(span.oldest + span.newest, 0);
	rules_begin();
	ck_assert_int_eq(store_event_add(rules_store, &e), 0);
	ck_assert_uint_eq(e.revision, 1);
	ck_assert_int_eq(store_accept(rules_store), 0);
	rules_begin();
	ck_assert_int_eq(store_event_add(rules_store, &e), 0);
	ck_assert_int_eq(store_refuse(rules_store), 0);
	ck_assert_int_eq(store_due(rules_store), STORE_SOON);
	rules_begin();
	for (unsigned i = 2; i <= 4; i++)
		ck_assert_int_eq(store_event_add(rules_store, &e), 0);
	ck_assert_uint_eq(e.revision, 4);
	rules_end();
	rules_reopen();
	ck_assert_int_eq(store_event_list(rules_store, 2, got, 4), 2);
	ck_assert_uint_eq(got[0].revision, 3);
	ck_assert_str_eq(got[0].detail, "x=y");
	ck_assert_str_eq(IP_TEXT(&got[0].addr), "10.1.1.2");
	rules_begin();
	ck_assert_int_eq(store_event_trim(rules_store, 100), 0);	/* the newest stays */
	ck_assert_int_eq(store_event_add(rules_store, &e), 0);
	rules_end();
	ck_assert_int_eq(store_event_span(rules_store, &span), 0);
	ck_assert_uint_eq(span.oldest, 4);
	ck_assert_uint_eq(span.newest, 5);
}

static void
who_is_lost_unannounced_is_told_of(void)
{
	struct store_event got[3];

	shelf_add(rules_store, 1, SHELF_NOW);
	shelf_add(rules_store, 2, SHELF_NOW);
	shelf_use(rules_store, "n-2", NODE_CONNECTED, SHELF_NOW);
	shelf_use(rules_store, "n-1", NODE_CONNECTED, SHELF_NOW);
	rules_begin();
	ck_assert_int_eq(store_unannounced(rules_store, 5, SHELF_NOW + 9), 2);
	rules_end();
	ck_assert_int_eq(store_event_list(rules_store, 0, got, 3), 2);
	ck_assert_str_eq(got[0].node, "n-2");
	ck_assert_str_eq(got[1].node, "n-1");
	ck_assert_int_eq(got[1].kind, EVENT_LOST);
	ck_assert_int_eq(got[1].time_s, SHELF_NOW + 9);
	ck_assert_str_eq(got[1].network, "default");
	ck_assert_str_eq(IP_TEXT(&got[1].addr), "10.1.1.2");
}

static void
starts_are_counted(void)
{
	for (uint32_t i = 1; i <= 3; i++) {
		uint32_t boot;

		rules_begin();
		ck_assert_int_eq(store_boot(rules_store, &boot), 0);
		rules_end();
		ck_assert_uint_eq(boot, i);
		rules_reopen();
	}
}

/* A counter of an older copy does not let epochs fall. */
static void
starts_are_above_all_epochs(void)
{
	struct store_node n = shelf_add(rules_store, 1, SHELF_NOW);
	uint32_t boot;

	rules_begin();
	ck_assert_int_eq(store_node_touch(rules_store, &n, NODE_IDLE, (UINT64_C(7) << 32) + 5, 0,
	    SHELF_NOW), 0);
	rules_end();
	rules_reopen();
	rules_begin();
	ck_assert_int_eq(store_boot(rules_store, &boot), 0);
	rules_end();
	ck_assert_uint_eq(boot, 8);
}

const struct rule rules_address[] = {
	{ "bindings and counts are per network", bindings_and_counts_are_per_network },
	{ "tokens are used up", tokens_are_used_up },
	{ "events are numbered without gaps", events_are_numbered_without_gaps },
	{ "who is lost unannounced is told of", who_is_lost_unannounced_is_told_of },
	{ "starts are counted", starts_are_counted },
	{ "starts are above all epochs", starts_are_above_all_epochs },
	{ NULL, NULL },
};
