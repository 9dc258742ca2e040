/* SPDX-License-Identifier: Apache-2.0 */
#include "common/conf.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <yaml.h>

#include "common/ip.h"

#define SEEN_MAX 128	/* keys of the largest schema, with room */

struct seen {
	const struct conf_key *key;
	yaml_mark_t at;
};

struct conf {
	const char *path;
	const struct conf_schema *schema;
	struct conf_report *report;
	char *values;		/* under construction; the caller's only when all is well */
	bool world_readable;
	yaml_parser_t parser;
	yaml_event_t event;	/* the current one */
	bool broken;		/* YAML itself is wrong: nothing after it can be read */
	struct seen seen[SEEN_MAX];
	size_t nseen;
};

/* --- errors ---------------------------------------------------------------------------------- */

static void __attribute__((format(printf, 3, 0)))
vfail(struct conf *c, const yaml_mark_t *at, const char *fmt, va_list ap)
{
	struct conf_report *r = c->report;
	char text[512];
	char *line = NULL;

	vsnprintf(text, sizeof(text), fmt, ap);
	if (r->n++ >= CONF_ERRORS_MAX)
		return;
	if (at == NULL && asprintf(&line, "%s: %s", c->path, text) < 0)
		line = NULL;
	if (at != NULL && asprintf(&line, "%s:%zu:%zu: %s", c->path, at->line + 1, at->column + 1,
	    text) < 0)
		line = NULL;
	r->lines[r->n - 1] = line;
}

static void __attribute__((format(printf, 3, 4)))
fail_at(struct conf *c, const yaml_mark_t *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfail(c, at, fmt, ap);
	va_end(ap);
}

static const struct seen *
find_seen(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->nseen; i++) {
		if (strcmp(c->seen[i].key->name, name) == 0)
			return &c->seen[i];
	}
	return NULL;
}

void
conf_fail(struct conf *c, const char *key, const char *fmt, ...)
{
	const struct seen *s = find_seen(c, key);
	va_list ap;

	va_start(ap, fmt);
	vfail(c, s == NULL ? NULL : &s->at, fmt, ap);
	va_end(ap);
}

bool
conf_world_readable(const struct conf *c)
{
	return c->world_readable;
}

bool
conf_is_set(const struct conf *c, const char *key)
{
	return find_seen(c, key) != NULL;
}

void
conf_report_print(const struct conf_report *report, FILE *to)
{
	for (unsigned i = 0; i < report->n && i < CONF_ERRORS_MAX; i++)
		fprintf(to, "%s\n", report->lines[i] == NULL ? "out of memory" : report->lines[i]);
	if (report->n > CONF_ERRORS_MAX)
		fprintf(to, "... and %u more errors\n", report->n - CONF_ERRORS_MAX);
}

void
conf_report_free(struct conf_report *report)
{
	for (unsigned i = 0; i < report->n && i < CONF_ERRORS_MAX; i++)
		free(report->lines[i]);
	*report = (struct conf_report){ 0 };
}

/* --- the misspelt key ------------------------------------------------------------------------ */

/* Levenshtein distance of two short words, upper and lower case being equal. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[64];
	size_t la = strlen(a), lb = strlen(b);

	if (la > 40 || lb >= sizeof(row) / sizeof(row[0]))
		return UINT32_MAX;
	for (unsigned j = 0; j <= lb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned diagonal = row[0]++;

		for (unsigned j = 1; j <= lb; j++) {
			unsigned same = tolower((unsigned char) a[i - 1]) ==
			    tolower((unsigned char) b[j - 1]);
			unsigned best = diagonal + (same ? 0 : 1);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[lb];
}

static const char *
suggest(const struct conf_key *keys, const char *name)
{
	unsigned best = 1 + (unsigned) strlen(name) / 3;
	const char *found = NULL;

	for (const struct conf_key *k = keys; k->name != NULL; k++) {
		unsigned d = distance(name, k->name);

		if (d <= best) {
			best = d;
			found = k->name;
		}
	}
	return found;
}

/* --- scalars: text to value, by type --------------------------------------------------------- */

/* Each returns 0, or -EINVAL with the reason in `why`, or -ENOMEM. */
#define WHY_MAX 256
typedef int parse_fn(const struct conf_key *k, const char *text, void *out, char why[WHY_MAX]);

static int
parse_bool(const struct conf_key *k, const char *text, void *out, char why[WHY_MAX])
{
	(void) k;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
		snprintf(why, WHY_MAX, "must be true or false");
		return -EINVAL;
	}
	*(bool *) out = text[0] == 't';
	return 0;
}

static int
parse_int(const struct conf_key *k, const char *text, void *out, char why[WHY_MAX])
{
	char *end;
	int64_t v;

	if (k->may_auto && strcmp(text, "auto") == 0) {
		*(int64_t *) out = 0;
		return 0;
	}
	errno = 0;
	v = strtoll(text, &end, 10);
	if (*text == '\0' || *end != '\0' || errno != 0 || v < k->min || v > k->max) {
		snprintf(why, WHY_MAX, "must be %sa whole number from %" PRId64 " to %" PRId64,
		    k->may_auto ? "auto or " : "", k->min, k->max);
		return -EINVAL;
	}
	*(int64_t *) out = v;
	return 0;
}

static const struct unit {
	const char *name;
	int64_t ms;
} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };

static const char *
duration_text(int64_t ms, char buf[32])
{
	size_t u = sizeof(units) / sizeof(units[0]) - 1;

	while (u > 0 && (ms == 0 || ms % units[u].ms != 0))
		u--;
	snprintf(buf, 32, "%" PRId64 "%s", ms / units[u].ms, units[u].name);
	return buf;
}

/* Sum of number-unit pairs, "1h30m". Returns -1 where the text is not one. */
static int64_t
duration_ms(const char *text)
{
	int64_t sum = 0;

	if (*text == '\0')
		return -1;
	while (*text != '\0') {
		const struct unit *u = NULL;
		int64_t n = 0;
		size_t digits = strspn(text, "0123456789"), letters;

		if (digits == 0 || digits > 9)
			return -1;
		for (size_t i = 0; i < digits; i++)
			n = n * 10 + (*text++ - '0');
		letters = strspn(text, "abcdefghijklmnopqrstuvwxyz");
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
			if (strlen(units[i].name) == letters &&
			    strncmp(text, units[i].name, letters) == 0)
				u = &units[i];
		}
		if (u == NULL)
			return -1;
		text += letters;
		sum += n * u->ms;
	}
	return sum;
}

static int
parse_duration(const struct conf_key *k, const char *text, void *out, char why[WHY_MAX])
{
	int64_t ms = duration_ms(text);

	if (ms < k->min || ms > k->max) {
		snprintf(why, WHY_MAX, "must be a time with its unit (ms, s, m, h, d) from %s to %s",
		    duration_text(k->min, (char[32]){ 0 }), duration_text(k->max, (char[32]){ 0 }));
		return -EINVAL;
	}
	*(int64_t *) out = ms;
	return 0;
}

static int
parse_text(const struct conf_key *k, const char *text, void *out, char why[WHY_MAX])
{
	size_t len = strlen(text);
	int64_t max = k->max == 0 ? 1024 : k->max;
	char *copy;

	if (k->type == CONF_PATH && len > 0 && text[0] != '/') {
		snprintf(why, WHY_MAX, "must be an absolute path");
		return -EINVAL;
	}
	if (k->type == CONF_HOST && strspn(text, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-") != len) {
		snprintf(why, WHY_MAX, "must be an IP address or a DNS name, without a port");
		return -EINVAL;
	}
	if ((int64_t) len < k->min || (int64_t) len > max) {
		snprintf(why, WHY_MAX, "must have %" PRId64 " to %" PRId64 " characters", k->min,
		    max);
		return -EINVAL;
	}
	if ((copy = strdup(text)) == NULL)
		return -ENOMEM;
	free(*(char **) out);	/* the default, which the file replaces */
	*(char **) out = copy;
	return 0;
}

static int
parse_word(const struct conf_key *k, const char *text, void *out, char why[WHY_MAX])
{
	size_t n;

	for (int i = 0; k->words[i] != NULL; i++) {
		if (strcmp(k->words[i], text) == 0) {
			*(int *) out = i;
			return 0;
		}
	}
	n = (size_t) snprintf(why, WHY_MAX, "must be one of");
	for (int i = 0; k->words[i] != NULL && n < WHY_MAX; i++)
		n += (size_t) snprintf(why + n, WHY_MAX - n, "%s %s", i == 0 ? "" : ",",
		    k->words[i]);
	return -EINVAL;
}

static int
parse_addr(const struct conf_key *k, const char *text, void *out, char why[WHY_MAX])
{
	(void) k;
	if (ip_parse(text, out) == 0)
		return 0;
	snprintf(why, WHY_MAX, "must be an IPv4 or IPv6 address");
	return -EINVAL;
}

static int
parse_prefix(const struct conf_key *k, const char *text, void *out, char why[WHY_MAX])
{
	(void) k;
	if (ip_prefix_parse(text, out) == 0)
		return 0;
	snprintf(why, WHY_MAX, "must be an address with its prefix length, such as 10.1.1.1/24");
	return -EINVAL;
}

static const struct {
	parse_fn *parse;
	size_t size;
} types[] = {
	[CONF_BOOL] = { parse_bool, sizeof(bool) },
	[CONF_INT] = { parse_int, sizeof(int64_t) },
	[CONF_DURATION] = { parse_duration, sizeof(int64_t) },
	[CONF_TEXT] = { parse_text, sizeof(char *) },
	[CONF_PATH] = { parse_text, sizeof(char *) },
	[CONF_HOST] = { parse_text, sizeof(char *) },
	[CONF_WORD] = { parse_word, sizeof(int) },
	[CONF_ADDR] = { parse_addr, sizeof(struct ip_addr) },
	[CONF_PREFIX] = { parse_prefix, sizeof(struct ip_prefix) },
};

static bool
holds_text(const struct conf_key *k)
{
	return k->type == CONF_TEXT || k->type == CONF_PATH || k->type == CONF_HOST;
}

static void
free_keys(const struct conf_key *keys, char *values)
{
	for (const struct conf_key *k = keys; k->name != NULL; k++) {
		struct conf_list *list = (struct conf_list *) (void *) (values + k->offset);
		char **texts = k->list ? list->items : (char **) (void *) (values + k->offset);

		if (k->type == CONF_MAP) {
			free_keys(k->keys, values);
			continue;
		}
		for (size_t i = 0; holds_text(k) && i < (k->list ? list->n : 1); i++)
			free(texts[i]);
		if (k->list)
			free(list->items);
	}
}

void
conf_free(const struct conf_schema *schema, void *values)
{
	free_keys(schema->keys, values);
	memset(values, 0, schema->size);
}

/* --- the walk over the file's events --------------------------------------------------------- */

/* Moves to the next event; a file that is not YAML ends the walk with one error. */
static yaml_event_type_t
advance(struct conf *c)
{
	if (c->broken)
		return YAML_STREAM_END_EVENT;
	yaml_event_delete(&c->event);
	if (!yaml_parser_parse(&c->parser, &c->event)) {
		yaml_mark_t at = c->parser.problem_mark;

		memset(&c->event, 0, sizeof(c->event));
		fail_at(c, &at, "not valid YAML: %s",
		    c->parser.problem == NULL ? "cannot read it" : c->parser.problem);
		c->broken = true;
		return YAML_STREAM_END_EVENT;
	}
	return c->event.type;
}

/* Moves over the value that begins at the current event, whatever it is, to its last event. */
static void
skip_value(struct conf *c)
{
	int depth = 0;

	do {
		switch (c->event.type) {
		case YAML_SEQUENCE_START_EVENT:
		case YAML_MAPPING_START_EVENT:
			depth++;
			break;
		case YAML_SEQUENCE_END_EVENT:
		case YAML_MAPPING_END_EVENT:
			depth--;
			break;
		default:
			break;
		}
	} while (depth > 0 && advance(c) != YAML_STREAM_END_EVENT && !c->broken);
}

static const char *
scalar(const struct conf *c)
{
	return (const char *) c->event.data.scalar.value;
}

/* "key:" with nothing after it, "~" and "null" leave the default. */
static bool
is_null(const struct conf *c)
{
	return c->event.type == YAML_SCALAR_EVENT &&
	    c->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    (scalar(c)[0] == '\0' || strcmp(scalar(c), "~") == 0 || strcmp(scalar(c), "null") == 0);
}

static void
read_scalar(struct conf *c, const struct conf_key *k, void *out)
{
	char why[WHY_MAX] = "must be a single value";
	yaml_mark_t at = c->event.start_mark;

	if (c->event.type != YAML_SCALAR_EVENT || c->event.data.scalar.length != strlen(scalar(c))) {
		fail_at(c, &at, "%s %s", k->name, why);
		skip_value(c);
		return;
	}
	if (types[k->type].parse(k, scalar(c), out, why) < 0)
		fail_at(c, &at, "%s is \"%.80s\", but %s", k->name, scalar(c), why);
}

static void
read_list(struct conf *c, const struct conf_key *k, struct conf_list *list)
{
	size_t size = types[k->type].size;

	if (c->event.type != YAML_SEQUENCE_START_EVENT) {
		fail_at(c, &c->event.start_mark, "%s must be a list: [a, b]", k->name);
		skip_value(c);
		return;
	}
	while (advance(c) != YAML_SEQUENCE_END_EVENT && !c->broken) {
		char *items = list->n == CONF_LIST_MAX ? NULL
						       : reallocarray(list->items, list->n + 1, size);

		if (items == NULL) {
			fail_at(c, &c->event.start_mark, "%s has more than %d entries", k->name,
			    CONF_LIST_MAX);
			skip_value(c);
			continue;
		}
		memset(items + list->n * size, 0, size);
		list->items = items;
		read_scalar(c, k, items + list->n++ * size);
	}
}

static void read_map(struct conf *c, const struct conf_key *keys);

static void
read_value(struct conf *c, const struct conf_key *k)
{
	char *out = c->values + k->offset;

	if (is_null(c))
		return;
	if (k->type == CONF_MAP)
		read_map(c, k->keys);
	else if (k->list)
		read_list(c, k, (struct conf_list *) (void *) out);
	else
		read_scalar(c, k, out);
}

static const struct conf_key *
find_key(const struct conf_key *keys, const char *name)
{
	for (const struct conf_key *k = keys; k->name != NULL; k++) {
		if (strcmp(k->name, name) == 0 || (k->alias != NULL && strcmp(k->alias, name) == 0))
			return k;
	}
	return NULL;
}

static bool
note_seen(struct conf *c, const struct conf_key *k, const yaml_mark_t *at)
{
	for (size_t i = 0; i < c->nseen; i++) {
		if (c->seen[i].key == k) {
			fail_at(c, at, "%s is given twice; it stands at line %zu already", k->name,
			    c->seen[i].at.line + 1);
			return false;
		}
	}
	if (c->nseen < SEEN_MAX)
		c->seen[c->nseen++] = (struct seen){ k, *at };
	return true;
}

static void
read_pair(struct conf *c, const struct conf_key *keys)
{
	yaml_mark_t at = c->event.start_mark;
	const struct conf_key *k;
	const char *better;

	if (c->event.type != YAML_SCALAR_EVENT) {
		fail_at(c, &at, "a key must be a word");
		skip_value(c);
		k = NULL;
	} else if ((k = find_key(keys, scalar(c))) == NULL) {
		better = suggest(keys, scalar(c));
		fail_at(c, &at, "unknown key \"%.60s\"%s%s%s", scalar(c),
		    better == NULL ? "" : "; did you mean \"", better == NULL ? "" : better,
		    better == NULL ? "" : "\"?");
	} else if (!note_seen(c, k, &at)) {
		k = NULL;
	}
	advance(c);
	if (c->broken)
		return;
	if (k == NULL)
		skip_value(c);
	else
		read_value(c, k);
}

static void
read_map(struct conf *c, const struct conf_key *keys)
{
	if (c->event.type != YAML_MAPPING_START_EVENT) {
		fail_at(c, &c->event.start_mark, "here must stand \"key: value\" lines");
		skip_value(c);
		return;
	}
	while (advance(c) != YAML_MAPPING_END_EVENT && !c->broken)
		read_pair(c, keys);
}

static void
read_file(struct conf *c)
{
	advance(c);	/* stream start */
	if (advance(c) != YAML_DOCUMENT_START_EVENT)
		return;	/* an empty file: all defaults */
	advance(c);
	if (!c->broken && !is_null(c))
		read_map(c, c->schema->keys);
	advance(c);	/* document end */
	if (!c->broken && advance(c) != YAML_STREAM_END_EVENT)
		fail_at(c, &c->event.start_mark, "a second document; there must be only one");
}

/* --- defaults and the whole ------------------------------------------------------------------ */

/* Before the file is read. A default that does not parse is our own mistake, found by any load. */
static void
set_defaults(struct conf *c, const struct conf_key *keys)
{
	char why[WHY_MAX] = "";

	for (const struct conf_key *k = keys; k->name != NULL; k++) {
		if (k->type == CONF_MAP) {
			set_defaults(c, k->keys);
			continue;
		}
		if (k->list || (k->dflt == NULL && !holds_text(k)))
			continue;
		if (types[k->type].parse(k, k->dflt == NULL ? "" : k->dflt, c->values + k->offset,
		    why) < 0)
			fail_at(c, NULL, "default of %s: %s", k->name, why);
	}
}

int
conf_load(const char *path, const struct conf_schema *schema, void *values,
    struct conf_report *report)
{
	struct conf c = { .path = path, .schema = schema, .report = report };
	struct stat st;
	FILE *f = fopen(path, "re");

	if (f == NULL || fstat(fileno(f), &st) < 0 || !S_ISREG(st.st_mode)) {
		fail_at(&c, NULL, "%s", f == NULL ? strerror(errno) : "not a regular file");
		if (f != NULL)
			fclose(f);
		return -EINVAL;
	}
	c.world_readable = (st.st_mode & S_IROTH) != 0;
	c.values = calloc(1, schema->size);
	if (c.values == NULL || !yaml_parser_initialize(&c.parser)) {
		fail_at(&c, NULL, "out of memory");
		goto out;
	}
	yaml_parser_set_input_file(&c.parser, f);
	set_defaults(&c, schema->keys);
	read_file(&c);
	yaml_event_delete(&c.event);
	yaml_parser_delete(&c.parser);
	if (report->n == 0 && schema->check != NULL)
		schema->check(&c, c.values);
out:
	fclose(f);
	if (report->n == 0)
		memcpy(values, c.values, schema->size);
	else if (c.values != NULL)
		free_keys(schema->keys, c.values);
	free(c.values);
	return report->n == 0 ? 0 : -EINVAL;
}
