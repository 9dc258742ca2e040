/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "tests/unit/ipamd/memory_rows.h"

struct memory {
	struct memory_rows kept;	/* by the last commit */
	unsigned fail_in;	/* calls until the failure; 0: none */
	bool fail_broken, failed;
};

struct memory_store {
	struct store store;
	struct memory *disk;
	struct memory_rows now, before;	/* before: when the guard began */
};

struct memory_rows *
memory_rows(struct store *st)
{
	return &((struct memory_store *) st)->now;
}

#define COPY(to, from, rows, n)                                                                    \
	do {                                                                                       \
		memcpy((to)->rows, (from)->rows, (from)->n * sizeof((from)->rows[0]));             \
		(to)->n = (from)->n;                                                               \
	} while (0)

void
memory_copy(struct memory_rows *to, const struct memory_rows *from)
{
	COPY(to, from, nodes, nnodes);
	COPY(to, from, tokens, ntokens);
	COPY(to, from, holds, nholds);
	COPY(to, from, networks, nnetworks);
	COPY(to, from, events, nevents);
	COPY(to, from, tombstones, ntombstones);
	COPY(to, from, replies, nreplies);
	to->row = from->row;
	to->boot = from->boot;
}

/* --- failures --------------------------------------------------------------------------------- */

bool
memory_trip(struct store *st)
{
	struct memory *m = ((struct memory_store *) st)->disk;

	if (m->fail_in == 0 || --m->fail_in > 0)
		return false;
	m->failed = true;
	st->broken |= m->fail_broken;
	snprintf(st->failure, sizeof(st->failure), "the failure that was asked for");
	return true;
}

void
memory_fail(struct memory *m, unsigned nth, bool broken)
{
	m->fail_in = nth;
	m->fail_broken = broken;
	m->failed = false;
}

bool
memory_failed(const struct memory *m)
{
	return m->failed;
}

/* --- transactions ----------------------------------------------------------------------------- */

static int
begin_request(struct store *st)
{
	MEMORY_TRIP(st);
	return 0;
}

static int
guard_request(struct store *st)
{
	MEMORY_TRIP(st);
	memory_copy(&((struct memory_store *) st)->before, memory_rows(st));
	return 0;
}

static int
accept_request(struct store *st)
{
	MEMORY_TRIP(st);
	return 0;
}

static int
refuse_request(struct store *st)
{
	MEMORY_TRIP(st);
	memory_copy(memory_rows(st), &((struct memory_store *) st)->before);
	return 0;
}

static int
commit(struct store *st)
{
	MEMORY_TRIP(st);
	memory_copy(&((struct memory_store *) st)->disk->kept, memory_rows(st));
	return 0;
}

static int
roll_back(struct store *st)
{
	memory_copy(memory_rows(st), &((struct memory_store *) st)->disk->kept);
	return 0;
}

/* --- opening ---------------------------------------------------------------------------------- */

static void
close_memory(struct store *st)
{
	free(st);
}

static const struct store_ops ops = {
	.close = close_memory,
	.request = begin_request,
	.guard = guard_request,
	.accept = accept_request,
	.refuse = refuse_request,
	.commit = commit,
	.rollback = roll_back,
	.network_list = memory_network_list,
	.network_add = memory_network_add,
	.network_change = memory_network_change,
	.network_delete = memory_network_delete,
	.network_clear = memory_network_clear,
	.node_find = memory_node_find,
	.node_keys = memory_node_keys,
	.node_list = memory_node_list,
	.node_victims = memory_node_victims,
	.nodes_expired = memory_nodes_expired,
	.node_add = memory_node_add,
	.node_bind = memory_node_bind,
	.node_describe = memory_node_describe,
	.labels = memory_labels,
	.node_steal = memory_node_steal,
	.tombstone = memory_tombstone,
	.node_attach = memory_node_attach,
	.node_touch = memory_node_touch,
	.node_announced = memory_node_announced,
	.node_stale = memory_node_stale,
	.node_delete = memory_node_delete,
	.unannounced = memory_unannounced,
	.bindings = memory_bindings,
	.counts = memory_counts,
	.token_add = memory_token_add,
	.token_by_hash = memory_token_by_hash,
	.token_by_label = memory_token_by_label,
	.token_list = memory_token_list,
	.token_use = memory_token_use,
	.token_delete = memory_token_delete,
	.token_count = memory_token_count,
	.tokens_expired = memory_tokens_expired,
	.hold_add = memory_hold_add,
	.hold_delete = memory_hold_delete,
	.hold_find = memory_hold_find,
	.hold_list = memory_hold_list,
	.holds_expired = memory_holds_expired,
	.hold_counts = memory_hold_counts,
	.reply_add = memory_reply_add,
	.reply_by_digest = memory_reply_by_digest,
	.forget = memory_forget,
	.event_add = memory_event_add,
	.event_list = memory_event_list,
	.event_span = memory_event_span,
	.event_trim = memory_event_trim,
	.boot = memory_boot,
};

struct memory *
memory_new(void)
{
	struct memory *m = calloc(1, sizeof(*m));

	assert(m != NULL);
	m->kept.networks[0] = (struct store_network){ .id = STORE_NET_DEFAULT, .name = "default" };
	m->kept.nnetworks = 1;
	m->kept.row = STORE_NET_DEFAULT;
	return m;
}

void
memory_free(struct memory *m)
{
	free(m);
}

struct store *
memory_open(struct memory *m)
{
	struct memory_store *s = calloc(1, sizeof(*s));

	assert(s != NULL);
	s->store.ops = &ops;
	s->disk = m;
	memory_copy(&s->now, &m->kept);
	for (size_t i = 0; i < s->now.nnodes; i++) {
		const struct memory_line *l = &s->now.nodes[i];

		if (strcmp(l->stamp, s->store.newest) > 0)
			memcpy(s->store.newest, l->stamp, sizeof(l->stamp));
		if (l->n.use > s->store.seq)
			s->store.seq = l->n.use;
		if (l->n.epoch > s->store.highest_epoch)
			s->store.highest_epoch = l->n.epoch;
	}
	return &s->store;
}
