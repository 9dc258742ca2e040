/* SPDX-License-Identifier: Apache-2.0 */
#include "common/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "common/conf_value.h"
#include "common/secret.h"
#include "common/suggest.h"

#define SEEN_MAX 128			/* keys of the largest schema, with room */
#define DEPTH_MAX 16			/* no schema has more; libyaml's time grows by its square */

struct seen {
	const struct conf_key *key;
	yaml_mark_t at;
	bool bad;	/* an error was found in its value */
};

#define PREFIX_MAX 128	/* a longer one is cut in the texts */

struct conf {
	const char *path;
	const struct conf_schema *schema;
	struct conf_report *report;
	char *text;		/* the whole file */
	size_t len;		/* of it */
	char *values;		/* under construction; the caller's only when all is well */
	bool world_readable;
	yaml_parser_t parser;
	yaml_event_t event;	/* the current one */
	int depth;		/* mappings and sequences that it is in */
	bool broken;		/* YAML itself is wrong: nothing after it can be read */
	char prefix[PREFIX_MAX];	/* of the keys of this map, for texts: "log." */
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
conf_is_set(const struct conf *c, const char *key)
{
	return find_seen(c, key) != NULL;
}

bool
conf_world_readable(const struct conf *c)
{
	return c->world_readable;
}

static const char *
suggest(const struct conf_key *keys, const char *name)
{
	struct suggest s = suggest_for(name);

	for (const struct conf_key *k = keys; k->name != NULL; k++)
		suggest_try(&s, k->name);
	return s.found;
}

static void free_keys(const struct conf_key *keys, char *values);

static void
free_value(const struct conf_key *k, char *value)
{
	if (k->type == CONF_MAP)
		free_keys(k->keys, value);
	else if (conf_value_is_text(k))
		secret_free(*(char **) (void *) value);	/* one of them may be a token */
}

static void
free_keys(const struct conf_key *keys, char *values)
{
	for (const struct conf_key *k = keys; k->name != NULL; k++) {
		struct conf_list *list = (struct conf_list *) (void *) (values + k->offset);

		if (!k->list) {
			free_value(k, k->type == CONF_MAP ? values : values + k->offset);
			continue;
		}
		for (size_t i = 0; i < list->n; i++)
			free_value(k, (char *) list->items + i * conf_value_size(k));
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

/* Where the parser found the file not to be YAML. For a bad byte it gives the offset only. */
static yaml_mark_t
problem_mark(const struct conf *c)
{
	yaml_mark_t at = { 0 };

	if (c->parser.error != YAML_READER_ERROR)
		return c->parser.problem_mark;
	for (size_t i = 0; i < c->parser.problem_offset && i < c->len; i++) {
		at.column++;
		if (c->text[i] == '\n') {
			at.line++;
			at.column = 0;
		}
	}
	return at;
}

/* YAML can more than a configuration needs, and what it can surprises people. */
static void
refuse_extras(struct conf *c)
{
	const yaml_event_t *v = &c->event;
	bool extra = false;

	switch (v->type) {
	case YAML_ALIAS_EVENT:
		extra = true;
		break;
	case YAML_SCALAR_EVENT:
		extra = v->data.scalar.anchor != NULL || v->data.scalar.tag != NULL;
		break;
	case YAML_SEQUENCE_START_EVENT:
		extra = v->data.sequence_start.anchor != NULL || v->data.sequence_start.tag != NULL;
		break;
	case YAML_MAPPING_START_EVENT:
		extra = v->data.mapping_start.anchor != NULL || v->data.mapping_start.tag != NULL;
		break;
	default:
		break;
	}
	if (extra)
		fail_at(c, &v->start_mark,
		    "anchors (&), aliases (*) and tags (!) are not allowed; a "
		    "text that begins so goes in quotes");
}

static void
forget_event(struct conf *c)
{
	if (c->event.type == YAML_SCALAR_EVENT)
		secret_wipe(c->event.data.scalar.value, c->event.data.scalar.length);
	yaml_event_delete(&c->event);
}

static int
depth_change(yaml_event_type_t type)
{
	return (type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT) -
	    (type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT);
}

/* Moves to the next event; a file that is not YAML, or not ours, ends the walk with one error. */
static yaml_event_type_t
advance(struct conf *c)
{
	if (c->broken)
		return YAML_STREAM_END_EVENT;
	forget_event(c);
	if (!yaml_parser_parse(&c->parser, &c->event)) {
		yaml_mark_t at = problem_mark(c);

		memset(&c->event, 0, sizeof(c->event));
		fail_at(c, &at, "not valid YAML: %s",
		    c->parser.problem == NULL ? "cannot read it" : c->parser.problem);
		c->broken = true;
		return YAML_STREAM_END_EVENT;
	}
	refuse_extras(c);
	c->depth += depth_change(c->event.type);
	if (c->depth > DEPTH_MAX) {
		fail_at(c, &c->event.start_mark, "nested more than %d deep", DEPTH_MAX);
		c->broken = true;
		return YAML_STREAM_END_EVENT;
	}
	return c->event.type;
}

/* Moves over the value that begins at the current event, whatever it is, to its last event. */
static void
skip_value(struct conf *c)
{
	int outside = c->depth - depth_change(c->event.type);

	while (c->depth > outside && !c->broken)
		advance(c);
}

static const char *
scalar(const struct conf *c)
{
	return (const char *) c->event.data.scalar.value;
}

/* A single value that a string can hold: without a NUL in it. */
static bool
is_word(const struct conf *c)
{
	return c->event.type == YAML_SCALAR_EVENT &&
	    c->event.data.scalar.length == strlen(scalar(c));
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
	char why[CONF_WHY_MAX] = "must be a single value";
	yaml_mark_t at = c->event.start_mark;

	if (c->event.type == YAML_ALIAS_EVENT)
		return;	/* refused already */
	if (!is_word(c)) {
		fail_at(c, &at, "%s%s %s", c->prefix, k->name, why);
		skip_value(c);
		return;
	}
	if (conf_value_parse(k, scalar(c), out, why) < 0)
		fail_at(c, &at, "%s%s is \"%.80s\", but %s", c->prefix, k->name, scalar(c), why);
}

static void set_defaults(struct conf *c, const struct conf_key *keys, char *values);
static void read_map(struct conf *c, const struct conf_key *keys, char *values);

/* The keys of k, a map: in texts they are called "log.level". */
static void
read_keys_of(struct conf *c, const struct conf_key *k, char *values)
{
	size_t len = strlen(c->prefix);

	snprintf(c->prefix + len, sizeof(c->prefix) - len, "%s.", k->name);
	read_map(c, k->keys, values);
	c->prefix[len] = '\0';
}

/* An entry has its own keys: what an error says of one of them later is said of the list. */
static void
read_entry(struct conf *c, const struct conf_key *k, char *entry)
{
	size_t seen = c->nseen;

	if (k->type != CONF_MAP) {
		read_scalar(c, k, entry);
		return;
	}
	set_defaults(c, k->keys, entry);
	read_keys_of(c, k, entry);
	c->nseen = seen;
}

static void
read_list(struct conf *c, const struct conf_key *k, struct conf_list *list)
{
	size_t size = conf_value_size(k);

	if (c->event.type != YAML_SEQUENCE_START_EVENT) {
		fail_at(c, &c->event.start_mark, "%s%s must be a list: [a, b]", c->prefix,
		    k->name);
		skip_value(c);
		return;
	}
	while (advance(c) != YAML_SEQUENCE_END_EVENT && !c->broken) {
		char *items =
		    list->n == CONF_LIST_MAX ? NULL : reallocarray(list->items, list->n + 1, size);

		if (items == NULL) {
			fail_at(c, &c->event.start_mark, "%s%s has more than %d entries",
			    c->prefix, k->name, CONF_LIST_MAX);
			skip_value(c);
			continue;
		}
		memset(items + list->n * size, 0, size);
		list->items = items;
		read_entry(c, k, items + list->n++ * size);
	}
}

static void
read_value(struct conf *c, const struct conf_key *k, char *values)
{
	char *out = values + k->offset;

	if (is_null(c) || c->event.type == YAML_ALIAS_EVENT)
		return;
	if (k->list)
		read_list(c, k, (struct conf_list *) (void *) out);
	else if (k->type == CONF_MAP)
		read_keys_of(c, k, values);
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
			fail_at(c, at, "%s%s is given twice; it stands at line %zu already",
			    c->prefix, k->name, c->seen[i].at.line + 1);
			return false;
		}
	}
	if (c->nseen < SEEN_MAX)
		c->seen[c->nseen++] = (struct seen){ k, *at, false };
	return true;
}

/* The value of a key that was noted as c->seen[which]. */
static void
read_noted(struct conf *c, const struct conf_key *k, size_t which, char *values)
{
	unsigned before = c->report->n;

	read_value(c, k, values);
	if (which < c->nseen && c->report->n > before)
		c->seen[which].bad = true;
}

static void
read_pair(struct conf *c, const struct conf_key *keys, char *values)
{
	yaml_mark_t at = c->event.start_mark;
	size_t which = c->nseen;
	const struct conf_key *k;
	const char *better;

	if (c->event.type == YAML_ALIAS_EVENT) {
		k = NULL;	/* refused already */
	} else if (!is_word(c)) {
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
		read_noted(c, k, which, values);
}

static void
read_map(struct conf *c, const struct conf_key *keys, char *values)
{
	if (c->event.type != YAML_MAPPING_START_EVENT) {
		fail_at(c, &c->event.start_mark, "here must stand \"key: value\" lines");
		skip_value(c);
		return;
	}
	while (advance(c) != YAML_MAPPING_END_EVENT && !c->broken)
		read_pair(c, keys, values);
}

static void
read_file(struct conf *c)
{
	advance(c);	/* stream start */
	if (advance(c) != YAML_DOCUMENT_START_EVENT)
		return;	/* an empty file: all defaults */
	advance(c);
	if (!c->broken && !is_null(c))
		read_map(c, c->schema->keys, c->values);
	advance(c);	/* document end */
	if (!c->broken && advance(c) != YAML_STREAM_END_EVENT)
		fail_at(c, &c->event.start_mark, "a second document; there must be only one");
}

/* --- defaults and the whole ------------------------------------------------------------------ */

/* Before the file is read. A default that does not parse is our own mistake, found by any load. */
static void
set_defaults(struct conf *c, const struct conf_key *keys, char *values)
{
	char why[CONF_WHY_MAX] = "";

	for (const struct conf_key *k = keys; k->name != NULL; k++) {
		if (k->type == CONF_MAP && !k->list) {
			set_defaults(c, k->keys, values);
			continue;
		}
		if (k->list || (k->dflt == NULL && !conf_value_is_text(k)))
			continue;
		if (conf_value_parse(k, k->dflt == NULL ? "" : k->dflt, values + k->offset, why) <
		    0)
			fail_at(c, NULL, "default of %s: %s", k->name, why);
	}
}

/* Reads the whole file into c->text; what is not an ordinary small file is refused. */
static int
read_text(struct conf *c)
{
	struct stat st = { 0 };
	/* Non-blocking: a FIFO of that name must not hold the daemon. */
	int fd = open(c->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		fail_at(c, NULL, "%s", strerror(errno));
	else if (!S_ISREG(st.st_mode))
		fail_at(c, NULL, "not a regular file");
	else if (st.st_size > CONF_TEXT_MAX)
		fail_at(c, NULL, "larger than %d bytes", CONF_TEXT_MAX);
	else if ((c->text = malloc(CONF_TEXT_MAX)) == NULL)
		fail_at(c, NULL, "out of memory");
	while (c->text != NULL && c->len < CONF_TEXT_MAX &&
	    (n = read(fd, c->text + c->len, CONF_TEXT_MAX - c->len)) > 0)
		c->len += (size_t) n;
	if (n < 0)
		fail_at(c, NULL, "%s", strerror(errno));
	c->world_readable = c->text != NULL && (st.st_mode & S_IROTH) != 0;
	if (fd >= 0)
		close(fd);
	return c->report->n == 0 ? 0 : -EINVAL;
}

/* libyaml has had the whole text in its buffers. */
static void
forget_parser(struct conf *c)
{
	yaml_parser_t *p = &c->parser;

	forget_event(c);
	secret_wipe(p->buffer.start, (size_t) (p->buffer.end - p->buffer.start));
	secret_wipe(p->raw_buffer.start, (size_t) (p->raw_buffer.end - p->raw_buffer.start));
	yaml_parser_delete(p);
}

static bool
can_ask(const struct conf *c, const struct conf_rule *r)
{
	for (size_t i = 0; i < CONF_RULE_KEYS && r->keys[i] != NULL; i++) {
		const struct seen *s = find_seen(c, r->keys[i]);

		if (s != NULL && s->bad)
			return false;
	}
	return true;
}

static void
ask_rules(struct conf *c)
{
	for (const struct conf_rule *r = c->schema->rules; r != NULL && r->check != NULL; r++) {
		if (can_ask(c, r))
			r->check(c, c->values);
	}
}

/* c->text is there; what is wrong goes into the report. */
static int
parse_text(struct conf *c, void *values)
{
	const struct conf_schema *schema = c->schema;

	c->values = calloc(1, schema->size);
	if (c->values == NULL || !yaml_parser_initialize(&c->parser)) {
		fail_at(c, NULL, "out of memory");
		free(c->values);
		return -EINVAL;
	}
	yaml_parser_set_input_string(&c->parser, (const unsigned char *) c->text, c->len);
	set_defaults(c, schema->keys, c->values);
	read_file(c);
	forget_parser(c);
	if (!c->broken)
		ask_rules(c);
	if (c->report->n > 0)
		free_keys(schema->keys, c->values);
	else
		memcpy(values, c->values, schema->size);
	free(c->values);
	return c->report->n > 0 ? -EINVAL : 0;
}

int
conf_load(const char *path, const struct conf_schema *schema, void *values,
    struct conf_report *report)
{
	struct conf c = { .path = path, .schema = schema, .report = report };
	int rc;

	*report = (struct conf_report){ 0 };
	if ((rc = read_text(&c)) == 0)
		rc = parse_text(&c, values);
	if (c.text != NULL)
		secret_wipe(c.text, c.len);	/* a token may stand in it */
	free(c.text);
	return rc;
}

int
conf_parse(const char *name, const char *text, const struct conf_schema *schema, void *values,
    struct conf_report *report)
{
	struct conf c = { .path = name, .schema = schema, .report = report };
	int rc = -EINVAL;

	*report = (struct conf_report){ 0 };
	c.len = strlen(text);
	if (c.len > CONF_TEXT_MAX)
		fail_at(&c, NULL, "is larger than %d bytes", CONF_TEXT_MAX);
	else if ((c.text = strdup(text)) == NULL)
		fail_at(&c, NULL, "out of memory");
	else
		rc = parse_text(&c, values);
	secret_free(c.text);
	return rc;
}
