/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_COMPLETE_H
#define LV_CLI_COMPLETE_H

#include <stdio.h>

#include "cli/cli.h"

/*
 * What could stand next on a command line, found in the table that also parses it. The functions
 * that `litevpnctl completion` makes for the shells ask it at each press of the key; each candidate
 * is a line, the word and after a tab what it means. The lines ":file" and ":dir" ask the shell for
 * its own names of files or directories; what must stand before them follows after a tab.
 */

/* The word that is being typed: candidates begin with `partial`, and `lead` is put before them. */
struct complete_word {
	const char *partial;
	char lead[64];	/* "--network=" of "--network=def" */
};

/*
 * Prints what the server has of that kind (from NAMES_NODE on), by complete_print; nothing when it
 * does not answer at once. typed: what of the command line stands before.
 */
typedef void complete_ask(const struct cli *typed, enum names kind,
    const struct complete_word *word, FILE *to);

/* words: after the program's name; the last one is being typed, it may be "". Pure, but for ask. */
void complete(const char *const *words, size_t n, complete_ask *ask, FILE *to);

/* A candidate, if it begins with what was typed. help may be NULL. */
void complete_print(const struct complete_word *word, const char *candidate, const char *help,
    FILE *to);

/* A complete_ask by the control API (complete_names.c). */
complete_ask complete_names;

#endif
