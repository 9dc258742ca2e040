/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/sync.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemons/tunneld/peer.h"

#define PERIOD_MS 60000
#define RETRY_MS 2000

struct sync {
	struct ev *ev;
	struct ipam *ipam;
	const struct peers *peers;
	void (*gone)(void *arg, const char *node_id);
	void *arg;
	struct ev_timer timer;
	struct ipam_session *all;	/* a snapshot, while one is under way */
	size_t n, sent;
	bool asking;	/* a message is out */
	bool restart;	/* begin anew when it has come back */
};

static void send_next(struct sync *s);

static void
on_timer(void *arg)
{
	sync_now(arg);
}

static void
finish(struct sync *s, int64_t next_ms)
{
	free(s->all);
	s->all = NULL;
	ev_timer_start(s->ev, &s->timer, next_ms, on_timer, s);
}

static void
on_synced(void *arg, int rc, char *const *gone, size_t n)
{
	struct sync *s = arg;

	s->asking = false;
	if (s->restart) {
		s->restart = false;
		sync_now(s);
		return;
	}
	if (rc < 0) {
		log_debug("sync_failed", "error=%s", err_name(rc));
		finish(s, RETRY_MS);
		return;
	}
	for (size_t i = 0; i < n; i++)
		s->gone(s->arg, gone[i]);
	if (s->sent < s->n)
		send_next(s);
	else
		finish(s, PERIOD_MS);
}

/* The next part; the last one may be empty, so that no session at all is an announcement too. */
static void
send_next(struct sync *s)
{
	size_t n = s->n - s->sent < IPAM_SYNC_MAX ? s->n - s->sent : IPAM_SYNC_MAX;
	bool first = s->sent == 0;
	const struct ipam_session *part = s->all + s->sent;

	s->sent += n;
	if (ipam_sync(s->ipam, first, s->sent == s->n, part, n, on_synced, s) < 0)
		finish(s, RETRY_MS);
	else
		s->asking = true;
}

static int
take_snapshot(struct sync *s)
{
	s->all = calloc(s->peers->n + 1, sizeof(*s->all));
	s->n = s->sent = 0;
	if (s->all == NULL)
		return -ENOMEM;
	for (const struct peer *p = peers_next(s->peers, NULL); p != NULL;
	     p = peers_next(s->peers, p)) {
		const struct session *newest = peer_newest(p);

		if (newest == NULL)
			continue;
		strcpy(s->all[s->n].node_id, p->id);
		s->all[s->n].epoch = newest->epoch;
		s->all[s->n++].connected = p->current != NULL;
	}
	return 0;
}

void
sync_now(struct sync *s)
{
	if (s->asking) {
		s->restart = true;
		return;
	}
	ev_timer_stop(s->ev, &s->timer);
	free(s->all);
	if (take_snapshot(s) < 0)
		finish(s, RETRY_MS);
	else
		send_next(s);
}

int
sync_new(struct ev *ev, struct ipam *ipam, const struct peers *peers,
    void (*gone)(void *arg, const char *node_id), void *arg, struct sync **out)
{
	struct sync *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	*s = (struct sync){ .ev = ev, .ipam = ipam, .peers = peers, .gone = gone, .arg = arg };
	*out = s;
	return 0;
}

void
sync_free(struct sync *s)
{
	if (s == NULL)
		return;
	ev_timer_stop(s->ev, &s->timer);
	free(s->all);
	free(s);
}
