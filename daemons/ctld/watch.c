/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/watch.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "daemons/ctld/ctld.h"

TAILQ_HEAD(turn_list, watch);

struct watches {
	struct news *news;
	struct watch_list list;
	struct turn_list turns;	/* the longest waiting first */
	unsigned n, asking;
};

int
watches_new(struct news *news, struct watches **out)
{
	struct watches *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return -ENOMEM;
	all->news = news;
	LIST_INIT(&all->list);
	TAILQ_INIT(&all->turns);
	*out = all;
	return 0;
}

void
watches_free(struct watches *all)
{
	free(all);
}

/* --- beginning and ending --------------------------------------------------------------------- */

static void
on_news(struct call *c, void *arg)
{
	(void) c;
	watch_go_on(arg);
}


bool
watch_enter(struct watches *all, struct watch *w, const struct watch_kind *kind)
{
	if (all->n >= WATCHES_MAX) {
		call_fail(w->call, &(struct status){ .reason = REASON_OVERLOADED,
		    .detail = "too many watch already" });
		return false;
	}
	w->all = all;
	w->waiter = (struct news_waiter){ .call = w->call, .next = on_news, .arg = w };
	w->kind = kind;
	w->goal = UINT64_MAX;
	w->sent_ms = clock_mono_ms();
	w->listed = true;
	LIST_INSERT_HEAD(&all->list, w, link);
	all->n++;
	return true;
}

/* Leaves whatever it is in. Questions under way come back, and find that it is over. */
static void
let_go(struct watch *w)
{
	w->over = true;
	if (w->turn != NULL)
		TAILQ_REMOVE(&w->all->turns, w, turn_link);
	w->turn = NULL;
	if (w->waits_nodes)
		LIST_REMOVE(w, nodes_link);
	w->waits_nodes = false;
	news_wake(w->all->news, &w->waiter);
}

void
watch_fail(struct watch *w, enum reason reason, const char *detail)
{
	if (w->over)
		return;
	let_go(w);
	call_fail(w->call, &(struct status){ .reason = reason, .detail = detail });
}

void
watch_closed(struct call *c)
{
	struct watch *w = call_state_get(c);

	if (w == NULL || !w->listed)
		return;
	let_go(w);
	w->listed = false;
	LIST_REMOVE(w, link);
	w->all->n--;
}

void
watches_stop(struct watches *all)
{
	struct watch *w;

	/* Ending a watch only begins its end: none leaves the list from inside. */
	LIST_FOREACH(w, &all->list, link)
		watch_fail(w, REASON_SHUTTING_DOWN, NULL);
}

/* --- turns ------------------------------------------------------------------------------------ */

static void
begin_turn(struct watch *w, void (*turn)(struct watch *w))
{
	w->all->asking++;
	w->asks = true;
	turn(w);
}

void
watch_take_turn(struct watch *w, void (*turn)(struct watch *w))
{
	if (w->all->asking < WATCH_ASKS_MAX) {
		begin_turn(w, turn);
		return;
	}
	w->turn = turn;
	TAILQ_INSERT_TAIL(&w->all->turns, w, turn_link);
}

void
watch_end_turn(struct watch *w)
{
	struct watches *all = w->all;
	struct watch *next = TAILQ_FIRST(&all->turns);
	void (*turn)(struct watch *w);

	all->asking--;
	w->asks = false;
	if (next == NULL)
		return;
	TAILQ_REMOVE(&all->turns, next, turn_link);
	turn = next->turn;
	next->turn = NULL;
	begin_turn(next, turn);
}

/* --- waiting ---------------------------------------------------------------------------------- */

void
watch_asked_in_vain(struct watch *w, const struct err *e)
{
	if (w->over)
		return;
	/* One that is on its way already outlives a restart of ipamd. */
	if (w->goal != UINT64_MAX && e->rc == -REASON_IPAM_DOWN && !news_is_lost(w->all->news))
		news_wait_back(w->all->news, &w->waiter);
	else
		watch_fail(w, reason_of(e->rc, REASON_INTERNAL), e->text);
}

/* --- the log ---------------------------------------------------------------------------------- */

/* The first answer says what there was. */
static void
note_goal(struct watch *w)
{
	if (w->goal != UINT64_MAX)
		return;
	w->goal = w->page.newest;
	if (!w->only_new)
		return;
	w->seen = w->goal;
	w->page.n = 0;
}

static void
on_log(struct call *c, const struct err *e)
{
	struct watch *w = call_state_get(c);

	watch_end_turn(w);
	if (w->over)
		return;
	if (e->rc < 0) {
		watch_asked_in_vain(w, e);
		return;
	}
	note_goal(w);
	if (w->page.n > 0 && (w->chunk = chunk_new(&w->page)) == NULL) {
		watch_fail(w, REASON_OVERLOADED, NULL);
		return;
	}
	free(w->page.list);
	w->page.list = NULL;
	watch_go_on(w);
}

static void
ask_log(struct watch *w)
{
	ipam_list_events(call_ctld(w->call)->backend, w->call, w->seen,
	    w->only_new ? 1 : IPAM_EVENTS_MAX, &w->page, on_log);
}

void
watch_begin(struct watch *w, uint64_t after)
{
	w->seen = after;
	watch_take_turn(w, ask_log);
}

/* --- telling ---------------------------------------------------------------------------------- */

bool
watch_is_synced(const struct watch *w, uint64_t revision)
{
	return revision >= w->goal;
}

void
watch_send(struct watch *w, const ProtobufCMessage *msg)
{
	w->sending = true;
	w->sent_ms = clock_mono_ms();
	call_send(w->call, msg);
}

void
watch_sent(struct call *c)
{
	struct watch *w = call_state_get(c);

	w->sending = false;
	watch_go_on(w);
}

/* True: it stays in hand, or a message is on its way. */
static bool
tell(struct watch *w)
{
	struct chunk *k = w->chunk;
	uint64_t last = chunk_last(k);
	enum watch_told told = w->kind->tell(w, k);

	if (told == WATCH_LATER || told == WATCH_OVER)
		return true;
	w->seen = last;
	w->marked = w->marked || (told == WATCH_SENT && watch_is_synced(w, last));
	w->chunk = NULL;
	chunk_unref(k);
	return told == WATCH_SENT;
}

/* Nothing new: that is worth a message where the goal is reached, and now and then. */
static void
rest(struct watch *w)
{
	bool synced = watch_is_synced(w, w->seen);

	if ((synced && !w->marked) || clock_mono_ms() - w->sent_ms >= NEWS_BEAT_MS) {
		w->marked = synced;
		w->kind->mark(w);
	} else {
		news_wait(w->all->news, &w->waiter, w->seen);
	}
}

void
watch_go_on(struct watch *w)
{
	while (!w->over && !w->sending) {
		if (w->chunk != NULL) {
			if (tell(w))
				return;
			continue;
		}
		switch (news_next(w->all->news, w->seen, &w->chunk)) {
		case NEWS_CHUNK:
			break;
		case NEWS_BEHIND:
			watch_take_turn(w, ask_log);
			return;
		case NEWS_NONE:
			rest(w);
			return;
		case NEWS_LOST:
			watch_fail(w, REASON_IPAM_DOWN, NULL);
			return;
		}
	}
}

/* --- a chunk's nodes -------------------------------------------------------------------------- */

static struct watch *
next_waiting(struct chunk *k)
{
	struct watch *w = LIST_FIRST(&k->waiting);

	if (w != NULL) {
		LIST_REMOVE(w, nodes_link);
		w->waits_nodes = false;
	}
	return w;
}

static void
take_nodes(struct watch *w, const struct err *e)
{
	if (w->over)
		return;
	if (e->rc == 0)
		watch_go_on(w);
	else
		watch_asked_in_vain(w, e);
}

/* Also when the one that asked is over by now: the others wait for it. */
static void
on_nodes(struct call *c, const struct err *e)
{
	struct watch *w = call_state_get(c);
	struct chunk *k = chunk_ref(w->chunk);

	watch_end_turn(w);
	k->state = e->rc == 0 ? CHUNK_READY : CHUNK_UNASKED;
	k->asker = NULL;
	take_nodes(w, e);
	while ((w = next_waiting(k)) != NULL)
		take_nodes(w, e);
	chunk_unref(k);
}

static void
ask_nodes(struct watch *w)
{
	const struct ipam_event *events[IPAM_EVENTS_MAX];
	size_t n = chunk_node_ids(w->chunk, 0, events);
	const char *ids[IPAM_EVENTS_MAX];

	for (size_t i = 0; i < n; i++)
		ids[i] = events[i]->node;
	ipam_get_nodes(call_ctld(w->call)->backend, w->call, ids, n, &w->chunk->nodes, on_nodes);
}

bool
watch_has_nodes(struct watch *w, struct chunk *k)
{
	if (k->state == CHUNK_READY)
		return true;
	if (k->state == CHUNK_ASKING) {
		LIST_INSERT_HEAD(&k->waiting, w, nodes_link);
		w->waits_nodes = true;
		return false;
	}
	k->state = CHUNK_ASKING;
	k->asker = w;
	watch_take_turn(w, ask_nodes);
	return false;
}

/* It has gone before it could ask: somebody else does. */
static void
pass_on(struct chunk *k)
{
	struct watch *next;

	k->state = CHUNK_UNASKED;
	k->asker = NULL;
	if ((next = next_waiting(k)) != NULL)
		watch_go_on(next);
}

void
watch_fini(void *state)
{
	struct watch *w = state;

	if (w->asks)
		watch_end_turn(w);
	if (w->chunk != NULL && w->chunk->asker == w)
		pass_on(w->chunk);
	chunk_unref(w->chunk);
	free(w->page.list);
}
