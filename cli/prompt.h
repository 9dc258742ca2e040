/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_PROMPT_H
#define LV_CLI_PROMPT_H

#include "common/err.h"

/*
 * Asks the person at the terminal for a secret, which is not shown while it is typed. *out:
 * secret_free. -ENOTTY where there is no terminal, -EINTR when Ctrl-C is pressed.
 */
#define PROMPT_SECRET_MAX 256	/* bytes; what is typed beyond them is not taken */
int prompt_secret(const char *what, char **out, struct err *e);

#endif
