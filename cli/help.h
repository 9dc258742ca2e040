/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_HELP_H
#define LV_CLI_HELP_H

#include <stdio.h>

#include "cli/cli.h"

/* -h, printed from the table of commands. */

extern const struct opt help_options[];

void help_all(FILE *to);
void help_noun(const char *noun, FILE *to);
void help_command(const struct command *c, FILE *to);

#endif
