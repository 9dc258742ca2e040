/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/labels.h"

#include <stdio.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ipamd/name.h"

#define KEY_FIRST "abcdefghijklmnopqrstuvwxyz0123456789"

/* Where the key is, or would be. */
static size_t
find(const struct labels *ls, const char *key)
{
	size_t i = 0;

	while (i < ls->n && strcmp(ls->rows[i].key, key) < 0)
		i++;
	return i;
}

static bool
is_at(const struct labels *ls, size_t i, const char *key)
{
	return i < ls->n && strcmp(ls->rows[i].key, key) == 0;
}

static int
check(const char *key, const char *value, struct err *e)
{
	size_t len = strlen(key);

	if (len > LABELS_KEY_MAX || strspn(key, KEY_FIRST) == 0 ||
	    strspn(key, KEY_FIRST "-_./") != len)
		return err_set(e, -REASON_FIELD_INVALID, "labels: a key must be 1 to %d lower-case "
		    "letters, digits, \"-\", \"_\", \".\" and \"/\", the first one a letter or digit",
		    LABELS_KEY_MAX);
	if (strlen(value) > LABELS_VALUE_MAX || !name_is_printable(value))
		return err_set(e, -REASON_FIELD_INVALID, "labels: the value of %s must be at most %d "
		    "bytes of UTF-8 without control characters", key, LABELS_VALUE_MAX);
	return 0;
}

int
labels_set(struct labels *ls, const char *key, const char *value, struct err *e)
{
	size_t i = find(ls, key);

	if (check(key, value, e) < 0)
		return e->rc;
	if (!is_at(ls, i, key)) {
		if (ls->n == LABELS_MAX)
			return err_set(e, -REASON_FIELD_INVALID, "labels: a node has at most %d",
			    LABELS_MAX);
		memmove(&ls->rows[i + 1], &ls->rows[i], (ls->n++ - i) * sizeof(ls->rows[0]));
		strcpy(ls->rows[i].key, key);
	}
	strcpy(ls->rows[i].value, value);
	return 0;
}

void
labels_drop(struct labels *ls, const char *key)
{
	size_t i = find(ls, key);

	if (is_at(ls, i, key))
		memmove(&ls->rows[i], &ls->rows[i + 1], (--ls->n - i) * sizeof(ls->rows[0]));
}

/* --- as text ---------------------------------------------------------------------------------- */

/* A line of at most that many bytes becomes key and value; longer ones are cut, and refused then. */
static void
read_line(struct labels *ls, const char *line, size_t len)
{
	char text[LABELS_KEY_MAX + LABELS_VALUE_MAX + 4], *equals;
	struct err ignored;

	snprintf(text, sizeof(text), "%.*s", (int) len, line);
	if ((equals = strchr(text, '=')) == NULL)
		return;
	*equals = '\0';
	labels_set(ls, text, equals + 1, &ignored);
}

void
labels_read(struct labels *ls, const char *text)
{
	ls->n = 0;
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		read_line(ls, text, len);
		text += len + (text[len] == '\n');
	}
}

void
labels_write(const struct labels *ls, char out[STORE_LABELS_MAX + 1])
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < ls->n; i++)
		at += (size_t) snprintf(out + at, STORE_LABELS_MAX + 1 - at, "%s=%s\n",
		    ls->rows[i].key, ls->rows[i].value);
}
