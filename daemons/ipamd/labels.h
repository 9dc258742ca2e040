/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_LABELS_H
#define LV_IPAMD_LABELS_H

#include <stddef.h>

#include "common/err.h"
#include "daemons/ipamd/store.h"

/*
 * What people and their scripts note of a node: a few keys, each with a value. As text, which is how
 * they are kept, each is a line "key=value\n", in the order of the keys' bytes. Pure.
 */

#define LABELS_MAX 16		/* of a node */
#define LABELS_KEY_MAX 63	/* bytes */
#define LABELS_VALUE_MAX 63

_Static_assert(LABELS_MAX * (LABELS_KEY_MAX + LABELS_VALUE_MAX + 2) <= STORE_LABELS_MAX,
    "the text of as many as there may be can be kept");

struct label {
	char key[LABELS_KEY_MAX + 1];
	char value[LABELS_VALUE_MAX + 1];
};

struct labels {		/* the first n, in the order of their keys, none twice */
	struct label rows[LABELS_MAX];
	size_t n;
};

/* From text; what is no label there is left out. */
void labels_read(struct labels *ls, const char *text);

void labels_write(const struct labels *ls, char out[STORE_LABELS_MAX + 1]);

/*
 * Sets one, which may be there already. Texts of any length; a key has lower-case letters, digits
 * and "-_./", and begins with one of the first two; a value is fit to be shown. FIELD_INVALID.
 */
int labels_set(struct labels *ls, const char *key, const char *value, struct err *e);

/* Takes one away; that it is not there is fine. */
void labels_drop(struct labels *ls, const char *key);

#endif
