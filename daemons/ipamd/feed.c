/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/feed.h"

#include <stdlib.h>

#include "common/log.h"
#include "daemons/ipamd/codec_event.h"

#define NEWS_MS 2	/* from a commit until it is told: what others commit until then goes along */

static int
publish(struct feed *f, const struct event_page *page)
{
	struct codec_events *c;
	int rc = codec_events_new(page, &c);

	if (rc < 0)
		return rc;
	rc = ipc_publish(f->publisher, codec_events_message(c));
	codec_events_free(c);
	return rc;
}

static void
log_outcome(struct feed *f, int rc)
{
	if (rc < 0 && !f->failed)
		log_warn("events_not_told", "error=%s consequence=\"who listens asks for them\"",
		    err_name(rc));
	f->failed = rc < 0;
}

/*
 * A chunk of the news; without any it is still told where they end, if `beat`. Those that were
 * forgotten before they could be told are passed over: who listens sees the gap.
 */
static int
tell(struct feed *f, bool beat)
{
	uint64_t oldest = f->ledger->events.oldest;
	struct event_page page = { 0 };
	struct err e;
	int rc;

	if (f->told + 1 < oldest)
		f->told = oldest - 1;
	rc = events_list(f->ledger, f->told, EVENTS_CHUNK, &page, &e);
	if (rc == 0 && (page.n > 0 || beat))
		rc = publish(f, &page);
	log_outcome(f, rc);
	if (rc == 0 && page.n > 0)
		f->told = page.events[page.n - 1].revision;
	free(page.events);
	return rc;
}

static void
on_news(void *arg)
{
	struct feed *f = arg;

	/* The rest of them after others had their turn. */
	if (tell(f, false) == 0 && f->told < f->ledger->events.newest)
		ev_timer_start(f->ev, &f->news, 0, on_news, f);
}

static void
on_beat(void *arg)
{
	struct feed *f = arg;

	tell(f, true);
	if (ev_timer_start(f->ev, &f->beat, f->beat_ms, on_beat, f) < 0)
		log_err("beat_stopped", "error=ENOMEM");
}

int
feed_start(struct feed *f, struct ev *ev, const struct ipc_publisher_conf *conf,
    struct ledger *ledger, int64_t beat_ms, struct err *e)
{
	int rc;

	*f = (struct feed){ .ev = ev, .ledger = ledger, .beat_ms = beat_ms };
	f->told = ledger->events.newest;
	if ((rc = ipc_publisher_new(ev, conf, &f->publisher, e)) == 0)
		on_beat(f);
	return rc;
}

void
feed_stop(struct feed *f)
{
	if (f->ev == NULL)
		return;
	ev_timer_stop(f->ev, &f->news);
	ev_timer_stop(f->ev, &f->beat);
	ipc_publisher_free(f->publisher);
}

void
feed_committed(void *feed)
{
	struct feed *f = feed;

	if (f->told < f->ledger->events.newest && f->news.slot == 0)
		ev_timer_start(f->ev, &f->news, NEWS_MS, on_news, f);	/* or at the next beat */
}

struct ipc_stats
feed_stats(const struct feed *f)
{
	return ipc_publisher_stats(f->publisher);
}
