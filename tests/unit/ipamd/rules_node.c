/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/rules.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/ipamd/shelf.h"

/* --- registering and finding ------------------------------------------------------------------ */

static void
a_node_is_found_again(void)
{
	struct store_node n = shelf_node(1), found;

	snprintf(n.display_name, sizeof(n.display_name), "edge");
	n.bootstrap = 7;
	memset(n.grpc_spki, 1, sizeof(n.grpc_spki));
	memset(n.vpn_spki, 2, sizeof(n.vpn_spki));
	n.fixed = true;
	rules_begin();
	ck_assert_int_eq(store_node_add(rules_store, &n, SHELF_NOW), 0);
	rules_end();
	rules_reopen();
	ck_assert_int_eq(store_node_by_token(rules_store, "token-1", &found), 0);
	ck_assert_int_eq(found.row, n.row);
	ck_assert_int_eq(found.use, n.use);
	ck_assert_str_eq(found.id, "n-1");
	ck_assert_str_eq(found.display_name, "edge");
	ck_assert_int_eq(found.net, STORE_NET_DEFAULT);
	ck_assert_str_eq(IP_TEXT(&found.addr), "10.1.1.2");
	ck_assert_int_eq(found.state, NODE_NEVER);
	ck_assert(found.fixed && !found.attached && !found.reserved);
	ck_assert_int_eq(found.create_s, SHELF_NOW);
	ck_assert_int_eq(found.seen_s, 0);
	ck_assert_int_eq(store_node_by_keys(rules_store, &n, &found), 0);
	ck_assert_int_eq(found.row, n.row);
	memset(found.grpc_spki, 0, sizeof(found.grpc_spki));
	ck_assert_int_eq(store_node_keys(rules_store, &found), 0);
	ck_assert_mem_eq(found.grpc_spki, n.grpc_spki, PKI_SPKI_LEN);
	ck_assert_mem_eq(found.vpn_spki, n.vpn_spki, PKI_SPKI_LEN);
	n.vpn_spki[0] = 9;
	ck_assert_int_eq(store_node_by_keys(rules_store, &n, &found), -ENOENT);
	ck_assert_int_eq(store_node_by_addr(rules_store, STORE_NET_DEFAULT, &n.addr, &found), 0);
	ck_assert_int_eq(found.row, n.row);
	ck_assert_int_eq(store_node_by_addr(rules_store, 2, &n.addr, &found), -ENOENT);
	n.addr = (struct ip_addr){ 0 };
	ck_assert_int_eq(store_node_by_addr(rules_store, STORE_NET_DEFAULT, &n.addr, &found),
	    -ENOENT);
	ck_assert_int_eq(store_node_by_token(rules_store, "token-2", &found), -ENOENT);
	ck_assert_int_eq(store_node_by_id(rules_store, "n-2", &found), -ENOENT);
}

static void
texts_of_any_length_are_looked_up(void)
{
	char text[1000];
	struct store_node n;

	shelf_add(rules_store, 1, SHELF_NOW);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(store_node_by_token(rules_store, text, &n), -ENOENT);
	ck_assert_int_eq(store_node_by_id(rules_store, text, &n), -ENOENT);
	ck_assert_int_eq(store_node_by_id(rules_store, "", &n), -ENOENT);
}

static void
nodes_are_listed_in_order_of_registration(void)
{
	struct store_node n[5];

	for (unsigned i = 1; i <= 4; i++)
		shelf_add(rules_store, i, SHELF_NOW);
	ck_assert_int_eq(store_node_list(rules_store, 0, 0, n, 3), 3);
	ck_assert_str_eq(n[0].id, "n-1");
	ck_assert_int_eq(store_node_list(rules_store, 0, n[2].row, n, 3), 1);
	ck_assert_str_eq(n[0].id, "n-4");
	ck_assert_int_eq(store_node_list(rules_store, 0, n[0].row, n, 3), 0);
	ck_assert_int_eq(store_node_list(rules_store, STORE_NET_DEFAULT, 0, n, 5), 4);
	ck_assert_int_eq(store_node_list(rules_store, STORE_NET_DEFAULT + 1, 0, n, 5), 0);
	ck_assert_int_eq(store_node_list(rules_store, 0, 0, n, 5), 4);
	n[0] = n[3];
	/* A row that was there is never used again. */
	rules_begin();
	ck_assert_int_eq(store_node_delete(rules_store, &n[0]), 0);
	rules_end();
	rules_reopen();
	ck_assert_int_gt(shelf_add(rules_store, 5, SHELF_NOW).row, n[0].row);
}

static void
what_must_be_unique_is(void)
{
	struct store_node a = shelf_add(rules_store, 1, SHELF_NOW), b = shelf_node(2), c = shelf_node(2);
	struct ip_addr none = { 0 };

	rules_begin();
	memcpy(b.id, a.id, sizeof(b.id));
	ck_assert_int_eq(store_node_add(rules_store, &b, SHELF_NOW), -EEXIST);
	b = c;
	memcpy(b.token, a.token, sizeof(b.token));
	ck_assert_int_eq(store_node_add(rules_store, &b, SHELF_NOW), -EEXIST);
	b = c;
	b.addr = a.addr;
	ck_assert_int_eq(store_node_add(rules_store, &b, SHELF_NOW), -EEXIST);
	b.addr = none;
	ck_assert_int_eq(store_node_add(rules_store, &b, SHELF_NOW), 0);	/* the request goes on */
	ck_assert_int_eq(store_node_bind(rules_store, &b, &a.addr, false, SHELF_NOW), -EEXIST);
	ck_assert_int_eq(store_node_bind(rules_store, &a, &none, false, SHELF_NOW), 0);
	rules_end();
	ck_assert_int_eq(rules_get("n-2").addr.family, 0);
	ck_assert_int_eq(rules_get("n-1").addr.family, 0);	/* many may have none */
}

/* --- preconditions ---------------------------------------------------------------------------- */

static int
bind_it(struct store_node *n)
{
	struct ip_addr a = rules_addr("10.1.1.77");

	return store_node_bind(rules_store, n, &a, false, SHELF_NOW);
}

static int
touch_it(struct store_node *n)
{
	return store_node_touch(rules_store, n, NODE_CONNECTED, n->epoch + 1, 0, SHELF_NOW);
}

static int
attach_it(struct store_node *n)
{
	struct ip_addr a = rules_addr("10.1.1.77");

	return store_node_attach(rules_store, n, &a, false, n->epoch + 1, 0, SHELF_NOW);
}

static int
steal_it(struct store_node *n)
{
	return store_node_steal(rules_store, n, SHELF_NOW);
}

static int
delete_it(struct store_node *n)
{
	return store_node_delete(rules_store, n);
}

static int
describe_it(struct store_node *n)
{
	return store_node_describe(rules_store, n, "edge", "k=v\n");
}

static void
a_row_is_changed_as_it_was_read(void)
{
	static int (*const change[])(struct store_node *n) = {
		bind_it, touch_it, attach_it, steal_it, describe_it, delete_it
	};

	for (unsigned i = 0; i < sizeof(change) / sizeof(change[0]); i++) {
		struct store_node old = shelf_add(rules_store, 1, SHELF_NOW), now;

		shelf_use(rules_store, "n-1", NODE_IDLE, SHELF_NOW);	/* in the same second */
		now = rules_get("n-1");
		rules_begin();
		ck_assert_int_eq(change[i](&old), -ESTALE);
		ck_assert_int_eq(rules_get("n-1").use, now.use);
		ck_assert_int_eq(change[i](&now), 0);
		if (rules_has("n-1")) {	/* what was changed can be changed again */
			ck_assert_int_eq(rules_get("n-1").use, now.use);
			ck_assert_int_eq(store_node_delete(rules_store, &now), 0);
		}
		ck_assert_int_eq(change[i](&now), -ESTALE);
		rules_end();
	}
}

static void
an_older_epoch_does_not_win(void)
{
	struct store_node n = shelf_add(rules_store, 1, SHELF_NOW);

	rules_begin();
	ck_assert_int_eq(store_node_touch(rules_store, &n, NODE_CONNECTING, 8, 0, SHELF_NOW), 0);
	ck_assert_int_eq(store_node_touch(rules_store, &n, NODE_CONNECTED, 7, 0, SHELF_NOW), -ESTALE);
	ck_assert_int_eq(store_node_touch(rules_store, &n, NODE_CONNECTED, 8, 0, SHELF_NOW + 5), 0);
	rules_end();
	rules_reopen();
	n = rules_get("n-1");
	ck_assert_int_eq(n.state, NODE_CONNECTED);
	ck_assert_uint_eq(n.epoch, 8);
	ck_assert_int_eq(n.seen_s, SHELF_NOW + 5);
	ck_assert(n.attached);
	rules_begin();
	ck_assert_int_eq(store_node_attach(rules_store, &n, &n.addr, false, 7, 0, SHELF_NOW), -ESTALE);
	ck_assert_int_eq(store_node_attach(rules_store, &n, &n.addr, false, 8, 0, SHELF_NOW), 0);
	rules_end();
}

static void
attaching_is_binding_and_a_session(void)
{
	struct store_node a = shelf_add(rules_store, 1, SHELF_NOW);
	struct store_node b = shelf_add(rules_store, 2, SHELF_NOW), row;
	struct ip_addr addr = rules_addr("10.1.1.77");

	rules_begin();
	ck_assert_int_eq(store_node_attach(rules_store, &a, &b.addr, true, 3, 1, SHELF_NOW), -EEXIST);
	ck_assert_int_eq(store_node_attach(rules_store, &a, &addr, true, 3, 1, SHELF_NOW + 5), 0);
	ck_assert_int_eq(store_due(rules_store), STORE_NOW);
	rules_end();
	rules_reopen();
	row = rules_get("n-1");
	ck_assert(ip_equal(&row.addr, &addr) && ip_equal(&a.addr, &addr));
	ck_assert(row.fixed && a.fixed && row.attached && a.attached);
	ck_assert_int_eq(row.state, NODE_CONNECTING);
	ck_assert_int_eq(a.state, NODE_CONNECTING);
	ck_assert_uint_eq(row.epoch, 3);
	ck_assert_int_eq(row.seen_s, SHELF_NOW + 5);
	ck_assert_int_eq(row.use, a.use);
}

/* Makes a node that cannot be reclaimed of one that can. */
static void
connects(struct store_node *n)
{
	ck_assert_int_eq(store_node_touch(rules_store, n, NODE_CONNECTED, 1, 0, SHELF_NOW), 0);
}

static void
comes(struct store_node *n)
{
	ck_assert_int_eq(store_node_touch(rules_store, n, NODE_CONNECTING, 1, 0, SHELF_NOW), 0);
}

static void
loses_its_address(struct store_node *n)
{
	struct ip_addr none = { 0 };

	ck_assert_int_eq(store_node_bind(rules_store, n, &none, false, SHELF_NOW), 0);
}

static void
gets_a_fixed_one(struct store_node *n)
{
	struct ip_addr a = n->addr;

	ck_assert_int_eq(store_node_bind(rules_store, n, &a, true, SHELF_NOW), 0);
}

static void
is_stale(struct store_node *n)
{
	ck_assert_int_eq(store_node_stale(rules_store, n->row, true), 0);
}

static void
not_every_node_is_a_victim(void)
{
	static void (*const change[])(struct store_node *n) = {
		connects, comes, loses_its_address, gets_a_fixed_one, is_stale
	};

	shelf_check_oldest(rules_store, NULL);
	for (unsigned i = 0; i < sizeof(change) / sizeof(change[0]); i++) {
		struct store_node n = shelf_add(rules_store, 1, SHELF_NOW);

		shelf_check_oldest(rules_store, "n-1");
		rules_begin();
		change[i](&n);
		shelf_check_oldest(rules_store, NULL);
		ck_assert_int_eq(store_node_steal(rules_store, &n, SHELF_NOW), -ESTALE);
		ck_assert_int_eq(store_node_delete(rules_store, &n), 0);
		rules_end();
	}
}

static void
the_same_address_stays_stale(void)
{
	struct ip_addr other = rules_addr("10.1.1.50"), same;
	struct store_node n = shelf_add(rules_store, 1, SHELF_NOW);

	rules_begin();
	ck_assert_int_eq(store_node_stale(rules_store, n.row, true), 0);
	same = n.addr;
	ck_assert_int_eq(store_node_bind(rules_store, &n, &same, false, SHELF_NOW), 0);
	shelf_check_oldest(rules_store, NULL);
	ck_assert_int_eq(store_node_bind(rules_store, &n, &other, false, SHELF_NOW), 0);
	shelf_check_oldest(rules_store, "n-1");
	rules_end();
}

static void
who_was_stolen_from_has_a_tombstone(void)
{
	struct store_node n = shelf_add(rules_store, 1, SHELF_NOW), m;
	struct store_tombstone t;

	ck_assert_int_eq(store_tombstone(rules_store, "token-1", &t), -ENOENT);
	rules_begin();
	ck_assert_int_eq(store_node_steal(rules_store, &n, SHELF_NOW + 5), 0);
	m = shelf_node(2);
	m.addr = n.addr;
	ck_assert_int_eq(store_node_add(rules_store, &m, SHELF_NOW + 5), 0);
	rules_end();
	rules_reopen();
	ck_assert(!rules_has("n-1"));
	ck_assert_int_eq(store_tombstone(rules_store, "token-1", &t), 0);
	ck_assert_str_eq(t.id, "n-1");
	ck_assert_int_eq(t.time_s, SHELF_NOW + 5);
	ck_assert_int_eq(store_tombstone(rules_store, "token-2", &t), -ENOENT);
}

static void
keys_of_who_is_gone_are_not_found(void)
{
	struct store_node gone = shelf_node(1), stolen = shelf_node(2), found;

	gone.bootstrap = stolen.bootstrap = 7;
	memset(gone.grpc_spki, 1, sizeof(gone.grpc_spki));
	memset(stolen.grpc_spki, 3, sizeof(stolen.grpc_spki));
	rules_begin();
	ck_assert_int_eq(store_node_add(rules_store, &gone, SHELF_NOW), 0);
	ck_assert_int_eq(store_node_add(rules_store, &stolen, SHELF_NOW), 0);
	ck_assert_int_eq(store_node_by_keys(rules_store, &stolen, &found), 0);
	ck_assert_int_eq(store_node_delete(rules_store, &gone), 0);
	ck_assert_int_eq(store_node_steal(rules_store, &stolen, SHELF_NOW), 0);
	rules_end();
	ck_assert_int_eq(store_node_by_keys(rules_store, &gone, &found), -ENOENT);
	ck_assert_int_eq(store_node_by_keys(rules_store, &stolen, &found), -ENOENT);
	ck_assert_int_eq(store_node_keys(rules_store, &stolen), -ENOENT);
}

static void
tombstones_are_forgotten(void)
{
	struct store_tombstone t;

	rules_begin();
	for (unsigned i = 1; i <= 6; i++) {
		struct store_node n = shelf_node(i);

		ck_assert_int_eq(store_node_add(rules_store, &n, SHELF_NOW), 0);
		ck_assert_int_eq(store_node_steal(rules_store, &n, SHELF_NOW + i), 0);
	}
	rules_end();
	rules_begin();
	ck_assert_int_eq(store_forget(rules_store, STORE_TOMBSTONES, SHELF_NOW + 3, 100, 8), 2);
	ck_assert_int_eq(store_accept(rules_store), 0);
	ck_assert_int_eq(store_due(rules_store), STORE_SOON);
	ck_assert_int_eq(store_commit(rules_store), 0);
	ck_assert_int_eq(store_tombstone(rules_store, "token-2", &t), -ENOENT);
	ck_assert_int_eq(store_tombstone(rules_store, "token-3", &t), 0);
	rules_begin();
	ck_assert_int_eq(store_forget(rules_store, STORE_TOMBSTONES, 0, 3, 8), 1);
	ck_assert_int_eq(store_forget(rules_store, STORE_TOMBSTONES, 0, 3, 8), 0);
	rules_end();
	ck_assert_int_eq(store_tombstone(rules_store, "token-3", &t), -ENOENT);
	ck_assert_int_eq(store_tombstone(rules_store, "token-4", &t), 0);
}

/* The clock was set back between the two: the second one is older, and goes first. */
static void
a_younger_tombstone_is_in_nobodys_way(void)
{
	struct store_node young = shelf_node(1), old = shelf_node(2);
	struct store_tombstone t;

	rules_begin();
	ck_assert_int_eq(store_node_add(rules_store, &young, SHELF_NOW), 0);
	ck_assert_int_eq(store_node_add(rules_store, &old, SHELF_NOW), 0);
	ck_assert_int_eq(store_node_steal(rules_store, &young, SHELF_NOW), 0);
	ck_assert_int_eq(store_node_steal(rules_store, &old, SHELF_NOW - 100), 0);
	ck_assert_int_eq(store_forget(rules_store, STORE_TOMBSTONES, SHELF_NOW - 50, 100, 1), 0);
	ck_assert_int_eq(store_forget(rules_store, STORE_TOMBSTONES, SHELF_NOW - 50, 100, 2), 1);
	rules_end();
	ck_assert_int_eq(store_tombstone(rules_store, "token-1", &t), 0);
	ck_assert_int_eq(store_tombstone(rules_store, "token-2", &t), -ENOENT);
}

static void
the_reserved_node_is_no_victim(void)
{
	struct store_node n = shelf_node(1), expired[2];

	n.reserved = true;
	rules_begin();
	ck_assert_int_eq(store_node_add(rules_store, &n, SHELF_NOW), 0);
	rules_end();
	shelf_check_oldest(rules_store, NULL);
	ck_assert_int_eq(store_nodes_expired(rules_store, SHELF_NOW + 1000, expired, 2), 0);
}

static void
registrations_expire_until_they_attach(void)
{
	struct store_node n[3];

	for (unsigned i = 1; i <= 3; i++)
		shelf_add(rules_store, i, SHELF_NOW + i);
	shelf_use(rules_store, "n-1", NODE_CONNECTING, SHELF_NOW + 3);
	ck_assert_int_eq(store_nodes_expired(rules_store, SHELF_NOW + 2, n, 3), 0);
	ck_assert_int_eq(store_nodes_expired(rules_store, SHELF_NOW + 3, n, 3), 1);
	ck_assert_str_eq(n[0].id, "n-2");
	ck_assert_int_eq(store_nodes_expired(rules_store, SHELF_NOW + 4, n, 1), 1);
	rules_begin();
	ck_assert_int_eq(store_node_delete(rules_store, &n[0]), 0);
	rules_end();
}

static void
describing_is_no_use(void)
{
	struct store_node a = shelf_add(rules_store, 1, SHELF_NOW);
	struct store_node b = shelf_add(rules_store, 2, SHELF_NOW), old = a;
	struct store_labels labels[3];
	struct store_node c = shelf_node(3);

	c.net = STORE_NET_DEFAULT;
	rules_begin();
	ck_assert_int_eq(store_node_describe(rules_store, &a, "edge", "k=v\n"), 0);
	ck_assert_int_eq(store_due(rules_store), STORE_NOW);
	ck_assert_int_eq(store_node_describe(rules_store, &b, "core", "x=\ny=2\n"), 0);
	ck_assert_int_eq(store_node_add(rules_store, &c, SHELF_NOW), 0);
	rules_end();
	rules_reopen();
	shelf_check_oldest(rules_store, "n-1");
	ck_assert_str_eq(rules_get("n-1").display_name, "edge");
	ck_assert_str_eq(a.display_name, "edge");
	ck_assert_int_eq(rules_get("n-1").use, old.use);
	ck_assert_int_eq(store_labels(rules_store, 0, a.row, c.row, labels, 3), 2);
	ck_assert_int_eq(labels[0].row, a.row);
	ck_assert_str_eq(labels[0].text, "k=v\n");
	ck_assert_str_eq(labels[1].text, "x=\ny=2\n");
	ck_assert_int_eq(store_labels(rules_store, 0, a.row, c.row, labels, 1), 1);
	ck_assert_int_eq(store_labels(rules_store, STORE_NET_DEFAULT, b.row, b.row, labels, 3), 1);
	ck_assert_int_eq(store_labels(rules_store, STORE_NET_DEFAULT + 1, a.row, c.row, labels, 3),
	    0);
	ck_assert_int_eq(store_labels(rules_store, 0, c.row, c.row, labels, 3), 0);
}

const struct rule rules_node[] = {
	{ "a node is found again", a_node_is_found_again },
	{ "texts of any length are looked up", texts_of_any_length_are_looked_up },
	{ "nodes are listed in order of registration", nodes_are_listed_in_order_of_registration },
	{ "what must be unique is", what_must_be_unique_is },
	{ "a row is changed as it was read", a_row_is_changed_as_it_was_read },
	{ "an older epoch does not win", an_older_epoch_does_not_win },
	{ "attaching is binding and a session", attaching_is_binding_and_a_session },
	{ "describing is no use", describing_is_no_use },
	{ "not every node is a victim", not_every_node_is_a_victim },
	{ "the same address stays stale", the_same_address_stays_stale },
	{ "who was stolen from has a tombstone", who_was_stolen_from_has_a_tombstone },
	{ "keys of who is gone are not found", keys_of_who_is_gone_are_not_found },
	{ "tombstones are forgotten", tombstones_are_forgotten },
	{ "a younger tombstone is in nobody's way", a_younger_tombstone_is_in_nobodys_way },
	{ "the reserved node is no victim", the_reserved_node_is_no_victim },
	{ "registrations expire until they attach", registrations_expire_until_they_attach },
	{ NULL, NULL },
};
