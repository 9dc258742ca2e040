/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CONF_DIFF_H
#define LV_CONF_DIFF_H

#include "common/conf.h"

/* What differs between two loads of one schema. */

#define CONF_DIFF_MAX 64	/* keys that are told; more than any schema has */
#define CONF_DIFF_KEY_MAX 64

struct conf_diff {
	size_t n;
	struct conf_change {
		char key[CONF_DIFF_KEY_MAX];	/* "log.level" */
		enum conf_reload reload;
	} changes[CONF_DIFF_MAX];
};

/* In the order of the schema; a list counts as one key. *out is written anew. */
void conf_diff(const struct conf_schema *schema, const void *a, const void *b,
    struct conf_diff *out);

#endif
