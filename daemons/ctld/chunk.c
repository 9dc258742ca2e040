/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/chunk.h"

#include <stdlib.h>
#include <string.h>

struct chunk *
chunk_new(struct ipam_events *events)
{
	struct chunk *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		free(events->list);
	} else {
		atomic_init(&k->refs, 1);
		k->events = *events;
		LIST_INIT(&k->waiting);
	}
	*events = (struct ipam_events){ 0 };
	return k;
}

struct chunk *
chunk_ref(struct chunk *k)
{
	atomic_fetch_add(&k->refs, 1);
	return k;
}

void
chunk_unref(struct chunk *k)
{
	if (k == NULL || atomic_fetch_sub(&k->refs, 1) > 1)
		return;
	ipam_page_fini(&k->nodes);
	free(k->events.list);
	free(k);
}

uint64_t
chunk_first(const struct chunk *k)
{
	return k->events.list[0].revision;
}

uint64_t
chunk_last(const struct chunk *k)
{
	return k->events.list[k->events.n - 1].revision;
}

static bool
has_id(const struct ipam_event *const *list, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i]->node, id) == 0)
			return true;
	}
	return false;
}

size_t
chunk_node_ids(const struct chunk *k, uint64_t seen, const struct ipam_event *out[IPAM_EVENTS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < k->events.n && n < IPAM_EVENTS_MAX; i++) {
		const struct ipam_event *ev = &k->events.list[i];

		if (ev->revision > seen && ev->node[0] != '\0' && !has_id(out, n, ev->node))
			out[n++] = ev;
	}
	return n;
}

const struct ipam_node *
chunk_node(const struct chunk *k, const char *id)
{
	for (size_t i = 0; i < k->nodes.n; i++) {
		if (strcmp(k->nodes.nodes[i].id, id) == 0)
			return &k->nodes.nodes[i];
	}
	return NULL;
}
