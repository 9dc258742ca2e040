/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/memory_rows.h"

#include <errno.h>
#include <string.h>

/* Nodes in arrays, found by linear search. */

static bool
is_like(const struct store_node *n, enum store_by by, const struct store_node *like)
{
	switch (by) {
	case BY_TOKEN:
		return strcmp(n->token, like->token) == 0;
	case BY_ID:
		return strcmp(n->id, like->id) == 0;
	case BY_ADDR:
		return n->net == like->net && n->addr.family != 0 &&
		    ip_equal(&n->addr, &like->addr);
	default:
		return like->bootstrap != 0 && n->bootstrap == like->bootstrap &&
		    memcmp(n->grpc_spki, like->grpc_spki, PKI_SPKI_LEN) == 0 &&
		    memcmp(n->vpn_spki, like->vpn_spki, PKI_SPKI_LEN) == 0;
	}
}

int
memory_node_find(struct store *st, enum store_by by, const struct store_node *like,
    struct store_node *out)
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	for (size_t i = r->nnodes; i-- > 0;) {
		if (is_like(&r->nodes[i].n, by, like)) {
			*out = r->nodes[i].n;
			return 0;
		}
	}
	return -ENOENT;
}

int
memory_node_keys(struct store *st, struct store_node *n)
{
	const struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nnodes; i++) {
		const struct store_node *x = &r->nodes[i].n;

		if (x->row != n->row || x->bootstrap == 0)
			continue;
		memcpy(n->grpc_spki, x->grpc_spki, PKI_SPKI_LEN);
		memcpy(n->vpn_spki, x->vpn_spki, PKI_SPKI_LEN);
		return 0;
	}
	return -ENOENT;
}

int
memory_node_list(struct store *st, int64_t net, int64_t after, struct store_node *nodes,
    size_t max)
{
	struct memory_rows *r = memory_rows(st);
	size_t n = 0;

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nnodes && n < max; i++) {
		if (r->nodes[i].n.row > after && (net == 0 || r->nodes[i].n.net == net))
			nodes[n++] = r->nodes[i].n;
	}
	return (int) n;
}

int
memory_labels(struct store *st, int64_t net, int64_t first, int64_t last, struct store_labels *out,
    size_t max)
{
	struct memory_rows *r = memory_rows(st);
	size_t n = 0;

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nnodes && n < max; i++) {
		const struct memory_line *l = &r->nodes[i];

		if (l->n.row < first || l->n.row > last || l->labels[0] == '\0' ||
		    (net != 0 && l->n.net != net))
			continue;
		out[n].row = l->n.row;
		memcpy(out[n++].text, l->labels, sizeof(l->labels));
	}
	return (int) n;
}

bool
memory_is_live(const struct store_node *n)
{
	return n->state == NODE_CONNECTING || n->state == NODE_CONNECTED;
}

static bool
is_victim(const struct memory_line *l)
{
	return !memory_is_live(&l->n) && l->n.addr.family != 0 && !l->n.reserved && !l->n.fixed &&
	    !l->stale;
}

bool
memory_used_before(const struct memory_line *a, const struct memory_line *b)
{
	int order = strcmp(a->stamp, b->stamp);

	if (order != 0)
		return order < 0;
	return a->n.use != b->n.use ? a->n.use < b->n.use : a->n.row < b->n.row;
}

/* The longest idle one of a network that was used after `last` (NULL: of all). */
static const struct memory_line *
next_victim(const struct memory_rows *r, int64_t net, const struct memory_line *last)
{
	const struct memory_line *best = NULL;

	for (size_t i = 0; i < r->nnodes; i++) {
		const struct memory_line *l = &r->nodes[i];

		if (l->n.net == net && is_victim(l) && (last == NULL || memory_used_before(last, l)) &&
		    (best == NULL || memory_used_before(l, best)))
			best = l;
	}
	return best;
}

int
memory_node_victims(struct store *st, int64_t net, struct store_node *nodes, size_t max)
{
	const struct memory_line *l = NULL;
	size_t n = 0;

	MEMORY_TRIP(st);
	while (n < max && (l = next_victim(memory_rows(st), net, l)) != NULL)
		nodes[n++] = l->n;
	return (int) n;
}

int
memory_nodes_expired(struct store *st, int64_t created_before_s, struct store_node *nodes,
    size_t max)
{
	struct memory_rows *r = memory_rows(st);
	size_t n = 0;

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nnodes && n < max; i++) {
		const struct store_node *x = &r->nodes[i].n;

		if (!x->attached && !x->reserved && x->create_s < created_before_s)
			nodes[n++] = *x;
	}
	return (int) n;
}

static bool
has_address(const struct memory_rows *r, int64_t net, const struct ip_addr *addr, int64_t except)
{
	for (size_t i = 0; i < r->nnodes; i++) {
		const struct store_node *n = &r->nodes[i].n;

		if (addr->family != 0 && n->row != except && n->net == net &&
		    ip_equal(&n->addr, addr))
			return true;
	}
	return false;
}

void
memory_mark_use(struct memory_line *l, const struct store_use *use)
{
	memcpy(l->stamp, use->stamp, sizeof(l->stamp));
	l->n.use = use->seq;
}

int
memory_node_add(struct store *st, struct store_node *n, const struct store_use *use)
{
	struct memory_rows *r = memory_rows(st);
	struct memory_line *l = &r->nodes[r->nnodes];

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nnodes; i++) {
		if (is_like(&r->nodes[i].n, BY_ID, n) || is_like(&r->nodes[i].n, BY_TOKEN, n))
			return -EEXIST;
	}
	if (has_address(r, n->net, &n->addr, 0))
		return -EEXIST;
	assert(r->nnodes < MEMORY_NODES_MAX);
	n->row = ++r->row;
	*l = (struct memory_line){ .n = *n, .rest = NODE_NEVER };
	l->n.state = NODE_NEVER;
	l->n.attached = false;
	l->n.epoch = 0;
	l->n.create_s = use->now_s;
	l->n.seen_s = 0;
	memory_mark_use(l, use);
	r->nnodes++;
	return 0;
}

/* The row as it was read, or NULL. */
static struct memory_line *
find_unchanged(struct store *st, const struct store_node *n)
{
	struct memory_rows *r = memory_rows(st);

	for (size_t i = 0; i < r->nnodes; i++) {
		if (r->nodes[i].n.row == n->row && r->nodes[i].n.use == n->use)
			return &r->nodes[i];
	}
	return NULL;
}

int
memory_node_describe(struct store *st, const struct store_node *n, const char *display_name,
    const char *labels)
{
	struct memory_line *l = find_unchanged(st, n);

	MEMORY_TRIP(st);
	if (l == NULL)
		return -ESTALE;
	assert(strlen(display_name) <= STORE_NAME_MAX && strlen(labels) <= STORE_LABELS_MAX);
	strcpy(l->n.display_name, display_name);
	strcpy(l->labels, labels);
	return 0;
}

int
memory_node_bind(struct store *st, const struct store_node *n, const struct ip_addr *addr,
    bool fixed, const struct store_use *use)
{
	struct memory_line *l = find_unchanged(st, n);

	MEMORY_TRIP(st);
	if (l == NULL)
		return -ESTALE;
	if (has_address(memory_rows(st), l->n.net, addr, l->n.row))
		return -EEXIST;
	l->stale &= ip_equal(&l->n.addr, addr);
	l->n.addr = *addr;
	l->n.fixed = fixed;
	memory_mark_use(l, use);
	return 0;
}

static int
drop(struct store *st, struct memory_line *l)
{
	struct memory_rows *r = memory_rows(st);

	if (l == NULL)
		return -ESTALE;
	MEMORY_REMOVE(r->nodes, &r->nnodes, (size_t) (l - r->nodes));
	return 0;
}

static void
bury(struct memory_rows *r, const struct store_node *n, int64_t now_s)
{
	struct memory_tombstone *t;

	if (r->ntombstones == MEMORY_TOMBSTONES_MAX)
		MEMORY_REMOVE(r->tombstones, &r->ntombstones, 0);
	t = &r->tombstones[r->ntombstones++];
	memcpy(t->token, n->token, sizeof(t->token));
	memcpy(t->t.id, n->id, sizeof(t->t.id));
	t->t.time_s = now_s;
}

int
memory_node_steal(struct store *st, const struct store_node *victim, int64_t now_s)
{
	struct memory_line *l = find_unchanged(st, victim);

	MEMORY_TRIP(st);
	if (l == NULL || !is_victim(l))
		return -ESTALE;
	bury(memory_rows(st), &l->n, now_s);
	return drop(st, l);
}

int
memory_tombstone(struct store *st, const char *token, struct store_tombstone *out)
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	for (size_t i = r->ntombstones; i-- > 0;) {
		if (strcmp(r->tombstones[i].token, token) == 0) {
			*out = r->tombstones[i].t;
			return 0;
		}
	}
	return -ENOENT;
}

int
memory_node_delete(struct store *st, const struct store_node *n)
{
	MEMORY_TRIP(st);
	return drop(st, find_unchanged(st, n));
}

static void
set_session(struct memory_line *l, enum node_state state, uint64_t epoch, int64_t round,
    const struct store_use *use)
{
	if (state == NODE_LOST || state == NODE_IDLE)
		l->rest = state;
	else if (l->n.state == NODE_CONNECTED)
		l->rest = NODE_LOST;
	l->n.state = state;
	l->n.epoch = epoch;
	l->n.attached = true;
	l->n.seen_s = use->now_s;
	l->round = round;
	memory_mark_use(l, use);
}

int
memory_node_touch(struct store *st, const struct store_node *n, enum node_state state,
    uint64_t epoch, int64_t round, const struct store_use *use)
{
	struct memory_line *l = find_unchanged(st, n);

	MEMORY_TRIP(st);
	if (l == NULL || epoch < l->n.epoch)
		return -ESTALE;
	set_session(l, state, epoch, round, use);
	return 0;
}

int
memory_node_attach(struct store *st, const struct store_node *n, const struct ip_addr *addr,
    bool fixed, uint64_t epoch, int64_t round, const struct store_use *use)
{
	struct memory_line *l = find_unchanged(st, n);
	int rc;

	MEMORY_TRIP(st);
	if (l == NULL || epoch < l->n.epoch)
		return -ESTALE;
	if ((rc = memory_node_bind(st, n, addr, fixed, use)) == 0)
		set_session(l, NODE_CONNECTING, epoch, round, use);
	return rc;
}

int
memory_node_announced(struct store *st, int64_t row, int64_t round)
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nnodes; i++) {
		if (r->nodes[i].n.row == row)
			r->nodes[i].round = round;
	}
	return 0;
}

int
memory_node_stale(struct store *st, int64_t row, bool stale)
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nnodes; i++) {
		if (r->nodes[i].n.row == row)
			r->nodes[i].stale = stale;
	}
	return 0;
}

static bool
is_forsaken(const struct memory_line *l, int64_t round)
{
	return memory_is_live(&l->n) && l->round != round &&
	    (l->n.state != NODE_CONNECTING || l->round != round - 1);
}

int
memory_unannounced(struct store *st, int64_t round, const struct store_use *use)
{
	struct memory_rows *r = memory_rows(st);
	struct store_use next = *use;
	int n = 0;

	MEMORY_TRIP(st);
	for (;; n++) {
		struct memory_line *best = NULL;

		for (size_t i = 0; i < r->nnodes; i++) {
			struct memory_line *l = &r->nodes[i];

			if (is_forsaken(l, round) && (best == NULL || memory_used_before(l, best)))
				best = l;
		}
		if (best == NULL)
			return n;
		next.seq++;
		memory_append_lost(r, &best->n, use->now_s);
		best->n.state = best->n.state == NODE_CONNECTED ? NODE_LOST : best->rest;
		best->rest = best->n.state;
		best->n.seen_s = use->now_s;
		memory_mark_use(best, &next);
	}
}

int
memory_bindings(struct store *st, int64_t net, int64_t after, struct store_binding *out, size_t max)
{
	struct memory_rows *r = memory_rows(st);
	size_t n = 0;

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nnodes && n < max; i++) {
		const struct memory_line *l = &r->nodes[i];

		if (l->n.net == net && l->n.row > after && l->n.addr.family != 0)
			out[n++] = (struct store_binding){ l->n.row, l->n.addr, l->stale };
	}
	return (int) n;
}

int
memory_counts(struct store *st, int64_t net, struct store_counts *out)
{
	struct memory_rows *r = memory_rows(st);
	struct store_counts c = { 0 };

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nnodes; i++) {
		const struct store_node *n = &r->nodes[i].n;

		if (n->net != net)
			continue;
		c.nodes++;
		c.bound += n->addr.family != 0;
		c.connected += n->state == NODE_CONNECTED;
	}
	*out = c;
	return 0;
}
