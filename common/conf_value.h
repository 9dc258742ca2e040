/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CONF_VALUE_H
#define LV_CONF_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/conf.h"

/* The scalars of a configuration file: text to value, by the type of the key. Pure. */

#define CONF_WHY_MAX 256

/*
 * Writes the value that `text` stands for to *out, which must hold one already (zero counts): a
 * text that it replaces is freed. Returns 0, -EINVAL with what would be right in `why` ("must be
 * ..."), or -ENOMEM; *out is untouched then.
 */
int conf_value_parse(const struct conf_key *k, const char *text, void *out, char why[CONF_WHY_MAX]);

/* Bytes of one value of the key's type; of an entry where it is a list. */
size_t conf_value_size(const struct conf_key *k);

/* Is it a char * that must be freed? */
bool conf_value_is_text(const struct conf_key *k);

#endif
