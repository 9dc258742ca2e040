/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/memory_rows.h"

#include <errno.h>
#include <string.h>

/* Networks in an array, and what goes with them. */

int
memory_network_list(struct store *st, struct store_network *out, size_t max)
{
	struct memory_rows *r = memory_rows(st);
	size_t n = r->nnetworks < max ? r->nnetworks : max;

	MEMORY_TRIP(st);
	memcpy(out, r->networks, n * sizeof(*out));
	return (int) n;
}

int
memory_network_add(struct store *st, struct store_network *n)
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nnetworks; i++) {
		if (strcmp(r->networks[i].name, n->name) == 0)
			return -EEXIST;
	}
	assert(r->nnetworks < MEMORY_NETWORKS_MAX);
	n->id = ++r->row;
	r->networks[r->nnetworks++] = *n;
	return 0;
}

/* Its name and its first day stay. */
int
memory_network_change(struct store *st, const struct store_network *n)
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nnetworks; i++) {
		struct store_network old = r->networks[i];

		if (old.id != n->id)
			continue;
		r->networks[i] = *n;
		memcpy(r->networks[i].name, old.name, sizeof(old.name));
		r->networks[i].create_s = old.create_s;
		return 0;
	}
	return -ESTALE;
}

/* The one of a network that was used first of those with a use up to `until`; NULL: none. */
static struct memory_line *
first_used(struct memory_rows *r, int64_t net, int64_t until)
{
	struct memory_line *best = NULL;

	for (size_t i = 0; i < r->nnodes; i++) {
		struct memory_line *l = &r->nodes[i];

		if (l->n.net == net && l->n.use <= until && (best == NULL || memory_used_before(l, best)))
			best = l;
	}
	return best;
}

int
memory_network_clear(struct store *st, int64_t id, uint64_t epoch, const struct store_use *use)
{
	struct memory_rows *r = memory_rows(st);
	struct store_use next = *use;
	struct memory_line *l;

	MEMORY_TRIP(st);
	while ((l = first_used(r, id, use->seq)) != NULL) {
		if (memory_is_live(&l->n)) {
			l->n.state = l->rest = NODE_IDLE;
			l->n.seen_s = use->now_s;
		}
		l->n.addr = (struct ip_addr){ 0 };
		l->n.fixed = l->stale = false;
		l->n.epoch = l->n.epoch > epoch ? l->n.epoch : epoch;
		next.seq++;
		memory_mark_use(l, &next);
	}
	for (size_t i = r->nholds; i-- > 0;) {
		if (r->holds[i].net == id && r->holds[i].kind == HOLD_REST)
			MEMORY_REMOVE(r->holds, &r->nholds, i);
	}
	return (int) (next.seq - use->seq);
}

int
memory_network_delete(struct store *st, int64_t id)
{
	struct memory_rows *r = memory_rows(st);
	size_t before = r->nnetworks;

	MEMORY_TRIP(st);
	for (size_t i = r->nnodes; i-- > 0;) {
		if (r->nodes[i].n.net == id)
			MEMORY_REMOVE(r->nodes, &r->nnodes, i);
	}
	for (size_t i = r->ntokens; i-- > 0;) {
		if (r->tokens[i].net == id)
			MEMORY_REMOVE(r->tokens, &r->ntokens, i);
	}
	for (size_t i = r->nholds; i-- > 0;) {
		if (r->holds[i].net == id)
			MEMORY_REMOVE(r->holds, &r->nholds, i);
	}
	for (size_t i = r->nnetworks; i-- > 0;) {
		if (r->networks[i].id == id)
			MEMORY_REMOVE(r->networks, &r->nnetworks, i);
	}
	return r->nnetworks < before ? 0 : -ESTALE;
}
