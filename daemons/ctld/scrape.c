/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/scrape.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemons/ctld/ask_stats.h"
#include "daemons/ctld/exposition.h"
#include "daemons/ctld/http.h"

struct scrape {
	struct scrape_conf conf;
	struct http *http;
	struct ask_stats *asker;
	unsigned waiting;	/* answers that have not come */
	struct metrics said;
};

static void
publish(struct scrape *s)
{
	size_t len = 0;
	char *text;

	metrics_add(&s->said, METRIC_UP, "ctld", "", 1);
	s->conf.own(s->conf.arg, &s->said);
	metrics_add(&s->said, METRIC_LEFT_OUT, "ctld", "", (double) s->said.left_out);
	text = exposition_write(&s->said, &len);
	http_page(s->http, text, len);
	free(text);
	metrics_fini(&s->said);
}

static void
note(struct scrape *s, enum backend_peer peer, bool up)
{
	metrics_add(&s->said, METRIC_UP, ask_stats_name(peer), "", up);
	if (--s->waiting == 0)
		publish(s);
}

static void
on_stats(void *arg, enum backend_peer peer, bool up)
{
	note(arg, peer, up);
}

static void
on_wanted(void *arg)
{
	struct scrape *s = arg;

	if (s->waiting > 0)
		return;
	s->waiting = BACKEND_PEERS;
	for (enum backend_peer p = 0; p < BACKEND_PEERS; p++) {
		if (!ask_stats(s->asker, p, s->conf.per_node, &s->said, on_stats, s))
			note(s, p, false);
	}
}

int
scrape_new(struct ev *ev, const struct scrape_conf *conf, struct scrape **out, struct err *e)
{
	struct scrape *s = calloc(1, sizeof(*s));
	const struct http_conf http = { "/metrics", EXPOSITION_TYPE, on_wanted, s };
	int rc;

	if (s == NULL) {
		close(conf->fd);
		return err_set(e, -ENOMEM, "out of memory");
	}
	s->conf = *conf;
	if ((rc = http_new(ev, conf->fd, &http, &s->http)) < 0)
		err_set(e, rc, "cannot serve metrics: %s", err_text(rc));
	else
		rc = ask_stats_new(ev, conf->places, conf->uids, &s->asker, e);
	if (rc < 0)
		scrape_free(s);
	else
		*out = s;
	return rc;
}

void
scrape_free(struct scrape *s)
{
	if (s == NULL)
		return;
	ask_stats_free(s->asker);
	http_free(s->http);
	metrics_fini(&s->said);
	free(s);
}
