/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_OUTPUT_H
#define LV_CLI_OUTPUT_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/args.h"

/* What commands print for people. */

/* -o: the same answer as a table, as JSON or as nothing but names. */
enum output_form { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_NAME };
enum output_form output_form(const struct args *a);

/*
 * Text that came from elsewhere, fit for a terminal: control characters and bytes that are not
 * UTF-8 become '?'.
 */
void output_text(FILE *to, const char *text);

/* Is it for eyes that see colours: a terminal, and NO_COLOR is not set. */
bool output_has_colour(FILE *to);

/* What a word says of how things are: "CONNECTED" is good, "LOST" is bad. */
enum output_tone { TONE_NONE, TONE_GOOD, TONE_DOUBTFUL, TONE_BAD };
enum output_tone output_tone(const char *word);

/* The word in the colour of its tone, where that can be seen. */
void output_word(FILE *to, const char *word);

/* "name:    value", values in one column. */
void output_field(FILE *to, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Times and sizes as people read them. Each fills and returns buf. */
#define OUTPUT_VALUE_MAX 40
const char *output_time(int64_t utc_s, char buf[OUTPUT_VALUE_MAX]);	/* "2026-01-31 23:59:59Z" */
const char *output_age(int64_t seconds, char buf[OUTPUT_VALUE_MAX]);	/* "3h12m" */
const char *output_bytes(uint64_t bytes, char buf[OUTPUT_VALUE_MAX]);	/* "1.2 MiB" */

/* When something ends, beside what it is: "ends in 3h12m", "has expired". */
void output_expiry(FILE *to, const char *name, int64_t end_s, int64_t now_s);

/* Rows of cells, printed in aligned columns under a head. */
#define OUTPUT_COLUMNS_MAX 8

struct table;

int table_new(const char *const *heads, size_t ncolumns, struct table **out);
void table_free(struct table *t);	/* NULL is fine */

/* Copies one text per column; one that is a word with a tone is in colour. 0 or -ENOMEM. */
int table_add(struct table *t, const char *const *cells);
void table_print(const struct table *t, FILE *to);

#endif
