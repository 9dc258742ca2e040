/* SPDX-License-Identifier: Apache-2.0 */
#include "common/conf_yaml.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/secret.h"

#define DEPTH_MAX 16	/* no schema has more; libyaml's time grows by its square */

void
conf_yaml_vfail(struct conf_yaml *y, const yaml_mark_t *at, const char *fmt, va_list ap)
{
	struct conf_report *r = y->report;
	char text[512];
	char *line = NULL;

	vsnprintf(text, sizeof(text), fmt, ap);
	if (r->n++ >= CONF_ERRORS_MAX)
		return;
	if (at == NULL && asprintf(&line, "%s: %s", y->path, text) < 0)
		line = NULL;
	if (at != NULL && asprintf(&line, "%s:%zu:%zu: %s", y->path, at->line + 1, at->column + 1,
	    text) < 0)
		line = NULL;
	r->lines[r->n - 1] = line;
}

void
conf_yaml_fail(struct conf_yaml *y, const yaml_mark_t *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	conf_yaml_vfail(y, at, fmt, ap);
	va_end(ap);
}

int
conf_yaml_begin(struct conf_yaml *y, const char *text, size_t len)
{
	if (!yaml_parser_initialize(&y->parser))
		return -ENOMEM;
	y->text = text;
	y->len = len;
	yaml_parser_set_input_string(&y->parser, (const unsigned char *) text, len);
	return 0;
}

/* Where the parser found the file not to be YAML. For a bad byte it gives the offset only. */
static yaml_mark_t
problem_mark(const struct conf_yaml *y)
{
	yaml_mark_t at = { 0 };

	if (y->parser.error != YAML_READER_ERROR)
		return y->parser.problem_mark;
	for (size_t i = 0; i < y->parser.problem_offset && i < y->len; i++) {
		at.column++;
		if (y->text[i] == '\n') {
			at.line++;
			at.column = 0;
		}
	}
	return at;
}

/* YAML can more than a configuration needs, and what it can surprises people. */
static void
refuse_extras(struct conf_yaml *y)
{
	const yaml_event_t *v = &y->event;
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
		conf_yaml_fail(y, &v->start_mark,
		    "anchors (&), aliases (*) and tags (!) are not allowed; a "
		    "text that begins so goes in quotes");
}

static void
forget_event(struct conf_yaml *y)
{
	if (y->event.type == YAML_SCALAR_EVENT)
		secret_wipe(y->event.data.scalar.value, y->event.data.scalar.length);
	yaml_event_delete(&y->event);
}

static int
depth_change(yaml_event_type_t type)
{
	return (type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT) -
	    (type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT);
}

yaml_event_type_t
conf_yaml_next(struct conf_yaml *y)
{
	if (y->broken)
		return YAML_STREAM_END_EVENT;
	forget_event(y);
	if (!yaml_parser_parse(&y->parser, &y->event)) {
		yaml_mark_t at = problem_mark(y);

		memset(&y->event, 0, sizeof(y->event));
		conf_yaml_fail(y, &at, "not valid YAML: %s",
		    y->parser.problem == NULL ? "cannot read it" : y->parser.problem);
		y->broken = true;
		return YAML_STREAM_END_EVENT;
	}
	refuse_extras(y);
	y->depth += depth_change(y->event.type);
	if (y->depth > DEPTH_MAX) {
		conf_yaml_fail(y, &y->event.start_mark, "nested more than %d deep", DEPTH_MAX);
		y->broken = true;
		return YAML_STREAM_END_EVENT;
	}
	return y->event.type;
}

void
conf_yaml_skip(struct conf_yaml *y)
{
	int outside = y->depth - depth_change(y->event.type);

	while (y->depth > outside && !y->broken)
		conf_yaml_next(y);
}

const char *
conf_yaml_text(const struct conf_yaml *y)
{
	return (const char *) y->event.data.scalar.value;
}

bool
conf_yaml_is_word(const struct conf_yaml *y)
{
	return y->event.type == YAML_SCALAR_EVENT &&
	    y->event.data.scalar.length == strlen(conf_yaml_text(y));
}

bool
conf_yaml_is_null(const struct conf_yaml *y)
{
	const char *text;

	if (y->event.type != YAML_SCALAR_EVENT ||
	    y->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	text = conf_yaml_text(y);
	return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

void
conf_yaml_end(struct conf_yaml *y)
{
	yaml_parser_t *p = &y->parser;

	forget_event(y);
	/* The whole text has been in its buffers. */
	secret_wipe(p->buffer.start, (size_t) (p->buffer.end - p->buffer.start));
	secret_wipe(p->raw_buffer.start, (size_t) (p->raw_buffer.end - p->raw_buffer.start));
	yaml_parser_delete(p);
}
