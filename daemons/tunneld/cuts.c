/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/cuts.h"

#include <string.h>

#include "common/reason.h"

void
cuts_add(struct cuts *c, const char *node_id, uint64_t epoch, int reason, int64_t now_ms)
{
	struct cut *cut = &c->list[c->next++ % CUTS_MAX];

	*cut = (struct cut){ .epoch = epoch, .reason = reason,
		.until_ms = now_ms + CUTS_LIFE_MS };
	strncpy(cut->node_id, node_id, sizeof(cut->node_id) - 1);
}

int
cuts_find(const struct cuts *c, const char *node_id, uint64_t epoch, int64_t now_ms)
{
	for (unsigned i = 0; i < CUTS_MAX; i++) {
		const struct cut *cut = &c->list[i];

		if (cut->until_ms > now_ms && epoch <= cut->epoch &&
		    strcmp(cut->node_id, node_id) == 0)
			return cut->reason;
	}
	return REASON_NONE;
}
