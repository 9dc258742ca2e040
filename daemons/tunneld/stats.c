/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/stats.h"

static const char *const names[] = {
#define X(name, text) [VERDICT_##name] = text,
	VERDICT_TABLE(X)
#undef X
};

const char *
verdict_name(enum verdict v)
{
	return names[v];
}

void
stats_add(struct stats *sum, const struct stats *s)
{
	for (int v = 0; v < VERDICT_COUNT; v++)
		sum->count[v] += atom_get(&s->count[v]);
}
