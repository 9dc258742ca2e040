/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_COMMANDS_H
#define LV_CLI_COMMANDS_H

#include <stdbool.h>

#include "cli/cli.h"

/* All commands, in the order of the help; ends with a row without a noun. */
extern const struct command commands[];

/* Options that may stand before the noun, too; commands take of these what their own rows name. */
extern const struct opt *const commands_common[];

/* The row of these words; verb may be NULL. NULL: there is none. */
const struct command *command_find(const char *noun, const char *verb);

bool command_is_noun(const char *word);

#endif
