/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/sweep.h"

#include "common/clock.h"
#include "common/log.h"
#include "daemons/ipamd/events.h"

/* --- one batch -------------------------------------------------------------------------------- */

static void
release(struct ledger *l, int64_t net_id, const struct ip_addr *addr)
{
	struct network *net = ledger_network(l, net_id);

	if (net != NULL)
		pool_unmark(net->pool, addr);
}

static int
drop_tokens(struct ledger *l)
{
	struct store_binding rows[SWEEP_BATCH];
	int n = store_tokens_expired(l->store, l->now_s, rows, SWEEP_BATCH), rc = 0;

	for (int i = 0; i < n && rc == 0; i++) {
		if ((rc = store_token_delete(l->store, rows[i].row)) == 0)
			release(l, rows[i].net, &rows[i].addr);
	}
	return rc < 0 ? rc : n;
}

static int
drop_nodes(struct ledger *l)
{
	int64_t created_before_s = l->now_s - l->conf->token_ttl_ms / 1000;
	struct store_node nodes[SWEEP_BATCH];
	int n = store_nodes_expired(l->store, created_before_s, nodes, SWEEP_BATCH), rc = 0;

	for (int i = 0; i < n && rc == 0; i++) {
		if ((rc = events_node(l, EVENT_UNREGISTER, &nodes[i], "by=expiry")) == 0 &&
		    (rc = store_node_delete(l->store, &nodes[i])) == 0)
			release(l, nodes[i].net, &nodes[i].addr);
	}
	return rc < 0 ? rc : n;
}

int
sweep_step(struct ledger *l, struct sweep *out)
{
	int tokens, nodes, rc;
	bool more;

	if ((tokens = drop_tokens(l)) < 0)
		return tokens;
	if ((nodes = drop_nodes(l)) < 0)
		return nodes;
	if ((rc = events_trim(l, &more)) < 0)
		return rc;
	*out = (struct sweep){
		.tokens = (unsigned) tokens,
		.nodes = (unsigned) nodes,
		.more = more || tokens == SWEEP_BATCH || nodes == SWEEP_BATCH,
	};
	return 0;
}

/* --- again and again -------------------------------------------------------------------------- */

static void
on_timer(void *arg)
{
	struct sweeper *s = arg;
	struct sweep done = { 0 };
	int rc = ledger_request(s->ledger, clock_utc_s());

	if (rc == 0)
		rc = ledger_answer(s->ledger, sweep_step(s->ledger, &done));
	if (batch_commit(s->batch) < 0 || rc < 0)
		done = (struct sweep){ 0 };	/* the next time, then */
	if (done.tokens + done.nodes > 0)
		log_info("swept", "tokens=%u nodes=%u", done.tokens, done.nodes);
	rc = ev_timer_start(s->ev, &s->timer, done.more ? 0 : s->interval_ms, on_timer, s);
	if (rc < 0)
		log_err("sweep_stopped", "error=%s", err_name(rc));
}

int
sweeper_start(struct sweeper *s, struct ev *ev, struct batch *batch, struct ledger *ledger,
    int64_t interval_ms)
{
	*s = (struct sweeper){ .ev = ev, .batch = batch, .ledger = ledger,
		.interval_ms = interval_ms };
	return ev_timer_start(ev, &s->timer, interval_ms, on_timer, s);
}

void
sweeper_stop(struct sweeper *s)
{
	if (s->ev != NULL)
		ev_timer_stop(s->ev, &s->timer);
}
