/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/session.h"

#include <errno.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ipamd/events.h"

/* The node that a session is of, where the session can be one of ours. */
static int
find_node(struct ledger *l, const struct session *s, struct store_node *out, struct err *e)
{
	int rc;

	if (s->epoch == 0 || s->epoch > l->epoch)
		return err_set(e, -REASON_FIELD_INVALID, "epoch: was never handed out");
	rc = store_node_by_id(l->store, s->node_id, out);
	return rc == -ENOENT ? -REASON_NODE_UNKNOWN : rc;
}

/* A newer one took its place, or the node's address was taken away. */
static bool
is_over(const struct store_node *n, const struct session *s)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): the store filled it */
	return s->epoch < n->epoch || n->addr.family == 0;
}

static int
enter(struct ledger *l, struct store_node *n, const struct session *s)
{
	bool news = s->epoch != n->epoch || s->state != n->state;
	int rc = store_node_touch(l->store, n, s->state, s->epoch, l->round, l->now_s);

	return rc == 0 && news ? events_session(l, n, s->state, s->epoch) : rc;
}

int
session_report(struct ledger *l, const struct session *s, struct err *e)
{
	struct store_node n;
	int rc = find_node(l, s, &n, e);

	if (rc < 0 || is_over(&n, s))
		return rc;
	return enter(l, &n, s);
}

/*
 * A session that goes on is not a new use: its row keeps its place in the order of use. An older
 * one than the row's shows at least that the node is there.
 */
static int
announce_one(struct ledger *l, const struct session *s, struct err *e)
{
	struct store_node n;
	int rc = find_node(l, s, &n, e);

	if (rc < 0)
		return rc;
	if (is_over(&n, s) || (s->epoch == n.epoch && s->state == n.state))
		return store_node_announced(l->store, n.row, l->round);
	return enter(l, &n, s);
}

int
session_announce(struct ledger *l, const struct session_part *part, bool *gone, struct err *e)
{
	int rc = 0;

	if (!part->first && !l->announcing)
		return err_set(e, -REASON_FIELD_INVALID, "first: no announcement has begun");
	if (part->first)
		l->round++;
	l->announcing = true;
	for (size_t i = 0; i < part->n; i++) {
		rc = announce_one(l, &part->sessions[i], e);
		gone[i] = rc == -REASON_NODE_UNKNOWN;
		if (rc < 0 && !gone[i])
			break;
		rc = 0;
	}
	if (rc == 0 && part->last)
		rc = store_unannounced(l->store, l->round, l->now_s);
	if (rc < 0 || part->last)
		l->announcing = false;
	if (rc < 0)
		return rc;
	l->synced |= part->last;
	l->announced += part->last;
	return 0;
}

int
session_forsake(struct ledger *l)
{
	l->synced = false;
	l->announcing = false;
	return store_unannounced(l->store, STORE_NO_ROUND, l->now_s);
}
