/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CONF_YAML_H
#define LV_CONF_YAML_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "common/conf.h"

/*
 * A walk over the events of a YAML text: only what a configuration needs of it (conf.h), and each
 * mistake with its place. For conf.c: the only one that knows libyaml.
 */
struct conf_yaml {
	const char *path;		/* for texts, borrowed as the next one */
	struct conf_report *report;
	const char *text;
	size_t len;
	yaml_parser_t parser;
	yaml_event_t event;		/* the current one */
	int depth;			/* mappings and sequences that it is in */
	bool broken;			/* YAML itself is wrong: nothing after it can be read */
};

/* path and report are filled in, the rest zero. The text is borrowed until the end. 0 or -ENOMEM. */
int conf_yaml_begin(struct conf_yaml *y, const char *text, size_t len);

/* Wipes what libyaml knows of the text: a token may stand in it. */
void conf_yaml_end(struct conf_yaml *y);

/* Moves to the next event; a file that is not YAML, or not ours, ends the walk with one error. */
yaml_event_type_t conf_yaml_next(struct conf_yaml *y);

/* Moves over the value that begins at the current event, whatever it is, to its last event. */
void conf_yaml_skip(struct conf_yaml *y);

/* Of a scalar; borrowed until the next event. */
const char *conf_yaml_text(const struct conf_yaml *y);

/* Is it a single value that a string can hold: without a NUL in it? */
bool conf_yaml_is_word(const struct conf_yaml *y);

/* "key:" with nothing after it, "~" and "null" leave the default. */
bool conf_yaml_is_null(const struct conf_yaml *y);

/* Adds an error to the report, at a place (NULL: of the whole file). Before `begin`, too. */
void conf_yaml_fail(struct conf_yaml *y, const yaml_mark_t *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void conf_yaml_vfail(struct conf_yaml *y, const yaml_mark_t *at, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

#endif
