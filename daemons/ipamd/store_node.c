/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store.h"

#include <errno.h>
#include <stdio.h>

#include "daemons/ipamd/store_inside.h"

/* The intents about nodes. */

int
store_node_by_token(struct store *st, const char *token, struct store_node *out)
{
	struct store_node like;

	if ((size_t) snprintf(like.token, sizeof(like.token), "%s", token) >= sizeof(like.token))
		return -ENOENT;
	return READ(st, node_find, BY_TOKEN, &like, out);
}

int
store_node_by_id(struct store *st, const char *id, struct store_node *out)
{
	struct store_node like;

	if ((size_t) snprintf(like.id, sizeof(like.id), "%s", id) >= sizeof(like.id))
		return -ENOENT;
	return READ(st, node_find, BY_ID, &like, out);
}

int
store_node_by_addr(struct store *st, int64_t net, const struct ip_addr *addr,
    struct store_node *out)
{
	struct store_node like = { .net = net, .addr = *addr };

	return READ(st, node_find, BY_ADDR, &like, out);
}

int
store_node_by_keys(struct store *st, const struct store_node *like, struct store_node *out)
{
	return READ(st, node_find, BY_KEYS, like, out);
}

int
store_node_keys(struct store *st, struct store_node *n)
{
	return READ(st, node_keys, n);
}

int
store_node_list(struct store *st, int64_t net, int64_t after, struct store_node *nodes, size_t max)
{
	return READ(st, node_list, net, after, nodes, max);
}

int
store_node_victims(struct store *st, int64_t net, struct store_node *nodes, size_t max)
{
	return READ(st, node_victims, net, nodes, max);
}

int
store_nodes_expired(struct store *st, int64_t created_before_s, struct store_node *nodes,
    size_t max)
{
	return READ(st, nodes_expired, created_before_s, nodes, max);
}

int
store_node_add(struct store *st, struct store_node *n, int64_t now_s)
{
	struct store_use use = store_use_next(st, now_s);
	int rc = WRITE(st, STORE_NOW, node_add, n, &use);

	if (rc < 0)
		return rc;
	n->use = use.seq;
	n->state = NODE_NEVER;
	n->attached = false;
	n->epoch = 0;
	n->create_s = now_s;
	n->seen_s = 0;
	return 0;
}

int
store_node_bind(struct store *st, struct store_node *n, const struct ip_addr *addr, bool fixed,
    int64_t now_s)
{
	struct store_use use = store_use_next(st, now_s);
	int rc = WRITE(st, STORE_NOW, node_bind, n, addr, fixed, &use);

	if (rc < 0)
		return rc;
	n->use = use.seq;
	n->addr = *addr;
	n->fixed = fixed;
	return 0;
}

static void
note_session(struct store_node *n, enum node_state state, uint64_t epoch,
    const struct store_use *use)
{
	n->use = use->seq;
	n->state = state;
	n->epoch = epoch;
	n->attached = true;
	n->seen_s = use->now_s;
}

int
store_node_attach(struct store *st, struct store_node *n, const struct ip_addr *addr, bool fixed,
    uint64_t epoch, int64_t round, int64_t now_s)
{
	struct store_use use = store_use_next(st, now_s);
	int rc = WRITE(st, STORE_NOW, node_attach, n, addr, fixed, epoch, round, &use);

	if (rc < 0)
		return rc;
	note_session(n, NODE_CONNECTING, epoch, &use);
	n->addr = *addr;
	n->fixed = fixed;
	return 0;
}

int
store_node_describe(struct store *st, struct store_node *n, const char *display_name,
    const char *labels)
{
	int rc = WRITE(st, STORE_NOW, node_describe, n, display_name, labels);

	if (rc == 0)
		snprintf(n->display_name, sizeof(n->display_name), "%s", display_name);
	return rc;
}

int
store_labels(struct store *st, int64_t net, int64_t first, int64_t last, struct store_labels *out,
    size_t max)
{
	return READ(st, labels, net, first, last, out, max);
}

int
store_node_steal(struct store *st, const struct store_node *victim, int64_t now_s)
{
	return WRITE(st, STORE_NOW, node_steal, victim, now_s);
}

int
store_tombstone(struct store *st, const char *token, struct store_tombstone *out)
{
	return READ(st, tombstone, token, out);
}

int
store_node_touch(struct store *st, struct store_node *n, enum node_state state,
    uint64_t epoch, int64_t round, int64_t now_s)
{
	struct store_use use = store_use_next(st, now_s);
	int rc = WRITE(st, n->attached ? STORE_SOON : STORE_NOW, node_touch, n, state, epoch, round,
	    &use);

	if (rc == 0)
		note_session(n, state, epoch, &use);
	return rc;
}

int
store_node_announced(struct store *st, int64_t row, int64_t round)
{
	return WRITE(st, STORE_SOON, node_announced, row, round);
}

int
store_node_stale(struct store *st, int64_t row, bool stale)
{
	return WRITE(st, STORE_SOON, node_stale, row, stale);
}

int
store_unannounced(struct store *st, int64_t round, int64_t now_s)
{
	struct store_use use = store_use_next(st, now_s);
	int rc = WRITE(st, STORE_SOON, unannounced, round, &use);

	if (rc > 0)
		st->seq += rc;
	return rc;
}

int
store_node_delete(struct store *st, const struct store_node *n)
{
	return WRITE(st, STORE_NOW, node_delete, n);
}
