/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/news.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/ipc_events.h"
#include "common/log.h"
#include "common/reason.h"

#define ASK_MS 5000
#define RETRY_MS 1000	/* after an answer that was none */

TAILQ_HEAD(chunk_list, chunk);
TAILQ_HEAD(waiter_list, news_waiter);

/*
 * `chunks` have all events after `base` up to `newest`. Before the first answer of ipamd, and when
 * some of its events can never be had any more, both are begun anew.
 */
struct news {
	struct ev *ev;
	struct ipc_client *client;
	struct ipc_subscriber *subscriber;
	struct ev_timer silence, retry;
	bool asking;
	bool lost_logged;

	pthread_mutex_t lock;	/* for all that follows */
	struct chunk_list chunks;
	size_t nevents;
	uint64_t base, newest;
	bool known;		/* what `newest` is */
	bool lost;
	struct waiter_list waiters;	/* the longest waiting first */
};

static void ask(struct news *n);

/* --- waiting ---------------------------------------------------------------------------------- */

/* Under the lock. Those that wait since before that. */
static void
wake_since(struct news *n, int64_t before_ms)
{
	struct news_waiter *w;

	while ((w = TAILQ_FIRST(&n->waiters)) != NULL && w->since_ms <= before_ms) {
		TAILQ_REMOVE(&n->waiters, w, link);
		w->waits = false;
		call_resume(w->call, w->next, w->arg);
	}
}

static void
wake_all(struct news *n)
{
	wake_since(n, INT64_MAX);
}

void
news_wait(struct news *n, struct news_waiter *w, uint64_t seen)
{
	bool late;

	call_hold(w->call);
	pthread_mutex_lock(&n->lock);
	late = n->known && n->newest > seen;	/* it has come meanwhile */
	if (!late) {
		w->since_ms = clock_mono_ms();
		w->waits = true;
		TAILQ_INSERT_TAIL(&n->waiters, w, link);
	}
	pthread_mutex_unlock(&n->lock);
	if (late)
		call_resume(w->call, w->next, w->arg);
}

void
news_wait_back(struct news *n, struct news_waiter *w)
{
	call_hold(w->call);
	pthread_mutex_lock(&n->lock);
	w->since_ms = 0;	/* longer than anybody: whatever comes next wakes it */
	w->waits = true;
	TAILQ_INSERT_HEAD(&n->waiters, w, link);
	pthread_mutex_unlock(&n->lock);
}

void
news_wake(struct news *n, struct news_waiter *w)
{
	bool waited;

	pthread_mutex_lock(&n->lock);
	waited = w->waits;
	if (waited)
		TAILQ_REMOVE(&n->waiters, w, link);
	w->waits = false;
	pthread_mutex_unlock(&n->lock);
	if (waited)
		call_resume(w->call, w->next, w->arg);
}

/* Under the lock. Most who ask want the newest. */
static struct chunk *
find(const struct news *n, uint64_t seen)
{
	struct chunk *k, *last = TAILQ_LAST(&n->chunks, chunk_list);

	if (last != NULL && chunk_first(last) <= seen + 1)
		return last;
	TAILQ_FOREACH(k, &n->chunks, link) {
		if (chunk_last(k) > seen)
			return k;
	}
	return NULL;
}

enum news_result
news_next(struct news *n, uint64_t seen, struct chunk **out)
{
	enum news_result result = NEWS_NONE;

	pthread_mutex_lock(&n->lock);
	if (n->lost) {
		result = NEWS_LOST;
	} else if (n->known && seen < n->base) {
		result = NEWS_BEHIND;
	} else if (n->known && seen < n->newest) {
		*out = chunk_ref(find(n, seen));
		result = NEWS_CHUNK;
	}
	pthread_mutex_unlock(&n->lock);
	return result;
}

bool
news_is_lost(struct news *n)
{
	bool lost;

	pthread_mutex_lock(&n->lock);
	lost = n->lost;
	pthread_mutex_unlock(&n->lock);
	return lost;
}

/* --- what ipamd says -------------------------------------------------------------------------- */

static void
on_silence(void *arg)
{
	struct news *n = arg;

	log_warn("ipamd_silent", "after_ms=%d consequence=\"who watches is sent away\"",
	    NEWS_LOST_MS);
	n->lost_logged = true;
	pthread_mutex_lock(&n->lock);
	n->lost = true;
	wake_all(n);
	pthread_mutex_unlock(&n->lock);
}

/* Something came from it. */
static void
heard(struct news *n)
{
	ev_timer_start(n->ev, &n->silence, NEWS_LOST_MS, on_silence, n);
	if (n->lost_logged)
		log_notice("ipamd_heard", "newest=%" PRIu64, n->newest);
	n->lost_logged = false;
	pthread_mutex_lock(&n->lock);
	n->lost = false;
	wake_since(n, clock_mono_ms() - NEWS_BEAT_MS);
	pthread_mutex_unlock(&n->lock);
}

/* Under the lock. */
static void
drop_oldest(struct news *n)
{
	struct chunk *k = TAILQ_FIRST(&n->chunks);

	TAILQ_REMOVE(&n->chunks, k, link);
	n->base = chunk_last(k);
	n->nevents -= k->events.n;
	chunk_unref(k);
}

/* Under the lock. */
static void
begin_anew(struct news *n, uint64_t newest)
{
	while (!TAILQ_EMPTY(&n->chunks))
		drop_oldest(n);
	n->base = n->newest = newest;
	n->known = true;
}

/* consumes: events, some of which follow `newest` at once. */
static void
append(struct news *n, struct ipam_events *events)
{
	uint64_t last = events->list[events->n - 1].revision;
	struct chunk *k = chunk_new(events);

	pthread_mutex_lock(&n->lock);
	if (k == NULL) {
		begin_anew(n, last);	/* who watches reads them from the log */
	} else {
		TAILQ_INSERT_TAIL(&n->chunks, k, link);
		n->nevents += k->events.n;
		n->newest = last;
		while (n->nevents > NEWS_EVENTS_MAX)
			drop_oldest(n);
	}
	wake_all(n);
	pthread_mutex_unlock(&n->lock);
}

/* consumes: events. False: there are others that it does not have yet. */
static bool
take(struct news *n, struct ipam_events *events)
{
	uint64_t newest = events->newest;

	if (events->n > IPAM_EVENTS_MAX)
		events->n = IPAM_EVENTS_MAX;	/* the rest is asked for */
	if (n->known && events->n > 0 && events->list[0].revision <= n->newest + 1 &&
	    events->list[events->n - 1].revision > n->newest)
		append(n, events);
	free(events->list);
	return n->known && n->newest >= newest;
}

static void
on_retry(void *arg)
{
	ask(arg);
}

static void
on_reply(void *arg, int rc, const ProtobufCMessage *reply)
{
	struct news *n = arg;
	struct ipam_events events = { 0 };
	struct err e = { 0 };

	n->asking = false;
	if (rc == 0)
		rc = ipam_events_of_reply(reply, &events, &e);
	if (rc == -REASON_REVISION_GONE) {
		log_warn("events_missed", "after=%" PRIu64, n->newest);
		pthread_mutex_lock(&n->lock);
		n->known = false;
		pthread_mutex_unlock(&n->lock);
	}
	if (rc < 0) {
		ev_timer_start(n->ev, &n->retry, RETRY_MS, on_retry, n);
		return;
	}
	if (!n->known) {
		pthread_mutex_lock(&n->lock);
		begin_anew(n, events.newest);
		wake_all(n);
		pthread_mutex_unlock(&n->lock);
	}
	heard(n);
	if (!take(n, &events))
		ask(n);
}

/* What follows `newest`; where that is not known, only what it is. */
static void
ask(struct news *n)
{
	int rc;

	if (n->asking)
		return;
	rc = ipam_ask_events(n->client, n->known ? n->newest : 0, n->known ? IPAM_EVENTS_MAX : 1,
	    ASK_MS, on_reply, n);
	n->asking = rc == 0;
	if (rc < 0)
		ev_timer_start(n->ev, &n->retry, RETRY_MS, on_retry, n);
}

static void
on_event(void *arg, const ProtobufCMessage *msg)
{
	struct news *n = arg;
	struct ipam_events events;
	struct err e;

	if (ipam_events_of_message(msg, &events, &e) < 0) {
		log_warn("events_not_read", "error=%s", LOG_Q(e.text));
		ask(n);
		return;
	}
	heard(n);
	if (!take(n, &events))
		ask(n);
}

static void
on_up(void *arg)
{
	ask(arg);
}

/* --- the whole -------------------------------------------------------------------------------- */

int
news_new(struct ev *ev, const struct places *places, uid_t ipamd, struct news **out, struct err *e)
{
	struct news *n = calloc(1, sizeof(*n));
	const struct ipc_client_conf client = { .path = places->ipamd_rpc, .uid = ipamd,
		.request = ipam_request_type, .reply = ipam_reply_type };
	struct ipc_subscriber_conf subscriber = { .path = places->ipamd_events, .uid = ipamd,
		.type = ipam_events_type, .event = on_event, .up = on_up };
	int rc;

	if (n == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	n->ev = ev;
	TAILQ_INIT(&n->chunks);
	TAILQ_INIT(&n->waiters);
	pthread_mutex_init(&n->lock, NULL);
	subscriber.arg = n;
	if ((rc = ipc_client_new(ev, &client, &n->client, e)) < 0 ||
	    (rc = ipc_subscriber_new(ev, &subscriber, &n->subscriber, e)) < 0 ||
	    (rc = ev_timer_start(ev, &n->silence, NEWS_LOST_MS, on_silence, n)) < 0) {
		news_free(n);
		return rc;
	}
	*out = n;
	return 0;
}

void
news_free(struct news *n)
{
	if (n == NULL)
		return;
	ev_timer_stop(n->ev, &n->silence);
	ev_timer_stop(n->ev, &n->retry);
	ipc_subscriber_free(n->subscriber);
	ipc_client_free(n->client);
	begin_anew(n, 0);
	pthread_mutex_destroy(&n->lock);
	free(n);
}
