/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec_stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

/* A message with what it points to, in one piece. */
struct packed {
	Litevpn__Stats__Stats msg;	/* first */
	Litevpn__Stats__Sample **list;
	struct item {
		Litevpn__Stats__Sample sample;
		char *labels[METRIC_LABELS_MAX];
		char text[METRIC_LABELS_MAX][METRIC_VALUE_MAX];
	} *items;
};

static size_t
count_labels(enum metric id)
{
	const char *names = metric_labels(id);
	size_t n = names[0] == '\0' ? 0 : 1;

	for (; *names != '\0'; names++)
		n += *names == ',';
	return n;
}

static void
fill(struct item *item, const struct metric_sample *s)
{
	litevpn__stats__sample__init(&item->sample);
	for (size_t i = 0; i < METRIC_LABELS_MAX; i++) {
		memcpy(item->text[i], s->labels[i], METRIC_VALUE_MAX);
		item->labels[i] = item->text[i];
	}
	item->sample.name = (char *) metric_name(s->id);
	item->sample.labels = item->labels;
	item->sample.n_labels = count_labels(s->id);
	item->sample.value = s->value;
}

Litevpn__Stats__Stats *
codec_stats_pack(const struct metrics *m)
{
	struct packed *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	litevpn__stats__stats__init(&p->msg);
	p->list = calloc(m->n + 1, sizeof(*p->list));
	p->items = calloc(m->n + 1, sizeof(*p->items));
	if (p->list == NULL || p->items == NULL) {
		codec_stats_free(&p->msg);
		return NULL;
	}
	for (size_t i = 0; i < m->n; i++) {
		fill(&p->items[i], &m->samples[i]);
		p->list[i] = &p->items[i].sample;
	}
	p->msg.samples = p->list;
	p->msg.n_samples = m->n;
	return &p->msg;
}

void
codec_stats_free(Litevpn__Stats__Stats *msg)
{
	struct packed *p = (struct packed *) msg;

	if (p == NULL)
		return;
	free(p->list);
	free(p->items);
	free(p);
}

static bool
read_sample(const Litevpn__Stats__Sample *s, const char *daemon, struct metrics *m)
{
	const char *labels[METRIC_LABELS_MAX] = { "", "" };
	enum metric id = metric_by_name(s->name);

	if (id == METRIC_COUNT || metric_type(id) == METRIC_HISTOGRAM ||
	    s->n_labels != count_labels(id) || !isfinite(s->value))
		return false;
	for (size_t i = 0; i < s->n_labels; i++) {
		if (strlen(s->labels[i]) >= METRIC_VALUE_MAX || !utf8_valid(s->labels[i]))
			return false;
		labels[i] = s->labels[i];
	}
	if (strncmp(metric_labels(id), "daemon", strlen("daemon")) == 0 &&
	    strcmp(labels[0], daemon) != 0)
		return false;
	metrics_add(m, id, labels[0], labels[1], s->value);
	return true;
}

void
codec_stats_read(const Litevpn__Stats__Stats *msg, const char *daemon, struct metrics *m)
{
	for (size_t i = 0; i < msg->n_samples; i++) {
		if (!read_sample(msg->samples[i], daemon, m))
			m->left_out++;
	}
}
