/* SPDX-License-Identifier: Apache-2.0 */
#include "common/metric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	enum metric_type type;
	const char *labels, *help;
} rows[METRIC_COUNT] = {
#define X(id, name, type, labels, help) { "litevpn_" name, METRIC_##type, labels, help },
	METRIC_TABLE(X)
#undef X
};

const char *
metric_name(enum metric id)
{
	return rows[id].name;
}

enum metric_type
metric_type(enum metric id)
{
	return rows[id].type;
}

const char *
metric_labels(enum metric id)
{
	return rows[id].labels;
}

const char *
metric_help(enum metric id)
{
	return rows[id].help;
}

enum metric
metric_by_name(const char *name)
{
	enum metric id = 0;

	while (id < METRIC_COUNT && strcmp(rows[id].name, name) != 0)
		id++;
	return id;
}

void
metrics_fini(struct metrics *m)
{
	free(m->samples);
	*m = (struct metrics){ 0 };
}

static bool
grow(struct metrics *m)
{
	size_t room = m->room == 0 ? 128 : 2 * m->room;
	struct metric_sample *samples;

	if (m->n < m->room)
		return true;
	if (m->n == METRICS_MAX)
		return false;
	if ((samples = realloc(m->samples, room * sizeof(*samples))) == NULL)
		return false;
	m->samples = samples;
	m->room = room;
	return true;
}

void
metrics_add_part(struct metrics *m, enum metric id, enum metric_part part, const char *first,
    const char *second, double value)
{
	struct metric_sample *s;

	if (!grow(m)) {
		m->left_out++;
		return;
	}
	s = &m->samples[m->n++];
	*s = (struct metric_sample){ .id = id, .part = part, .value = value };
	snprintf(s->labels[0], METRIC_VALUE_MAX, "%s", first);
	snprintf(s->labels[1], METRIC_VALUE_MAX, "%s", second);
}

void
metrics_add(struct metrics *m, enum metric id, const char *first, const char *second, double value)
{
	metrics_add_part(m, id, METRIC_VALUE, first, second, value);
}
