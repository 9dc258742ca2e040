/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/expire.h"

#include <errno.h>

#include "daemons/ipamd/events.h"
#include "daemons/ipamd/hold.h"

static int
drop_hold(struct ledger *l, const struct store_hold *h)
{
	struct network *net = ledger_network(l, h->net);
	int rc = store_hold_delete(l->store, h->row);

	if (rc == 0 && net != NULL)
		ledger_free(l, net, &h->addr);
	return rc;
}

/* What n rows give rise to is undone where the request is refused for another reason; n again. */
static int
guarded(struct ledger *l, int n)
{
	int rc = n > 0 ? store_guard(l->store) : 0;

	return rc < 0 ? rc : n;
}

/* --- rests that are too long ------------------------------------------------------------------ */

static int
shorten(struct ledger *l, const struct store_hold *h)
{
	struct store_hold shorter = *h;
	int rc;

	shorter.until_s = l->now_s + l->conf->pool_quarantine_ms / 1000;
	if (h->kind != HOLD_REST || h->until_s <= shorter.until_s)
		return 0;
	rc = store_hold_delete(l->store, h->row);
	return rc < 0 ? rc : store_hold_add(l->store, &shorter);
}

/* The new row comes last, and is passed by again: it is short enough then. */
static int
shorten_some(struct ledger *l, int64_t net)
{
	struct store_hold holds[EXPIRE_BATCH];
	int n = guarded(l, store_hold_list(l->store, net, l->rests.row, holds, EXPIRE_BATCH));
	int rc = 0;

	for (int i = 0; i < n && rc == 0; i++) {
		l->rests.row = holds[i].row;
		rc = shorten(l, &holds[i]);
	}
	return rc < 0 ? rc : n;
}

/*
 * An address whose rest began before the clock was set back would rest until it is as late again,
 * and that may be in years. From here on it rests for once as long as others do.
 */
static int
shorten_rests(struct ledger *l)
{
	int n = 0, rc;

	while (l->rests.place < NETWORKS_MAX && n < EXPIRE_BATCH) {
		rc = l->nets[l->rests.place].row.id == 0 ? 0
		    : shorten_some(l, l->nets[l->rests.place].row.id);
		if (rc < 0)
			return rc;
		if (rc == 0) {
			l->rests.place++;
			l->rests.row = 0;
		}
		n += rc;
	}
	return 0;
}

/* --- what is over ----------------------------------------------------------------------------- */

static int
drop_holds(struct ledger *l)
{
	struct store_hold holds[EXPIRE_BATCH];
	int n = guarded(l, store_holds_expired(l->store, l->now_s, holds, EXPIRE_BATCH)), rc = 0;

	for (int i = 0; i < n && rc == 0; i++)
		rc = drop_hold(l, &holds[i]);
	return rc < 0 ? rc : n;
}

int
expire_token(struct ledger *l, const struct store_token *t)
{
	struct store_hold h;
	int rc = store_hold_by_token(l->store, t->row, &h);

	if (rc == 0)
		rc = drop_hold(l, &h);
	return rc < 0 && rc != -ENOENT ? rc : store_token_delete(l->store, t->row);
}

static int
drop_tokens(struct ledger *l)
{
	struct store_token tokens[EXPIRE_BATCH];
	int n = guarded(l, store_tokens_expired(l->store, l->now_s, tokens, EXPIRE_BATCH)), rc = 0;

	for (int i = 0; i < n && rc == 0; i++)
		rc = expire_token(l, &tokens[i]);
	return rc < 0 ? rc : n;
}

static int
drop_nodes(struct ledger *l)
{
	int64_t created_before_s = l->now_s - l->conf->token_ttl_ms / 1000;
	struct store_node nodes[EXPIRE_BATCH];
	int n = guarded(l, store_nodes_expired(l->store, created_before_s, nodes, EXPIRE_BATCH));
	int rc = 0;

	for (int i = 0; i < n && rc == 0; i++) {
		if ((rc = events_node(l, EVENT_UNREGISTER, &nodes[i], "by=expiry")) == 0 &&
		    (rc = store_node_delete(l->store, &nodes[i])) == 0)
			rc = hold_leave(l, &nodes[i]);
	}
	return rc < 0 ? rc : n;
}

int
expire_step(struct ledger *l, struct expired *out)
{
	int holds, tokens, nodes, rc;

	if ((rc = shorten_rests(l)) < 0)
		return rc;
	if ((holds = drop_holds(l)) < 0)
		return holds;
	if ((tokens = drop_tokens(l)) < 0)
		return tokens;
	if ((nodes = drop_nodes(l)) < 0)
		return nodes;
	*out = (struct expired){
		.holds = (unsigned) holds,
		.tokens = (unsigned) tokens,
		.nodes = (unsigned) nodes,
		.more = holds == EXPIRE_BATCH || tokens == EXPIRE_BATCH || nodes == EXPIRE_BATCH ||
		    l->rests.place < NETWORKS_MAX,
	};
	return 0;
}

int
expire_until_free(struct ledger *l, const struct network *net)
{
	struct expired done = { .more = true };
	int rc = 0;

	while (rc == 0 && done.more && pool_used(net->pool) == pool_size(net->pool))
		rc = expire_step(l, &done);
	return rc;
}
