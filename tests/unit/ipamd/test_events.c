/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/events.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "common/utf8.h"
#include "daemons/ipamd/sweep.h"
#include "tests/unit/ipamd/book.h"
#include "tests/unit/kit.h"

/* --- reading ---------------------------------------------------------------------------------- */

static struct event_page
list(struct book *b, uint64_t after, size_t size)
{
	struct event_page page;

	ck_assert_int_eq(ledger_request(&b->ledger, b->now_s), 0);
	ck_assert_int_eq(events_list(&b->ledger, after, size, &page, &b->err), 0);
	ck_assert_int_eq(ledger_answer(&b->ledger, 0), 0);
	return page;
}

static int
refused(struct book *b, uint64_t after)
{
	struct event_page page;
	int rc;

	ck_assert_int_eq(ledger_request(&b->ledger, b->now_s), 0);
	rc = events_list(&b->ledger, after, 0, &page, &b->err);
	return ledger_answer(&b->ledger, rc);
}

static struct store_event_span
span(struct book *b)
{
	struct event_page page = list(b, 0, 1);

	free(page.events);
	return page.span;
}

static const char kinds[] = "?cakldruNDRx";	/* a letter for each, in order */

/* The kinds of all events of a node, in order; "" for all nodes. */
static const char *
story(struct book *b, const char *node)
{
	static char out[256];
	struct event_page page = list(b, 0, EVENTS_PAGE_MAX);
	size_t n = 0;

	for (size_t i = 0; i < page.n && n < sizeof(out) - 1; i++) {
		ck_assert_uint_eq(page.events[i].revision, page.events[0].revision + i);
		if (node[0] == '\0' || strcmp(page.events[i].node, node) == 0)
			out[n++] = kinds[page.events[i].kind];
	}
	out[n] = '\0';
	free(page.events);
	return out;
}

static struct store_event
last(struct book *b)
{
	struct event_page page = list(b, span(b).newest - 1, 1);
	struct store_event e;

	ck_assert_uint_eq(page.n, 1);
	e = page.events[0];
	free(page.events);
	return e;
}

/* --- recording -------------------------------------------------------------------------------- */

/* Records n events in one request. */
static void
fill(struct book *b, unsigned n)
{
	struct store_node node = { .id = "n-1", .net = STORE_NET_DEFAULT };

	ck_assert_int_eq(ledger_request(&b->ledger, b->now_s), 0);
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(events_node(&b->ledger, EVENT_LOST, &node, "i=%u", i), 0);
	ck_assert_int_eq(ledger_answer(&b->ledger, 0), 0);
	ck_assert_int_eq(ledger_commit(&b->ledger), 0);
}

START_TEST(a_nodes_life_is_told)
{
	struct store_node n;
	struct lease lease;
	struct book b;

	book_init(&b, "10.1.1.1/24");
	lease = book_connect(&b, &n);
	ck_assert_int_eq(book_report(&b, n.id, lease.epoch, NODE_LOST), 0);
	ck_assert_int_eq(book_attach(&b, &n, &lease), 0);
	ck_assert_int_eq(book_report(&b, n.id, lease.epoch, NODE_CONNECTED), 0);
	ck_assert_int_eq(book_report(&b, n.id, lease.epoch, NODE_CONNECTED), 0);	/* no news */
	ck_assert_int_eq(book_report(&b, n.id, lease.epoch - 1, NODE_LOST), 0);	/* likewise */
	ck_assert_int_eq(book_report(&b, n.id, lease.epoch, NODE_IDLE), 0);
	ck_assert_int_eq(book_delete(&b, n.id), 0);
	ck_assert_str_eq(story(&b, n.id), "caklakdu");
	book_fini(&b);
}
END_TEST

START_TEST(an_event_has_what_its_change_had)
{
	struct store_event e;
	struct store_node n;
	struct lease lease;
	struct book b;

	book_init(&b, "10.1.1.1/24");
	lease = book_connect(&b, &n);
	e = last(&b);
	ck_assert_int_eq(e.kind, EVENT_CONNECT);
	ck_assert_int_eq(e.time_s, b.now_s);
	ck_assert_str_eq(e.node, n.id);
	ck_assert_str_eq(e.network, "default");
	ck_assert_str_eq(IP_TEXT(&e.addr), "10.1.1.2");
	ck_assert_uint_eq(strtoull(e.detail + strlen("epoch="), NULL, 10), lease.epoch);
	book_fini(&b);
}
END_TEST

START_TEST(a_reclaimed_node_is_told_of_before_the_one_that_gets_its_address)
{
	struct store_node first, second;
	struct event_page page;
	struct lease lease;
	struct book b;

	book_init(&b, "10.1.1.1/30");
	book_sync(&b);
	lease = book_connect(&b, &first);
	ck_assert_int_eq(book_report(&b, first.id, lease.epoch, NODE_IDLE), 0);
	b.now_s += 60;
	second = book_enroll(&b);
	ck_assert_str_eq(story(&b, first.id), "cakdr");
	page = list(&b, span(&b).newest - 2, 0);
	ck_assert_uint_eq(page.n, 2);
	ck_assert_int_eq(page.events[0].kind, EVENT_RECLAIM);
	ck_assert_str_eq(page.events[0].detail, "idle=60");
	ck_assert_int_eq(page.events[1].kind, EVENT_CREATE);
	ck_assert_str_eq(page.events[1].node, second.id);
	ck_assert(ip_equal(&page.events[0].addr, &page.events[1].addr));
	free(page.events);
	book_fini(&b);
}
END_TEST

START_TEST(who_is_not_announced_is_lost)
{
	struct store_node n[3];
	struct book b;

	book_init(&b, "10.1.1.1/24");
	for (unsigned i = 0; i < 3; i++)
		book_connect(&b, &n[i]);
	struct session there = { n[1].id, book_get(&b, n[1].id).epoch, NODE_CONNECTED };

	ck_assert_int_eq(book_announce(&b, &there, 1, NULL), 0);
	ck_assert_str_eq(story(&b, n[0].id), "cakl");
	ck_assert_str_eq(story(&b, n[1].id), "cak");
	ck_assert_str_eq(story(&b, n[2].id), "cakl");
	ck_assert_str_eq(last(&b).node, n[2].id);	/* in the order of use */
	ck_assert_str_eq(last(&b).network, "default");
	ck_assert_str_eq(last(&b).detail, "unannounced");
	book_forsake(&b);
	ck_assert_str_eq(story(&b, n[1].id), "cakl");
	ck_assert_str_eq(story(&b, n[2].id), "cakl");	/* no second time */
	book_fini(&b);
}
END_TEST

START_TEST(what_expires_is_told_of)
{
	struct store_node n;
	struct sweep done;
	struct book b;

	book_init(&b, "10.1.1.1/24");
	n = book_enroll(&b);
	b.now_s += BOOK_TTL_S + 1;
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(sweep_step(&b.ledger, &done), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	ck_assert_str_eq(story(&b, n.id), "cu");
	ck_assert_str_eq(last(&b).detail, "by=expiry");
	book_fini(&b);
}
END_TEST

/* --- revisions -------------------------------------------------------------------------------- */

START_TEST(a_refused_request_tells_nothing_and_gives_its_revision_back)
{
	struct store_node node = { .id = "n-1", .net = STORE_NET_DEFAULT };
	struct store_event_span before;
	struct book b;

	book_init(&b, "10.1.1.1/24");
	fill(&b, 3);
	before = span(&b);
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(events_node(&b.ledger, EVENT_LOST, &node, "refused"), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger, -REASON_INTERNAL), -REASON_INTERNAL);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	ck_assert_uint_eq(span(&b).newest, before.newest);
	fill(&b, 1);
	ck_assert_uint_eq(span(&b).newest, before.newest + 1);
	ck_assert_str_eq(last(&b).detail, "i=0");
	book_fini(&b);
}
END_TEST

START_TEST(revisions_go_on_after_a_restart_and_after_trimming)
{
	struct book b;
	uint64_t newest;
	bool more = true;

	book_init(&b, "10.1.1.1/24");
	fill(&b, 10);
	newest = span(&b).newest;
	b.now_s += 365 * 24 * 3600;
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(events_trim(&b.ledger, &more), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	ck_assert(!more);
	ck_assert_uint_eq(span(&b).oldest, newest);	/* the newest stays */
	book_restart(&b);
	fill(&b, 1);
	ck_assert_uint_eq(span(&b).newest, newest + 1);
	book_fini(&b);
}
END_TEST

START_TEST(only_what_is_too_old_goes_a_chunk_at_a_time)
{
	struct book b;
	bool more;

	book_init(&b, "10.1.1.1/24");
	fill(&b, EVENTS_CHUNK + 10);
	b.now_s += b.conf.events_max_age_ms / 1000;
	fill(&b, 5);
	for (unsigned i = 0; i < 3; i++) {
		b.now_s += i == 0;
		ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
		ck_assert_int_eq(events_trim(&b.ledger, &more), 0);
		ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
		ck_assert_int_eq(ledger_commit(&b.ledger), 0);
		ck_assert_int_eq(more, i == 0);
		ck_assert_uint_eq(span(&b).newest - span(&b).oldest, i == 0 ? 14 : 4);
	}
	book_fini(&b);
}
END_TEST

START_TEST(the_rows_are_bounded_without_a_sweep)
{
	struct store_event_span s;
	struct book b;

	book_init(&b, "10.1.1.1/24");
	fill(&b, 5000);
	s = span(&b);
	ck_assert_uint_ge(s.newest, 5000);
	ck_assert_uint_ge(s.newest - s.oldest + 1, 1000);
	ck_assert_uint_lt(s.newest - s.oldest + 1, 1000 + EVENTS_CHUNK);
	book_fini(&b);
}
END_TEST

/* A bound that was lowered is reached little by little. */
START_TEST(a_lowered_bound_holds_nobody_up)
{
	struct store_event_span s;
	struct book b;

	book_init(&b, "10.1.1.1/24");
	b.conf.events_max_rows = 10000;
	fill(&b, 5000);
	b.conf.events_max_rows = 1000;
	s = span(&b);
	fill(&b, EVENTS_CHUNK);
	ck_assert_uint_le(span(&b).oldest, s.oldest + 2 * EVENTS_CHUNK);
	fill(&b, 5000);
	ck_assert_uint_lt(span(&b).newest - span(&b).oldest, 1000 + EVENTS_CHUNK);
	book_fini(&b);
}
END_TEST

/* Accepted events may still be undone with their commit, and others get their revisions. */
START_TEST(what_is_not_committed_is_not_listed)
{
	struct store_node node = { .id = "n-1", .net = STORE_NET_DEFAULT };
	struct store_event_span before;
	struct event_page page;
	struct book b;

	book_init(&b, "10.1.1.1/24");
	fill(&b, 3);
	before = span(&b);
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(events_node(&b.ledger, EVENT_LOST, &node, "soon"), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
	page = list(&b, before.newest - 1, 0);
	ck_assert_uint_eq(page.n, 1);
	ck_assert_uint_eq(page.span.newest, before.newest);
	free(page.events);
	ck_assert_int_eq(refused(&b, before.newest + 1), -REASON_REVISION_GONE);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	ck_assert_uint_eq(span(&b).newest, before.newest + 1);
	book_fini(&b);
}
END_TEST

/* --- asking ----------------------------------------------------------------------------------- */

START_TEST(events_are_read_from_a_revision_on)
{
	struct event_page page;
	struct book b;
	uint64_t first;

	book_init(&b, "10.1.1.1/24");
	first = span(&b).newest;
	fill(&b, 250);
	page = list(&b, first, 0);
	ck_assert_uint_eq(page.n, EVENTS_PAGE_DEFAULT);
	ck_assert_uint_eq(page.events[0].revision, first + 1);
	free(page.events);
	page = list(&b, first + 240, 100);
	ck_assert_uint_eq(page.n, 10);
	ck_assert_str_eq(page.events[9].detail, "i=249");
	free(page.events);
	page = list(&b, first + 250, 100);	/* the newest: nothing follows it yet */
	ck_assert_uint_eq(page.n, 0);
	ck_assert_uint_eq(page.span.newest, first + 250);
	free(page.events);
	book_fini(&b);
}
END_TEST

START_TEST(a_gap_is_never_hidden)
{
	struct store_event_span s;
	struct event_page page;
	struct book b;
	char oldest[32];

	book_init(&b, "10.1.1.1/24");
	fill(&b, 3000);
	s = span(&b);
	page = list(&b, s.oldest - 1, 1);
	ck_assert_uint_eq(page.events[0].revision, s.oldest);
	free(page.events);
	ck_assert_int_eq(refused(&b, s.oldest - 2), -REASON_REVISION_GONE);
	snprintf(oldest, sizeof(oldest), "revision %" PRIu64, s.oldest);
	ck_assert_ptr_nonnull(strstr(b.err.text, oldest));
	ck_assert_int_eq(refused(&b, 1), -REASON_REVISION_GONE);
	ck_assert_int_eq(refused(&b, s.newest + 1), -REASON_REVISION_GONE);
	ck_assert_int_eq(refused(&b, UINT64_MAX), -REASON_REVISION_GONE);
	book_fini(&b);
}
END_TEST

START_TEST(a_long_text_is_cut_between_characters)
{
	struct store_node node = { .id = "n-1", .net = STORE_NET_DEFAULT };
	char euros[3 * 48 + 1] = "";
	struct book b;

	for (unsigned i = 0; i < 48; i++)
		strcat(euros, "\xe2\x82\xac");
	book_init(&b, "10.1.1.1/24");
	for (int pad = 0; pad < 4; pad++) {
		ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
		ck_assert_int_eq(events_node(&b.ledger, EVENT_CREATE, &node, "%.*s%s", pad, "xxx",
		    euros), 0);
		ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
		ck_assert_int_eq(ledger_commit(&b.ledger), 0);
		ck_assert(utf8_valid(last(&b).detail));
		ck_assert_uint_ge(strlen(last(&b).detail), STORE_DETAIL_MAX - 2);
	}
	book_fini(&b);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("events");

	tcase_set_timeout(tc, 60);	/* every commit waits for the disk */
	tcase_add_test(tc, a_nodes_life_is_told);
	tcase_add_test(tc, an_event_has_what_its_change_had);
	tcase_add_test(tc, a_reclaimed_node_is_told_of_before_the_one_that_gets_its_address);
	tcase_add_test(tc, who_is_not_announced_is_lost);
	tcase_add_test(tc, what_expires_is_told_of);
	tcase_add_test(tc, a_refused_request_tells_nothing_and_gives_its_revision_back);
	tcase_add_test(tc, revisions_go_on_after_a_restart_and_after_trimming);
	tcase_add_test(tc, only_what_is_too_old_goes_a_chunk_at_a_time);
	tcase_add_test(tc, the_rows_are_bounded_without_a_sweep);
	tcase_add_test(tc, a_lowered_bound_holds_nobody_up);
	tcase_add_test(tc, what_is_not_committed_is_not_listed);
	tcase_add_test(tc, events_are_read_from_a_revision_on);
	tcase_add_test(tc, a_gap_is_never_hidden);
	tcase_add_test(tc, a_long_text_is_cut_between_characters);
	return kit_run("ipamd/events", tc);
}
