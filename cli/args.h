/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_ARGS_H
#define LV_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* The command line after its noun and verb: options by table, then operands. Pure. */

enum opt_kind {
	OPT_FLAG,	/* takes no value */
	OPT_TEXT,
	OPT_INT,	/* min..max */
	OPT_DURATION,	/* 250ms, 10m, 1h30m; min..max in milliseconds */
	OPT_WORD,	/* one of `words` */
};

/* What a value or an operand names: where completion looks for it. */
enum names {
	NAMES_NOTHING,
	NAMES_FILE,
	NAMES_DIR,
	NAMES_WORD,	/* one of a list */
	NAMES_REASON,
	NAMES_NODE,	/* from here on the server knows them */
	NAMES_NETWORK,
	NAMES_TOKEN,
	NAMES_ADDRESS,
};

struct opt {
	const char *name;	/* without its dashes */
	char letter;		/* of the short form; 0: none */
	enum opt_kind kind;
	bool many;		/* may be given again, each time with one more value */
	const char *value;	/* how the value is called in the help; NULL: a flag */
	const char *dflt;	/* as it would be typed; NULL: none */
	int64_t min, max;
	const char *const *words;	/* OPT_WORD: ends with NULL */
	enum names names;	/* OPT_TEXT */
	const char *help;
};

#define ARGS_VALUES_MAX 128	/* options with a value that one command line may have */
#define ARGS_OPERANDS_MAX 8

struct args_value {
	const struct opt *opt;
	const char *text;	/* borrowed from argv; "" for a flag */
};

/* values holds what was typed, in order; nothing of it is a default. */
struct args {
	const struct opt *const *tables;
	struct args_value values[ARGS_VALUES_MAX];
	size_t nvalues;
	const char *operands[ARGS_OPERANDS_MAX];
	size_t noperands;
};

/*
 * tables: tables of options, each ending with a row without a name; the last pointer is NULL. All
 * is borrowed for as long as *out is used. -EINVAL with what is wrong, and what would be right.
 */
int args_parse(const struct opt *const *tables, int argc, char *const *argv, struct args *out,
    struct err *e);

/*
 * How many of the arguments are options with their values, before the first operand: what stands
 * before a noun. -EINVAL for an option that no table has.
 */
int args_leading(const struct opt *const *tables, int argc, char *const *argv, struct err *e);

/* The option of that name, which is `len` bytes long, or of that letter; NULL: there is none. */
const struct opt *args_option(const struct opt *const *tables, const char *name, size_t len);
const struct opt *args_letter(const struct opt *const *tables, char letter);

/* The options must be in the tables. A value is the last one typed, else the default, or NULL. */
bool args_has(const struct args *a, const char *name);	/* was it typed? */
const char *args_text(const struct args *a, const char *name);
int64_t args_number(const struct args *a, const char *name);	/* OPT_INT, OPT_DURATION in ms */

/* OPT_WORD with a default: which of its words it is. */
unsigned args_word(const struct args *a, const char *name);

/* All values that were typed for an option with `many`; returns how many, at most max. */
size_t args_many(const struct args *a, const char *name, const char **out, size_t max);

#endif
