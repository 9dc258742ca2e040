/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/cuts.h"

#include <assert.h>
#include <string.h>

static unsigned
find(const struct cuts *cuts, const char *node_id)
{
	unsigned i = 0;

	while (i < cuts->n && strcmp(cuts->rows[i].node_id, node_id) != 0)
		i++;
	return i;
}

static void
remove_at(struct cuts *cuts, unsigned i)
{
	cuts->n--;
	memmove(&cuts->rows[i], &cuts->rows[i + 1], (cuts->n - i) * sizeof(cuts->rows[0]));
}

bool
cuts_add(struct cuts *cuts, const char *node_id, uint64_t epoch)
{
	bool room;

	assert(strlen(node_id) <= PKI_ID_MAX);
	cuts_remove(cuts, node_id);
	room = cuts->n < CUTS_MAX;
	if (!room)
		remove_at(cuts, 0);
	strcpy(cuts->rows[cuts->n].node_id, node_id);
	cuts->rows[cuts->n++].epoch = epoch;
	return room;
}

bool
cuts_find(const struct cuts *cuts, const char *node_id, uint64_t *epoch_out)
{
	unsigned i = find(cuts, node_id);

	if (i == cuts->n)
		return false;
	*epoch_out = cuts->rows[i].epoch;
	return true;
}

void
cuts_remove(struct cuts *cuts, const char *node_id)
{
	unsigned i = find(cuts, node_id);

	if (i < cuts->n)
		remove_at(cuts, i);
}
