/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/feed.h"

#include "common/log.h"
#include "daemons/ipamd/codec_event.h"

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

/* Committed events that were not told yet; how many. */
static int
read_chunk(struct feed *f, struct store_event chunk[EVENTS_CHUNK])
{
	int n;

	if (f->told >= f->committed.newest)
		return 0;
	n = store_event_list(f->ledger->store, f->told, chunk, EVENTS_CHUNK);
	while (n > 0 && chunk[n - 1].revision > f->committed.newest)
		n--;
	return n;
}

/* A chunk of the news; without any it is still told where they end, if `beat`. */
static int
tell(struct feed *f, bool beat)
{
	struct store_event chunk[EVENTS_CHUNK];
	struct event_page page = { .events = chunk, .span = f->committed };
	int rc = read_chunk(f, chunk);

	if (rc >= 0) {
		page.n = (size_t) rc;
		rc = page.n > 0 || beat ? publish(f, &page) : 0;
	}
	log_outcome(f, rc);
	if (rc == 0 && page.n > 0)
		f->told = chunk[page.n - 1].revision;
	return rc;
}

static void
on_news(void *arg)
{
	struct feed *f = arg;

	/* The rest of them after others had their turn. */
	if (tell(f, false) == 0 && f->told < f->committed.newest)
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
	if ((rc = store_event_span(ledger->store, &f->committed)) < 0)
		return err_set(e, rc, "%s", store_failure(ledger->store));
	f->told = f->committed.newest;
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
	int rc = store_event_span(f->ledger->store, &f->committed);

	if (rc == 0 && f->told < f->committed.newest && f->news.slot == 0)
		rc = ev_timer_start(f->ev, &f->news, 0, on_news, f);
	if (rc < 0)
		log_outcome(f, rc);
}

struct ipc_stats
feed_stats(const struct feed *f)
{
	return ipc_publisher_stats(f->publisher);
}
