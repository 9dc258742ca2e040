/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/rules.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

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
token(unsigned i)
{
	struct store_token t = { .net = STORE_NET_DEFAULT, .uses = 2, .uses_left = 1,
		.create_s = SHELF_NOW - 5, .expire_s = SHELF_NOW + i };

	snprintf(t.label, sizeof(t.label), "label-%u", i);
	t.hash[0] = (uint8_t) i;
	return t;
}

static void
tokens_are_used_up(void)
{
	struct store_token t = token(1), other = token(2), found, list[3];
	uint64_t n;

	t.uses_left = 2;
	rules_begin();
	ck_assert_int_eq(store_token_add(rules_store, &t), 0);
	ck_assert_int_eq(store_token_add(rules_store, &t), -EEXIST);
	ck_assert_int_eq(store_token_add(rules_store, &other), 0);
	rules_end();
	rules_reopen();
	ck_assert_int_eq(store_token_by_hash(rules_store, t.hash, &found), 0);
	ck_assert_str_eq(found.label, "label-1");
	ck_assert_uint_eq(found.uses_left, 2);
	ck_assert_int_eq(found.expire_s, SHELF_NOW + 1);
	rules_begin();
	ck_assert_int_eq(store_token_use(rules_store, t.row), 0);
	ck_assert_int_eq(store_token_use(rules_store, t.row), 0);
	ck_assert_int_eq(store_token_use(rules_store, t.row), -ESTALE);
	rules_end();
	ck_assert_int_eq(store_tokens_expired(rules_store, SHELF_NOW, list, 3), 0);
	ck_assert_int_eq(store_tokens_expired(rules_store, SHELF_NOW + 2, list, 3), 2);
	ck_assert_int_eq(list[0].row, t.row);
	rules_begin();
	ck_assert_int_eq(store_token_delete(rules_store, t.row), 0);
	ck_assert_int_eq(store_token_delete(rules_store, t.row), -ESTALE);
	rules_end();
	ck_assert_int_eq(store_token_by_hash(rules_store, t.hash, &found), -ENOENT);
	ck_assert_int_eq(store_token_count(rules_store, &n), 0);
	ck_assert_uint_eq(n, 1);
}

static void
tokens_are_listed(void)
{
	struct store_token t[4], found, list[4];

	rules_begin();
	for (unsigned i = 0; i < 4; i++) {
		t[i] = token(i);
		ck_assert_int_eq(store_token_add(rules_store, &t[i]), 0);
	}
	ck_assert_int_eq(store_token_delete(rules_store, t[1].row), 0);
	rules_end();
	rules_reopen();
	ck_assert_int_eq(store_token_by_label(rules_store, "label-2", &found), 0);
	ck_assert_int_eq(found.row, t[2].row);
	ck_assert_uint_eq(found.uses, 2);
	ck_assert_uint_eq(found.uses_left, 1);
	ck_assert_int_eq(found.create_s, SHELF_NOW - 5);
	ck_assert_int_eq(store_token_by_label(rules_store, "label-1", &found), -ENOENT);
	ck_assert_int_eq(store_token_by_label(rules_store, "", &found), -ENOENT);
	ck_assert_int_eq(store_token_list(rules_store, 0, 0, list, 2), 2);
	ck_assert_str_eq(list[1].label, "label-2");
	ck_assert_int_eq(store_token_list(rules_store, STORE_NET_DEFAULT, list[1].row, list, 4), 1);
	ck_assert_str_eq(list[0].label, "label-3");
	ck_assert_int_eq(store_token_list(rules_store, STORE_NET_DEFAULT + 1, 0, list, 4), 0);
}

/* --- kept addresses --------------------------------------------------------------------------- */

static struct store_hold
hold(enum hold_kind kind, const char *address, const char *name)
{
	struct store_hold h = { .net = STORE_NET_DEFAULT, .addr = rules_addr(address),
		.kind = kind };

	snprintf(h.name, sizeof(h.name), "%s", name);
	return h;
}

static void
an_address_is_kept_once(void)
{
	struct store_hold a = hold(HOLD_NAME, "10.1.1.9", "edge"), found, list[4];
	struct store_hold same = hold(HOLD_REST, "10.1.1.9", "");
	struct store_hold named = hold(HOLD_NAME, "10.1.1.10", "edge");
	struct store_hold rest = hold(HOLD_REST, "10.1.1.11", "");
	uint64_t counts[HOLD_REST + 1];

	rest.until_s = SHELF_NOW + 10;
	rules_begin();
	ck_assert_int_eq(store_hold_add(rules_store, &a), 0);
	ck_assert_int_eq(store_hold_add(rules_store, &same), -EEXIST);
	ck_assert_int_eq(store_hold_add(rules_store, &named), -EEXIST);
	ck_assert_int_eq(store_hold_add(rules_store, &rest), 0);
	rules_end();
	rules_reopen();
	ck_assert_int_eq(store_hold_by_addr(rules_store, STORE_NET_DEFAULT, &a.addr, &found), 0);
	ck_assert_str_eq(found.name, "edge");
	ck_assert_int_eq(found.kind, HOLD_NAME);
	ck_assert_int_eq(store_hold_by_name(rules_store, STORE_NET_DEFAULT, "edge", &found), 0);
	ck_assert_int_eq(found.row, a.row);
	ck_assert_int_eq(store_hold_by_name(rules_store, STORE_NET_DEFAULT, "", &found), -ENOENT);
	ck_assert_int_eq(store_hold_by_name(rules_store, 2, "edge", &found), -ENOENT);
	ck_assert_int_eq(store_hold_list(rules_store, STORE_NET_DEFAULT, 0, list, 4), 2);
	ck_assert_int_eq(store_hold_list(rules_store, STORE_NET_DEFAULT, a.row, list, 4), 1);
	ck_assert_int_eq(list[0].until_s, SHELF_NOW + 10);
	ck_assert_int_eq(store_holds_expired(rules_store, SHELF_NOW + 9, list, 4), 0);
	ck_assert_int_eq(store_holds_expired(rules_store, SHELF_NOW + 10, list, 4), 1);
	ck_assert_int_eq(list[0].row, rest.row);
	ck_assert_int_eq(store_hold_counts(rules_store, STORE_NET_DEFAULT, counts), 0);
	ck_assert_uint_eq(counts[HOLD_NAME], 1);
	ck_assert_uint_eq(counts[HOLD_REST], 1);
	ck_assert_uint_eq(counts[HOLD_PROMISE], 0);
	rules_begin();
	ck_assert_int_eq(store_hold_delete(rules_store, a.row), 0);
	ck_assert_int_eq(store_hold_delete(rules_store, a.row), -ESTALE);
	ck_assert_int_eq(store_hold_add(rules_store, &named), 0);
	rules_end();
}

static void
a_promise_is_of_its_token(void)
{
	struct store_hold h = hold(HOLD_PROMISE, "10.1.1.9", ""), found;
	struct store_token t = token(1);

	rules_begin();
	ck_assert_int_eq(store_token_add(rules_store, &t), 0);
	h.token = t.row;
	ck_assert_int_eq(store_hold_add(rules_store, &h), 0);
	rules_end();
	rules_reopen();
	ck_assert_int_eq(store_hold_by_token(rules_store, t.row, &found), 0);
	ck_assert_str_eq(IP_TEXT(&found.addr), "10.1.1.9");
	ck_assert_int_eq(store_hold_by_token(rules_store, t.row + 1, &found), -ENOENT);
}

/* --- networks --------------------------------------------------------------------------------- */

static struct store_network
network(const char *name, const char *prefix)
{
	struct store_network n = { .create_s = SHELF_NOW };

	snprintf(n.name, sizeof(n.name), "%s", name);
	ck_assert_int_eq(ip_prefix_parse(prefix, &n.prefix), 0);
	return n;
}

static void
networks_are_kept(void)
{
	struct store_network blue = network("blue", "10.2.0.1/16"), list[3], again = blue;

	blue.nexclude = 2;
	ip_prefix_parse("10.2.0.0/24", &blue.exclude[0]);
	ip_prefix_parse("10.2.9.9/32", &blue.exclude[1]);
	blue.has_token = true;
	memset(blue.token_hash, 7, sizeof(blue.token_hash));
	rules_begin();
	ck_assert_int_eq(store_network_add(rules_store, &blue), 0);
	ck_assert_int_eq(store_network_add(rules_store, &again), -EEXIST);
	rules_end();
	rules_reopen();
	ck_assert_int_eq(store_network_list(rules_store, list, 3), 2);
	ck_assert_int_eq(list[0].id, STORE_NET_DEFAULT);
	ck_assert_str_eq(list[0].name, "default");
	ck_assert_int_eq(list[1].id, blue.id);
	ck_assert_str_eq(list[1].name, "blue");
	ck_assert_str_eq(PREFIX_TEXT(&list[1].prefix), "10.2.0.1/16");
	ck_assert_uint_eq(list[1].nexclude, 2);
	ck_assert_str_eq(PREFIX_TEXT(&list[1].exclude[1]), "10.2.9.9/32");
	ck_assert(list[1].has_token && list[1].token_hash[31] == 7 && !list[1].from_conf);
	ck_assert_int_eq(list[1].create_s, SHELF_NOW);
	blue = network("other", "10.3.0.1/16");
	blue.id = list[1].id;
	blue.from_conf = true;
	rules_begin();
	ck_assert_int_eq(store_network_change(rules_store, &blue), 0);
	rules_end();
	ck_assert_int_eq(store_network_list(rules_store, list, 3), 2);
	ck_assert_str_eq(list[1].name, "blue");	/* the name is for ever */
	ck_assert_str_eq(PREFIX_TEXT(&list[1].prefix), "10.3.0.1/16");
	ck_assert(!list[1].has_token && list[1].from_conf && list[1].nexclude == 0);
	rules_begin();
	ck_assert_int_eq(store_network_delete(rules_store, blue.id), 0);
	ck_assert_int_eq(store_network_delete(rules_store, blue.id), -ESTALE);
	ck_assert_int_eq(store_network_change(rules_store, &blue), -ESTALE);
	rules_end();
	ck_assert_int_eq(store_network_list(rules_store, list, 3), 1);
}

/* A network with a node, a token and kept addresses of each kind. */
static struct store_network
furnished(void)
{
	struct store_network blue = network("blue", "10.1.1.1/24");
	struct store_hold name = hold(HOLD_NAME, "10.1.1.10", "edge");
	struct store_hold rest = hold(HOLD_REST, "10.1.1.11", "");
	struct store_hold promise = hold(HOLD_PROMISE, "10.1.1.12", "");
	struct store_node n = shelf_node(2);
	struct store_token t = token(1);

	rules_begin();
	ck_assert_int_eq(store_network_add(rules_store, &blue), 0);
	n.net = t.net = name.net = rest.net = promise.net = blue.id;
	n.fixed = true;
	n.addr = rules_addr("10.1.1.2");	/* which is a node's of the other network, too */
	ck_assert_int_eq(store_node_add(rules_store, &n, SHELF_NOW), 0);
	ck_assert_int_eq(store_node_touch(rules_store, &n, NODE_CONNECTED, 9, 0, SHELF_NOW), 0);
	ck_assert_int_eq(store_token_add(rules_store, &t), 0);
	promise.token = t.row;
	ck_assert_int_eq(store_hold_add(rules_store, &name), 0);
	ck_assert_int_eq(store_hold_add(rules_store, &rest), 0);
	ck_assert_int_eq(store_hold_add(rules_store, &promise), 0);
	rules_end();
	return blue;
}

static void
a_network_goes_with_all_that_is_in_it(void)
{
	struct store_hold list[3];
	struct store_network blue;
	uint64_t n;

	shelf_add(rules_store, 1, SHELF_NOW);
	blue = furnished();
	rules_begin();
	ck_assert_int_eq(store_network_delete(rules_store, blue.id), 0);
	rules_end();
	rules_reopen();
	ck_assert(rules_has("n-1") && !rules_has("n-2"));
	ck_assert_int_eq(store_hold_list(rules_store, blue.id, 0, list, 3), 0);
	ck_assert_int_eq(store_token_count(rules_store, &n), 0);
	ck_assert_uint_eq(n, 0);
}

static void
a_cleared_network_has_no_address_left(void)
{
	struct store_hold list[3];
	struct store_network blue;
	struct store_node n;

	shelf_add(rules_store, 1, SHELF_NOW);
	blue = furnished();
	rules_begin();
	ck_assert_int_eq(store_network_clear(rules_store, blue.id, 20, SHELF_NOW + 3), 1);
	rules_end();
	n = rules_get("n-2");
	ck_assert_int_eq(n.addr.family, 0);
	ck_assert_int_eq(n.state, NODE_IDLE);
	ck_assert_int_eq(n.seen_s, SHELF_NOW + 3);
	ck_assert_uint_eq(n.epoch, 20);
	ck_assert(!n.fixed && n.attached);
	ck_assert_int_eq(rules_get("n-1").addr.family, AF_INET);
	ck_assert_int_eq(rules_get("n-1").state, NODE_NEVER);
	/* What is promised or reserved stays so. */
	ck_assert_int_eq(store_hold_list(rules_store, blue.id, 0, list, 3), 2);
	ck_assert_int_eq(list[0].kind, HOLD_NAME);
	ck_assert_int_eq(list[1].kind, HOLD_PROMISE);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void
answers_are_kept_for_a_while(void)
{
	struct store_reply r = { .digest = { 1 }, .body = { 2 }, .salt = { 3 }, .bytes = "abc",
		.len = 3, .time_s = SHELF_NOW }, found;

	rules_begin();
	ck_assert_int_eq(store_reply_add(rules_store, &r), 0);
	ck_assert_int_eq(store_reply_add(rules_store, &r), -EEXIST);
	rules_end();
	rules_reopen();
	ck_assert_int_eq(store_reply_by_digest(rules_store, r.digest, &found), 0);
	ck_assert_uint_eq(found.len, 3);
	ck_assert_mem_eq(found.bytes, "abc", 3);
	ck_assert_int_eq(found.body[0], 2);
	ck_assert_int_eq(found.salt[0], 3);
	ck_assert_int_eq(found.time_s, SHELF_NOW);
	rules_begin();
	ck_assert_int_eq(store_forget(rules_store, STORE_REPLIES, SHELF_NOW, 100, 8), 0);
	ck_assert_int_eq(store_forget(rules_store, STORE_REPLIES, SHELF_NOW + 1, 100, 8), 1);
	rules_end();
	ck_assert_int_eq(store_reply_by_digest(rules_store, r.digest, &found), -ENOENT);
}

/* --- events and counters ---------------------------------------------------------------------- */

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
	{ "tokens are listed", tokens_are_listed },
	{ "an address is kept once", an_address_is_kept_once },
	{ "a promise is of its token", a_promise_is_of_its_token },
	{ "networks are kept", networks_are_kept },
	{ "a network goes with all that is in it", a_network_goes_with_all_that_is_in_it },
	{ "a cleared network has no address left", a_cleared_network_has_no_address_left },
	{ "answers are kept for a while", answers_are_kept_for_a_while },
	{ "events are numbered without gaps", events_are_numbered_without_gaps },
	{ "who is lost unannounced is told of", who_is_lost_unannounced_is_told_of },
	{ "starts are counted", starts_are_counted },
	{ "starts are above all epochs", starts_are_above_all_epochs },
	{ NULL, NULL },
};
