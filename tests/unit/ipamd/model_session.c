/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/model_inside.h"

#include <string.h>

#include "common/reason.h"

/* Nodes that are there already, and their sessions. */

static void
touch(struct model *m, struct model_node *n, enum node_state state, uint64_t epoch)
{
	if (state == NODE_LOST || state == NODE_IDLE)
		n->rest = state;
	else if (n->state == NODE_CONNECTED)
		n->rest = NODE_LOST;
	n->state = state;
	n->epoch = epoch;
	n->attached = true;
	n->seen_s = m->now_s;
	n->round = m->round;
	n->use = ++m->use;
}

static int
admit(struct model *m, const char *token, const char *cert, const char *net_secret,
    struct model_node **out)
{
	*out = NULL;
	for (size_t i = 0; i < m->nnodes; i++) {
		if (strcmp(m->nodes[i].token, token) == 0)
			*out = &m->nodes[i];
	}
	for (size_t i = 0; i < m->ntombs && *out == NULL; i++) {
		if (strcmp(m->tombs[i].token, token) == 0)
			return -REASON_NODE_RECLAIMED;
	}
	if (*out == NULL)
		return -REASON_TOKEN_UNKNOWN;
	if (model_is_expired(m, *out))
		return -REASON_TOKEN_EXPIRED;
	if (strcmp((*out)->id, cert) != 0)
		return -REASON_CERT_MISMATCH;
	return strcmp(m->nets[(*out)->net].secret, net_secret) == 0 ? 0
	    : -REASON_NET_TOKEN_INVALID;
}

struct model_result
model_attach(struct model *m, const char *token, const char *cert, const char *net_secret,
    uint64_t epoch)
{
	struct model_result r = { .rc = 0 };
	struct model_node *n;
	char id[MODEL_TEXT];
	bool fixed;

	if ((r.rc = admit(m, token, cert, net_secret, &n)) < 0)
		return r;
	model_copy(id, n->id);
	r.addr = n->addr;
	if (!model_usable(m, n->net, &n->addr)) {
		if ((r.rc = model_choose(m, n->net, n->name, &fixed, &r)) < 0)
			return r;
		n = model_node(m, id);	/* others may have gone before it */
		n->addr = r.addr;
		n->fixed = fixed;
		n->use = ++m->use;
	}
	touch(m, n, NODE_CONNECTING, epoch);
	m->epoch = epoch;
	return r;
}

int
model_rename(struct model *m, const char *id, const char *name)
{
	struct model_node *n = model_node(m, id);

	if (n == NULL)
		return -REASON_NODE_UNKNOWN;
	model_copy(n->name, name);
	return 0;
}

struct model_result
model_delete(struct model *m, const char *id, uint64_t epoch)
{
	struct model_result r = { .rc = -REASON_NODE_UNKNOWN };
	struct model_node *n = model_node(m, id), was;

	if (n == NULL)
		return r;
	was = *n;
	r.rc = 0;
	if (n->reserved && n->attached) {
		touch(m, n, NODE_IDLE, epoch);
		m->epoch = epoch;
	}
	if (n->reserved) {
		n->addr = (struct ip_addr){ 0 };
		n->fixed = false;
		n->use = ++m->use;
	} else {
		model_remove_node(m, n);
	}
	model_leave(m, &was);
	return r;
}

int
model_report(struct model *m, const char *id, uint64_t epoch, enum node_state state)
{
	struct model_node *n = model_node(m, id);

	if (epoch == 0 || epoch > m->epoch)
		return -REASON_FIELD_INVALID;
	if (n == NULL)
		return -REASON_NODE_UNKNOWN;
	if (epoch >= n->epoch && n->addr.family != 0)
		touch(m, n, state, epoch);
	return 0;
}

/* Those that match are not connected any more, in the order of their last use. */
static void
give_up(struct model *m, int64_t round)
{
	for (;;) {
		struct model_node *best = NULL;

		for (size_t i = 0; i < m->nnodes; i++) {
			struct model_node *n = &m->nodes[i];
			bool spared = n->round == round ||
			    (n->state == NODE_CONNECTING && n->round == round - 1);

			if (model_is_live(n) && !spared && (best == NULL || n->use < best->use))
				best = n;
		}
		if (best == NULL)
			return;
		best->state = best->rest = best->state == NODE_CONNECTED ? NODE_LOST : best->rest;
		best->seen_s = m->now_s;
		best->use = ++m->use;
	}
}

int
model_announce(struct model *m, bool first, bool last, const char *id, uint64_t epoch,
    bool connected, bool *gone)
{
	enum node_state state = connected ? NODE_CONNECTED : NODE_CONNECTING;
	struct model_node *n = id == NULL ? NULL : model_node(m, id);

	*gone = id != NULL && n == NULL;
	if (!first && !m->announcing)
		return -REASON_FIELD_INVALID;
	m->round += first;
	m->announcing = true;
	if (id != NULL && (epoch == 0 || epoch > m->epoch)) {
		m->announcing = false;
		*gone = false;
		return -REASON_FIELD_INVALID;
	}
	if (n != NULL && (epoch < n->epoch || n->addr.family == 0 ||
	    (epoch == n->epoch && state == n->state)))
		n->round = m->round;
	else if (n != NULL)
		touch(m, n, state, epoch);
	if (last) {
		give_up(m, m->round);
		m->announcing = false;
		m->synced = true;
	}
	return 0;
}

void
model_forsake(struct model *m)
{
	m->synced = m->announcing = false;
	give_up(m, STORE_NO_ROUND);
}
