/* SPDX-License-Identifier: Apache-2.0 */
#include "common/conf_diff.h"

#include <stdio.h>
#include <string.h>

#include "common/conf_value.h"

static bool same_keys(const struct conf_key *keys, const char *a, const char *b);

static bool
same_value(const struct conf_key *k, const char *a, const char *b)
{
	if (k->type == CONF_MAP)
		return same_keys(k->keys, a, b);
	if (conf_value_is_text(k))
		return strcmp(*(char *const *) (const void *) a,
		    *(char *const *) (const void *) b) == 0;
	return memcmp(a, b, conf_value_size(k)) == 0;	/* parsed into zeroed memory */
}

static bool
same_list(const struct conf_key *k, const struct conf_list *a, const struct conf_list *b)
{
	size_t size = conf_value_size(k);

	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!same_value(k, (const char *) a->items + i * size,
		    (const char *) b->items + i * size))
			return false;
	}
	return true;
}

static bool
same(const struct conf_key *k, const char *a, const char *b)
{
	size_t at = k->type == CONF_MAP && !k->list ? 0 : k->offset;

	return k->list ? same_list(k, (const void *) (a + at), (const void *) (b + at))
		       : same_value(k, a + at, b + at);
}

static bool
same_keys(const struct conf_key *keys, const char *a, const char *b)
{
	for (const struct conf_key *k = keys; k->name != NULL; k++) {
		if (!same(k, a, b))
			return false;
	}
	return true;
}

static void
add(struct conf_diff *d, const char *prefix, const struct conf_key *k)
{
	struct conf_change *c = &d->changes[d->n];

	if (d->n == CONF_DIFF_MAX)
		return;
	snprintf(c->key, sizeof(c->key), "%s%s", prefix, k->name);
	c->reload = k->reload;
	d->n++;
}

/* Maps are taken apart; no schema has one inside of another. */
static void
diff_keys(struct conf_diff *d, const char *prefix, const struct conf_key *keys, const char *a,
    const char *b)
{
	char inner[CONF_DIFF_KEY_MAX];

	for (const struct conf_key *k = keys; k->name != NULL; k++) {
		if (k->type == CONF_MAP && !k->list) {
			snprintf(inner, sizeof(inner), "%s.", k->name);
			diff_keys(d, inner, k->keys, a, b);
		} else if (!same(k, a, b)) {
			add(d, prefix, k);
		}
	}
}

void
conf_diff(const struct conf_schema *schema, const void *a, const void *b, struct conf_diff *out)
{
	out->n = 0;
	diff_keys(out, "", schema->keys, a, b);
}
