/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/exposition.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const types[] = {
	[METRIC_COUNTER] = "counter",
	[METRIC_GAUGE] = "gauge",
	[METRIC_HISTOGRAM] = "histogram",
};

static const char *const suffixes[] = {
	[METRIC_VALUE] = "",
	[METRIC_BUCKET] = "_bucket",
	[METRIC_SUM] = "_sum",
	[METRIC_N] = "_count",
};

static void
write_text(FILE *to, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			fputs("\\n", to);
		else if (*text == '"' || *text == '\\')
			fprintf(to, "\\%c", *text);
		else
			fputc(*text, to);
	}
}

static void
write_labels(FILE *to, const struct metric_sample *s)
{
	const char *name = metric_labels(s->id), *before = "{";

	for (size_t i = 0; i < METRIC_LABELS_MAX && *name != '\0'; i++) {
		size_t len = strcspn(name, ",");

		if (s->labels[i][0] != '\0') {
			fprintf(to, "%s%.*s=\"", before, (int) len, name);
			write_text(to, s->labels[i]);
			fputc('"', to);
			before = ",";
		}
		name += len + (name[len] == ',');
	}
	if (before[0] == ',')
		fputc('}', to);
}

/* Whole numbers up to where a double has no more of them: counters must not jump. */
static void
write_value(FILE *to, double value)
{
	if (value == floor(value) && fabs(value) < 9e15)
		fprintf(to, " %" PRId64 "\n", (int64_t) value);
	else
		fprintf(to, " %.9g\n", value);
}

static void
write_family(FILE *to, const struct metrics *m, enum metric id)
{
	bool headed = false;

	for (size_t i = 0; i < m->n; i++) {
		const struct metric_sample *s = &m->samples[i];

		if (s->id != id)
			continue;
		if (!headed)
			fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", metric_name(id),
			    metric_help(id), metric_name(id), types[metric_type(id)]);
		headed = true;
		fprintf(to, "%s%s", metric_name(id), suffixes[s->part]);
		write_labels(to, s);
		write_value(to, s->value);
	}
}

char *
exposition_write(const struct metrics *m, size_t *len_out)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	bool failed;

	if (to == NULL)
		return NULL;
	for (enum metric id = 0; id < METRIC_COUNT; id++)
		write_family(to, m, id);
	failed = ferror(to) != 0;
	if (fclose(to) != 0 || failed) {
		free(text);
		return NULL;
	}
	*len_out = len;
	return text;
}
