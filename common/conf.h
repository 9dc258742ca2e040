/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CONF_H
#define LV_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/ip.h"

/*
 * A YAML file read into a struct by a table of keys. One row per key: its type, where it goes, its
 * default, its range. Every error of a file is found in one run, each as file:line:column with what
 * is wrong and what would be right; the struct is filled only when there is none.
 *
 * Only what a configuration needs of YAML: one document, mappings, sequences of either, no anchors,
 * aliases or tags; a regular file of at most 64 KiB, nested at most 16 deep.
 */

enum conf_type {
	CONF_BOOL,	/* bool: true, false */
	CONF_INT,	/* int64_t */
	CONF_DURATION,	/* int64_t, milliseconds: 250ms, 25s, 10m, 1h30m, 7d */
	CONF_TEXT,	/* char *, NUL-terminated, "" when empty; min..max is its length */
	CONF_PATH,	/* char *, absolute, or "" */
	CONF_HOST,	/* char *, an IP address or a DNS name, or "" */
	CONF_WORD,	/* int: the index of one of `words` */
	CONF_ADDR,	/* struct ip_addr */
	CONF_PREFIX,	/* struct ip_prefix, written address/length */
	CONF_ENDPOINT,	/* struct conf_endpoint, written address:port, or "" */
	/* Further keys, in `keys`; offsets count from the same struct, in a list from each entry. */
	CONF_MAP,
};

/* When a change of the key takes effect. */
enum conf_reload {
	CONF_RESTART,	/* R: when the daemon is started anew */
	CONF_AT_ONCE,	/* H: on SIGHUP */
	CONF_NEXT,	/* N: for connections that begin after SIGHUP */
};

struct conf_key {
	const char *name;
	const char *alias;	/* an older name that is accepted, or NULL */
	enum conf_type type;
	bool list;		/* a sequence of that type: a struct conf_list */
	size_t entry;		/* CONF_MAP and list: bytes of an entry */
	bool may_auto;		/* CONF_INT: "auto" is accepted and means 0 */
	enum conf_reload reload;
	size_t offset;
	const char *dflt;	/* as it would stand in the file; NULL: empty, zero, none */
	int64_t min, max;	/* inclusive; CONF_INT, CONF_DURATION (ms), CONF_TEXT (length) */
	const char *const *words;	/* CONF_WORD: ends with NULL */
	const struct conf_key *keys;	/* CONF_MAP: ends with a row without a name */
};

struct conf_endpoint {
	struct ip_addr addr;	/* none: there is none */
	uint16_t port;
};

struct conf_list {
	size_t n;
	void *items;	/* n values of the row's type, in one array */
};

#define CONF_TEXT_MAX (64 * 1024)	/* bytes of a file: a full one has a few thousand */
#define CONF_LIST_MAX 256	/* entries of a sequence: far more than a file needs */

struct conf;	/* a file being loaded */

/*
 * What must hold beyond a key's own range. It says what is wrong by conf_fail. It is asked even where
 * other keys are wrong, but not of a value that could not be read: of the keys that it names.
 */
#define CONF_RULE_KEYS 4
struct conf_rule {
	const char *keys[CONF_RULE_KEYS];	/* ends with NULL where there are fewer */
	void (*check)(struct conf *c, const void *values);
};

struct conf_schema {
	const struct conf_key *keys;	/* ends with a row without a name */
	size_t size;			/* of the struct that the offsets point into */
	const struct conf_rule *rules;	/* ends with a row without a check; NULL: none */
};

#define CONF_ERRORS_MAX 32	/* later ones are counted, not kept */

struct conf_report {
	unsigned n;			/* all errors */
	char *lines[CONF_ERRORS_MAX];	/* "file:line:column: text" */
};

/*
 * Loads path into *values (schema->size bytes, ended with conf_free). Returns 0, or -EINVAL with
 * at least one line in *report, and *values untouched then. *report is written anew; end it with
 * conf_report_free.
 */
int conf_load(const char *path, const struct conf_schema *schema, void *values,
    struct conf_report *report);

/*
 * The same for a text that is in memory; name stands for the path. What depends on the file, such as
 * who may read it, is not looked at.
 */
int conf_parse(const char *name, const char *text, const struct conf_schema *schema, void *values,
    struct conf_report *report);

/* Frees what a load has put into *values and zeroes it. */
void conf_free(const struct conf_schema *schema, void *values);

/* For a rule: an error at the place where `key` stands in the file (or at the file). */
void conf_fail(struct conf *c, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for the index-th entry of a list: at its own place. Lists inside of entries have none. */
void conf_fail_entry(struct conf *c, const char *key, size_t index, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* For a rule: can others read the file? One that holds a secret must not be so. */
bool conf_world_readable(const struct conf *c);

/* For a rule: the file sets this key (it does not stand at its default). */
bool conf_is_set(const struct conf *c, const char *key);

/* A time with its unit in milliseconds: "250ms", "10m", "1h30m"; -1 where the text is not one. */
int64_t conf_duration_ms(const char *text);

void conf_report_print(const struct conf_report *report, FILE *to);
void conf_report_free(struct conf_report *report);

#endif
