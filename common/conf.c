/* SPDX-License-Identifier: Apache-2.0 */
#include "common/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/conf_value.h"
#include "common/conf_yaml.h"
#include "common/secret.h"
#include "common/suggest.h"

#define SEEN_MAX 128			/* keys of the largest schema, with room */

struct seen {
	const struct conf_key *key;
	yaml_mark_t at;
	bool bad;	/* an error was found in its value */
};

/* Where an entry of a list stands. */
struct entry {
	const struct conf_key *key;
	size_t index;
	yaml_mark_t at;
};

#define PREFIX_MAX 128	/* a longer one is cut in the texts */

struct conf {
	struct conf_yaml y;
	const struct conf_schema *schema;
	char *text;		/* the whole file */
	size_t len;		/* of it */
	char *values;		/* under construction; the caller's only when all is well */
	bool world_readable;
	char prefix[PREFIX_MAX];	/* of the keys of this map, for texts: "log." */
	struct seen seen[SEEN_MAX];
	size_t nseen;
	struct entry *entries;
	size_t nentries;
	bool inside;		/* of an entry: lists there are not noted */
};

/* --- errors ---------------------------------------------------------------------------------- */

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
	conf_yaml_vfail(&c->y, s == NULL ? NULL : &s->at, fmt, ap);
	va_end(ap);
}

static const yaml_mark_t *
find_entry(const struct conf *c, const char *name, size_t index)
{
	const struct seen *s = find_seen(c, name);

	for (size_t i = 0; i < c->nentries; i++) {
		if (c->entries[i].index == index && strcmp(c->entries[i].key->name, name) == 0)
			return &c->entries[i].at;
	}
	return s == NULL ? NULL : &s->at;
}

void
conf_fail_entry(struct conf *c, const char *key, size_t index, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	conf_yaml_vfail(&c->y, find_entry(c, key, index), fmt, ap);
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

/* --- keys and values, as they stand in the file ---------------------------------------------- */

static void
read_scalar(struct conf *c, const struct conf_key *k, void *out)
{
	char why[CONF_WHY_MAX] = "must be a single value";
	yaml_mark_t at = c->y.event.start_mark;

	if (c->y.event.type == YAML_ALIAS_EVENT)
		return;	/* refused already */
	if (!conf_yaml_is_word(&c->y)) {
		conf_yaml_fail(&c->y, &at, "%s%s %s", c->prefix, k->name, why);
		conf_yaml_skip(&c->y);
		return;
	}
	if (conf_value_parse(k, conf_yaml_text(&c->y), out, why) < 0)
		conf_yaml_fail(&c->y, &at, "%s%s is \"%.80s\", but %s", c->prefix, k->name,
		    conf_yaml_text(&c->y), why);
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
	c->inside = true;
	read_keys_of(c, k, entry);
	c->inside = false;
	c->nseen = seen;
}

/* Without memory for it an error is said of the whole list. */
static void
note_entry(struct conf *c, const struct conf_key *k, size_t index)
{
	struct entry *entries;

	if (c->inside ||
	    (entries = reallocarray(c->entries, c->nentries + 1, sizeof(*entries))) == NULL)
		return;
	entries[c->nentries++] = (struct entry){ k, index, c->y.event.start_mark };
	c->entries = entries;
}

static void
read_list(struct conf *c, const struct conf_key *k, struct conf_list *list)
{
	size_t size = conf_value_size(k);

	if (c->y.event.type != YAML_SEQUENCE_START_EVENT) {
		conf_yaml_fail(&c->y, &c->y.event.start_mark, "%s%s must be a list: [a, b]", c->prefix,
		    k->name);
		conf_yaml_skip(&c->y);
		return;
	}
	while (conf_yaml_next(&c->y) != YAML_SEQUENCE_END_EVENT && !c->y.broken) {
		char *items =
		    list->n == CONF_LIST_MAX ? NULL : reallocarray(list->items, list->n + 1, size);

		if (items == NULL) {
			conf_yaml_fail(&c->y, &c->y.event.start_mark, "%s%s has more than %d entries",
			    c->prefix, k->name, CONF_LIST_MAX);
			conf_yaml_skip(&c->y);
			continue;
		}
		memset(items + list->n * size, 0, size);
		list->items = items;
		note_entry(c, k, list->n);
		read_entry(c, k, items + list->n++ * size);
	}
}

static void
read_value(struct conf *c, const struct conf_key *k, char *values)
{
	char *out = values + k->offset;

	if (conf_yaml_is_null(&c->y) || c->y.event.type == YAML_ALIAS_EVENT)
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
			conf_yaml_fail(&c->y, at, "%s%s is given twice; it stands at line %zu already",
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
	unsigned before = c->y.report->n;

	read_value(c, k, values);
	if (which < c->nseen && c->y.report->n > before)
		c->seen[which].bad = true;
}

static void
read_pair(struct conf *c, const struct conf_key *keys, char *values)
{
	yaml_mark_t at = c->y.event.start_mark;
	size_t which = c->nseen;
	const struct conf_key *k;
	const char *better;

	if (c->y.event.type == YAML_ALIAS_EVENT) {
		k = NULL;	/* refused already */
	} else if (!conf_yaml_is_word(&c->y)) {
		conf_yaml_fail(&c->y, &at, "a key must be a word");
		conf_yaml_skip(&c->y);
		k = NULL;
	} else if ((k = find_key(keys, conf_yaml_text(&c->y))) == NULL) {
		better = suggest(keys, conf_yaml_text(&c->y));
		conf_yaml_fail(&c->y, &at, "unknown key \"%.60s\"%s%s%s", conf_yaml_text(&c->y),
		    better == NULL ? "" : "; did you mean \"", better == NULL ? "" : better,
		    better == NULL ? "" : "\"?");
	} else if (!note_seen(c, k, &at)) {
		k = NULL;
	}
	conf_yaml_next(&c->y);
	if (c->y.broken)
		return;
	if (k == NULL)
		conf_yaml_skip(&c->y);
	else
		read_noted(c, k, which, values);
}

static void
read_map(struct conf *c, const struct conf_key *keys, char *values)
{
	if (c->y.event.type != YAML_MAPPING_START_EVENT) {
		conf_yaml_fail(&c->y, &c->y.event.start_mark, "here must stand \"key: value\" lines");
		conf_yaml_skip(&c->y);
		return;
	}
	while (conf_yaml_next(&c->y) != YAML_MAPPING_END_EVENT && !c->y.broken)
		read_pair(c, keys, values);
}

static void
read_file(struct conf *c)
{
	conf_yaml_next(&c->y);	/* stream start */
	if (conf_yaml_next(&c->y) != YAML_DOCUMENT_START_EVENT)
		return;	/* an empty file: all defaults */
	conf_yaml_next(&c->y);
	if (!c->y.broken && !conf_yaml_is_null(&c->y))
		read_map(c, c->schema->keys, c->values);
	conf_yaml_next(&c->y);	/* document end */
	if (!c->y.broken && conf_yaml_next(&c->y) != YAML_STREAM_END_EVENT)
		conf_yaml_fail(&c->y, &c->y.event.start_mark, "a second document; there must be only one");
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
			conf_yaml_fail(&c->y, NULL, "default of %s: %s", k->name, why);
	}
}

/* Reads the whole file into c->text; what is not an ordinary small file is refused. */
static int
read_text(struct conf *c)
{
	struct stat st = { 0 };
	/* Non-blocking: a FIFO of that name must not hold the daemon. */
	int fd = open(c->y.path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		conf_yaml_fail(&c->y, NULL, "%s", strerror(errno));
	else if (!S_ISREG(st.st_mode))
		conf_yaml_fail(&c->y, NULL, "not a regular file");
	else if (st.st_size > CONF_TEXT_MAX)
		conf_yaml_fail(&c->y, NULL, "larger than %d bytes", CONF_TEXT_MAX);
	else if ((c->text = malloc(CONF_TEXT_MAX)) == NULL)
		conf_yaml_fail(&c->y, NULL, "out of memory");
	while (c->text != NULL && c->len < CONF_TEXT_MAX &&
	    (n = read(fd, c->text + c->len, CONF_TEXT_MAX - c->len)) > 0)
		c->len += (size_t) n;
	if (n < 0)
		conf_yaml_fail(&c->y, NULL, "%s", strerror(errno));
	c->world_readable = c->text != NULL && (st.st_mode & S_IROTH) != 0;
	if (fd >= 0)
		close(fd);
	return c->y.report->n == 0 ? 0 : -EINVAL;
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
	if (c->values == NULL || conf_yaml_begin(&c->y, c->text, c->len) < 0) {
		conf_yaml_fail(&c->y, NULL, "out of memory");
		free(c->values);
		return -EINVAL;
	}
	set_defaults(c, schema->keys, c->values);
	read_file(c);
	conf_yaml_end(&c->y);
	if (!c->y.broken)
		ask_rules(c);
	if (c->y.report->n > 0)
		free_keys(schema->keys, c->values);
	else
		memcpy(values, c->values, schema->size);
	free(c->values);
	free(c->entries);
	return c->y.report->n > 0 ? -EINVAL : 0;
}

int
conf_load(const char *path, const struct conf_schema *schema, void *values,
    struct conf_report *report)
{
	struct conf c = { .y = { .path = path, .report = report }, .schema = schema };
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
	struct conf c = { .y = { .path = name, .report = report }, .schema = schema };
	int rc = -EINVAL;

	*report = (struct conf_report){ 0 };
	c.len = strlen(text);
	if (c.len > CONF_TEXT_MAX)
		conf_yaml_fail(&c.y, NULL, "is larger than %d bytes", CONF_TEXT_MAX);
	else if ((c.text = strdup(text)) == NULL)
		conf_yaml_fail(&c.y, NULL, "out of memory");
	else
		rc = parse_text(&c, values);
	secret_free(c.text);
	return rc;
}
