/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/feed.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemons/ipamd/events.h"
#include "ipc/ipam.pb-c.h"
#include "tests/unit/ipamd/book.h"
#include "tests/unit/kit.h"

/* A ledger whose commits are told, and one who listens, on one loop. */

#define WAIT_MS 20000
#define BEAT_MS 50
#define LOOK_MS 5

struct station {
	struct book b;
	struct ev *ev;
	const char *path;
	struct feed feed;
	struct ipc_subscriber *sub;
	uint64_t first, last;		/* revisions that were heard */
	uint64_t newest;		/* of the last message */
	unsigned heard, beats, gaps, messages;
	char last_node[PKI_ID_MAX + 1];
};

static void
on_event(void *arg, const ProtobufCMessage *msg)
{
	const Litevpn__Ipam__Events *m = (const Litevpn__Ipam__Events *) msg;
	struct station *s = arg;

	s->newest = m->newest;
	s->beats += m->n_events == 0;
	s->messages++;
	for (size_t i = 0; i < m->n_events; i++) {
		if (s->last == 0)
			s->first = m->events[i]->revision;
		else
			s->gaps += m->events[i]->revision != s->last + 1;
		s->last = m->events[i]->revision;
		s->heard++;
		snprintf(s->last_node, sizeof(s->last_node), "%s", m->events[i]->node_id);
	}
}

static void
start_feed(struct station *s)
{
	struct ipc_peer peer = { geteuid(), 1 };
	struct ipc_publisher_conf conf = { .path = s->path, .peers = &peer, .npeers = 1 };

	ck_assert_int_eq(feed_start(&s->feed, s->ev, &conf, &s->b.ledger, BEAT_MS,
	    &s->b.err), 0);
}

struct wait {
	struct station *s;
	bool (*holds)(struct station *s);
	int64_t deadline_ms;
	struct ev_timer timer;
};

static void
look(void *arg)
{
	struct wait *w = arg;

	if (w->holds(w->s) || clock_mono_ms() > w->deadline_ms)
		ev_stop(w->s->ev, 0);
	else
		ev_timer_start(w->s->ev, &w->timer, LOOK_MS, look, w);
}

static void
wait_for(struct station *s, bool (*holds)(struct station *s))
{
	struct wait w = { .s = s, .holds = holds, .deadline_ms = clock_mono_ms() + WAIT_MS };

	ev_timer_start(s->ev, &w.timer, 0, look, &w);
	ck_assert_int_eq(ev_run(s->ev), 0);
	ck_assert(holds(s));
}

static bool
has_heard_a_beat(struct station *s)
{
	return s->beats > 0;
}

static bool
has_heard_all(struct station *s)
{
	return s->last == s->b.ledger.events.newest;
}

/* Somebody listens, and has heard that it does. */
static void
station_init(struct station *s)
{
	static char path[KIT_PATH_MAX];
	struct ipc_subscriber_conf conf = {
		.path = kit_path("events.sock", path),
		.uid = geteuid(),
		.type = &litevpn__ipam__events__descriptor,
		.event = on_event,
		.arg = s,
	};

	*s = (struct station){ .path = path };
	unlink(path);
	book_init(&s->b, "10.1.1.1/24");
	ck_assert_int_eq(ev_new(&s->ev), 0);
	start_feed(s);
	ck_assert_int_eq(ipc_subscriber_new(s->ev, &conf, &s->sub, &s->b.err), 0);
	wait_for(s, has_heard_a_beat);
}

static void
station_fini(struct station *s)
{
	ipc_subscriber_free(s->sub);
	feed_stop(&s->feed);
	ev_free(s->ev);
	book_fini(&s->b);
}

/* n events in one request that waits for its commit. */
static void
accept_events(struct station *s, unsigned n)
{
	struct store_node node = { .id = "n-1", .net = STORE_NET_DEFAULT };

	ck_assert_int_eq(ledger_request(&s->b.ledger, s->b.now_s), 0);
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(events_node(&s->b.ledger, EVENT_LOST, &node, "i=%u", i), 0);
	ck_assert_int_eq(ledger_answer(&s->b.ledger, 0), 0);
}

static void
commit(struct station *s)
{
	ck_assert_int_eq(ledger_commit(&s->b.ledger), 0);
	feed_committed(&s->feed);
}

START_TEST(commits_are_told_in_order)
{
	struct station s;
	struct store_node n;
	uint64_t before;

	station_init(&s);
	before = s.b.ledger.events.newest;
	book_connect(&s.b, &n);
	feed_committed(&s.feed);
	wait_for(&s, has_heard_all);
	ck_assert_uint_eq(s.first, before + 1);
	ck_assert_uint_eq(s.heard, 3);
	ck_assert_str_eq(s.last_node, n.id);
	for (unsigned i = 0; i < 10; i++) {
		accept_events(&s, 1 + i);
		commit(&s);
	}
	wait_for(&s, has_heard_all);
	ck_assert_uint_eq(s.gaps, 0);
	ck_assert_uint_eq(s.heard, 3 + 55);
	station_fini(&s);
}
END_TEST

START_TEST(what_was_there_before_is_not_told)
{
	struct station s;

	station_init(&s);
	ck_assert_uint_eq(s.newest, s.b.ledger.events.newest);
	ck_assert_uint_eq(s.heard, 0);
	station_fini(&s);
}
END_TEST

START_TEST(many_are_told_piece_by_piece)
{
	struct station s;

	station_init(&s);
	s.messages = 0;
	accept_events(&s, 5 * EVENTS_CHUNK + 1);
	commit(&s);
	wait_for(&s, has_heard_all);
	ck_assert_uint_eq(s.gaps, 0);
	ck_assert_uint_eq(s.heard, 5 * EVENTS_CHUNK + 1);
	ck_assert_uint_ge(s.messages, 6);
	station_fini(&s);
}
END_TEST

/* An accepted request is in the store already, but may still be undone. */
START_TEST(what_is_not_committed_is_not_told)
{
	struct station s;
	uint64_t newest;

	station_init(&s);
	accept_events(&s, 1);
	commit(&s);
	newest = s.b.ledger.events.newest;
	accept_events(&s, 3);	/* before the loop comes to tell of the commit */
	wait_for(&s, has_heard_all);
	s.beats = 0;
	wait_for(&s, has_heard_a_beat);
	ck_assert_uint_eq(s.last, newest);
	ck_assert_uint_eq(s.newest, newest);
	commit(&s);
	wait_for(&s, has_heard_all);
	ck_assert_uint_eq(s.last, newest + 3);
	ck_assert_uint_eq(s.gaps, 0);
	station_fini(&s);
}
END_TEST

START_TEST(what_was_forgotten_before_it_was_told_is_a_gap)
{
	struct station s;

	station_init(&s);
	accept_events(&s, 1);
	commit(&s);
	wait_for(&s, has_heard_all);
	accept_events(&s, 3000);	/* the log holds 1000 */
	commit(&s);
	wait_for(&s, has_heard_all);
	ck_assert_uint_eq(s.gaps, 1);
	ck_assert_uint_lt(s.heard, 1100);
	station_fini(&s);
}
END_TEST

/* Who was away learns by the next beat where the events end, and asks for them. */
START_TEST(who_was_away_asks_for_the_rest)
{
	struct event_page page;
	struct station s;
	uint64_t known;

	station_init(&s);
	accept_events(&s, 2);
	commit(&s);
	wait_for(&s, has_heard_all);
	known = s.last;
	feed_stop(&s.feed);
	accept_events(&s, 7);
	ck_assert_int_eq(ledger_commit(&s.b.ledger), 0);
	start_feed(&s);
	s.beats = 0;
	wait_for(&s, has_heard_a_beat);
	ck_assert_uint_eq(s.last, known);
	ck_assert_uint_eq(s.newest, known + 7);
	ck_assert_int_eq(ledger_request(&s.b.ledger, s.b.now_s), 0);
	ck_assert_int_eq(events_list(&s.b.ledger, known, 0, &page, &s.b.err), 0);
	ck_assert_int_eq(ledger_answer(&s.b.ledger, 0), 0);
	ck_assert_uint_eq(page.n, 7);
	free(page.events);
	station_fini(&s);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("feed");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, commits_are_told_in_order);
	tcase_add_test(tc, what_was_there_before_is_not_told);
	tcase_add_test(tc, many_are_told_piece_by_piece);
	tcase_add_test(tc, what_is_not_committed_is_not_told);
	tcase_add_test(tc, what_was_forgotten_before_it_was_told_is_a_gap);
	tcase_add_test(tc, who_was_away_asks_for_the_rest);
	return kit_run("ipamd/feed", tc);
}
