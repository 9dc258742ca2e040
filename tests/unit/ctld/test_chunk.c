/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/chunk.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "ipc/ipam.pb-c.h"
#include "tests/unit/kit.h"

#define N 5

/* Revisions from 11 on: of node a, b, of no node, of a, of c. */
static const char *const ids[N] = { "a", "b", "", "a", "c" };

static struct chunk *
make(void)
{
	struct ipam_events events = { calloc(N, sizeof(*events.list)), N, 1, 15 };

	for (unsigned i = 0; i < N; i++) {
		events.list[i].revision = 11 + i;
		strcpy(events.list[i].node, ids[i]);
	}
	return chunk_new(&events);
}

START_TEST(a_node_is_named_once)
{
	const struct ipam_event *found[IPAM_EVENTS_MAX];
	struct chunk *k = make();

	ck_assert_uint_eq(chunk_first(k), 11);
	ck_assert_uint_eq(chunk_last(k), 15);
	ck_assert_uint_eq(chunk_node_ids(k, 0, found), 3);
	ck_assert_str_eq(found[0]->node, "a");
	ck_assert_str_eq(found[2]->node, "c");
	ck_assert_uint_eq(chunk_node_ids(k, 12, found), 2);
	ck_assert_str_eq(found[0]->node, "a");
	ck_assert_uint_eq(chunk_node_ids(k, 15, found), 0);
	chunk_unref(k);
}
END_TEST

START_TEST(the_last_one_frees_it)
{
	struct chunk *k = make();

	k->nodes.nodes = calloc(2, sizeof(*k->nodes.nodes));
	k->nodes.n = 1;
	strcpy(k->nodes.nodes[0].id, "b");
	chunk_ref(k);
	chunk_unref(k);
	ck_assert_ptr_eq(chunk_node(k, "b"), &k->nodes.nodes[0]);
	ck_assert_ptr_null(chunk_node(k, "a"));
	chunk_unref(k);
	chunk_unref(NULL);
}
END_TEST

/* --- what ipamd sends ------------------------------------------------------------------------- */

/* The revisions of a message, and what becomes of it. */
static const struct {
	uint64_t revisions[3];
	size_t n;
	int rc;
} messages[] = {
	{ { 0 }, 0, 0 },
	{ { 7 }, 1, 0 },
	{ { 7, 8, 9 }, 3, 0 },
	{ { 7, 9 }, 2, -REASON_INTERNAL },
	{ { 7, 7 }, 2, -REASON_INTERNAL },
	{ { 9, 8 }, 2, -REASON_INTERNAL },
	{ { 0 }, 1, -REASON_INTERNAL },
};

START_TEST(revisions_follow_each_other)
{
	Litevpn__Ipam__Events m = LITEVPN__IPAM__EVENTS__INIT;
	Litevpn__Ipam__Event rows[3], *list[3];
	struct ipam_events events = { 0 };
	struct err e;

	for (size_t i = 0; i < messages[_i].n; i++) {
		litevpn__ipam__event__init(&rows[i]);
		rows[i].revision = messages[_i].revisions[i];
		rows[i].kind = (Litevpn__Ipam__Event__Kind) 99;
		list[i] = &rows[i];
	}
	m.n_events = messages[_i].n;
	m.events = list;
	m.newest = 9;
	ck_assert_int_eq(ipam_events_of_message(&m.base, &events, &e), messages[_i].rc);
	if (messages[_i].rc == 0) {
		ck_assert_uint_eq(events.n, messages[_i].n);
		ck_assert_uint_eq(events.newest, 9);
	}
	if (events.n > 0)
		ck_assert_int_eq(events.list[0].kind, IPAM_EVENT_UNKNOWN);
	free(events.list);
}
END_TEST

START_TEST(text_that_does_not_fit_is_refused)
{
	char bad[][IPAM_EVENT_DETAIL_MAX + 1] = { "\xff", "" };
	Litevpn__Ipam__Events m = LITEVPN__IPAM__EVENTS__INIT;
	Litevpn__Ipam__Event row = LITEVPN__IPAM__EVENT__INIT, *list[] = { &row };
	struct ipam_events events;
	struct err e;

	memset(bad[1], 'x', IPAM_EVENT_DETAIL_MAX);
	row.revision = 1;
	row.detail = bad[_i];
	m.n_events = 1;
	m.events = list;
	ck_assert_int_eq(ipam_events_of_message(&m.base, &events, &e), -REASON_INTERNAL);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("chunk");

	tcase_add_test(tc, a_node_is_named_once);
	tcase_add_test(tc, the_last_one_frees_it);
	tcase_add_loop_test(tc, revisions_follow_each_other, 0,
	    sizeof(messages) / sizeof(messages[0]));
	tcase_add_loop_test(tc, text_that_does_not_fit_is_refused, 0, 2);
	return kit_run("chunk", tc);
}
