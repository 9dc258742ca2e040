/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "common/utf8.h"

#define FIELD_WIDTH 14
#define GAP 2		/* between columns */

static const char *const forms[] = { "table", "json", "name", NULL };

const struct opt output_options[] = {
	{ .name = "output", .letter = 'o', .kind = OPT_WORD, .value = "table|json|name",
	    .dflt = "table", .words = forms, .help = "how to print the answer" },
	{ 0 },
};

enum output_form
output_form(const struct args *a)
{
	return (enum output_form) args_word(a, "output");
}

/* --- texts ------------------------------------------------------------------------------------ */

void
output_text(FILE *to, const char *text)
{
	const char *start = text;
	uint32_t c;

	while ((c = utf8_next(&text)) != 0) {
		/* C1 controls, too: terminals obey them. */
		if (c == UTF8_BAD || c < 0x20 || (c >= 0x7f && c < 0xa0))
			fputc('?', to);
		else
			fwrite(start, 1, (size_t) (text - start), to);
		start = text;
	}
}

bool
output_has_colour(FILE *to)
{
	const char *no = getenv("NO_COLOR");

	return isatty(fileno(to)) && (no == NULL || no[0] == '\0');
}

enum output_tone
output_tone(const char *word)
{
	static const struct {
		const char *word;
		enum output_tone tone;
	} words[] = {
		{ "CONNECTED", TONE_GOOD },
		{ "ACTIVE", TONE_GOOD },
		{ "ok", TONE_GOOD },
		{ "CONNECTING", TONE_DOUBTFUL },
		{ "EXPIRED", TONE_DOUBTFUL },
		{ "warn", TONE_DOUBTFUL },
		{ "LOST", TONE_BAD },
		{ "fail", TONE_BAD },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].word, word) == 0)
			return words[i].tone;
	}
	return TONE_NONE;
}

void
output_word(FILE *to, const char *word)
{
	static const char *const codes[] = { "", "\x1b[32m", "\x1b[33m", "\x1b[31m" };
	enum output_tone tone = output_has_colour(to) ? output_tone(word) : TONE_NONE;

	fputs(codes[tone], to);
	output_text(to, word);
	fputs(tone == TONE_NONE ? "" : "\x1b[0m", to);
}

void
output_field(FILE *to, const char *name, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(to, "%s:%*s", name, FIELD_WIDTH - (int) strlen(name), "");
	output_text(to, text);
	fputc('\n', to);
}

const char *
output_time(int64_t utc_s, char buf[OUTPUT_VALUE_MAX])
{
	time_t t = (time_t) utc_s;
	struct tm tm;

	if (utc_s == 0 || gmtime_r(&t, &tm) == NULL ||
	    strftime(buf, OUTPUT_VALUE_MAX, "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
		strcpy(buf, "-");
	return buf;
}

const char *
output_age(int64_t seconds, char buf[OUTPUT_VALUE_MAX])
{
	int64_t s = seconds < 0 ? 0 : seconds;

	if (s < 60)
		snprintf(buf, OUTPUT_VALUE_MAX, "%" PRId64 "s", s);
	else if (s < 3600)
		snprintf(buf, OUTPUT_VALUE_MAX, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, OUTPUT_VALUE_MAX, "%" PRId64 "h%02" PRId64 "m", s / 3600,
		    s / 60 % 60);
	else
		snprintf(buf, OUTPUT_VALUE_MAX, "%" PRId64 "d%02" PRId64 "h", s / 86400,
		    s / 3600 % 24);
	return buf;
}

const char *
output_bytes(uint64_t bytes, char buf[OUTPUT_VALUE_MAX])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double v = (double) bytes;
	size_t u = 0;

	for (; v >= 1024 && u + 1 < sizeof(units) / sizeof(units[0]); u++)
		v /= 1024;
	snprintf(buf, OUTPUT_VALUE_MAX, "%.*f %s", u == 0 ? 0 : 1, v, units[u]);
	return buf;
}

void
output_expiry(FILE *to, const char *name, int64_t end_s, int64_t now_s)
{
	char age[OUTPUT_VALUE_MAX];

	if (end_s <= now_s)
		output_field(to, name, "has expired");
	else
		output_field(to, name, "ends in %s", output_age(end_s - now_s, age));
}

/* --- tables ----------------------------------------------------------------------------------- */

struct table {
	size_t ncolumns, nrows;	/* the first row is the head */
	char **cells;		/* nrows * ncolumns, row after row */
};

int
table_new(const char *const *heads, size_t ncolumns, struct table **out)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	t->ncolumns = ncolumns;
	if (table_add(t, heads) < 0) {
		table_free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->nrows * t->ncolumns; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

int
table_add(struct table *t, const char *const *cells)
{
	char **more = reallocarray(t->cells, (t->nrows + 1) * t->ncolumns, sizeof(*more));
	bool whole = true;

	if (more == NULL)
		return -ENOMEM;
	t->cells = more;
	for (size_t i = 0; i < t->ncolumns; i++) {
		t->cells[t->nrows * t->ncolumns + i] = strdup(cells[i]);
		whole = whole && t->cells[t->nrows * t->ncolumns + i] != NULL;
	}
	t->nrows++;
	return whole ? 0 : -ENOMEM;
}

void
table_print(const struct table *t, FILE *to)
{
	size_t widths[OUTPUT_COLUMNS_MAX] = { 0 };

	for (size_t i = 0; i < t->nrows * t->ncolumns; i++) {
		size_t n = utf8_length(t->cells[i]);

		if (n > widths[i % t->ncolumns])
			widths[i % t->ncolumns] = n;
	}
	for (size_t i = 0; i < t->nrows * t->ncolumns; i++) {
		size_t column = i % t->ncolumns;

		output_word(to, t->cells[i]);
		if (column == t->ncolumns - 1)
			fputc('\n', to);
		else
			fprintf(to, "%*s", (int) (widths[column] + GAP - utf8_length(t->cells[i])),
			    "");
	}
}
