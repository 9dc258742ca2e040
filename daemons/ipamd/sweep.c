/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/sweep.h"

#include "common/clock.h"
#include "common/log.h"
#include "daemons/ipamd/events.h"

/* --- one batch -------------------------------------------------------------------------------- */

int
sweep_step(struct ledger *l, struct sweep *out)
{
	struct expired expired;
	int tombstones, replies, rc;
	bool more;

	if ((rc = expire_step(l, &expired)) < 0 || (rc = events_trim(l, &more)) < 0)
		return rc;
	if ((tombstones = store_forget(l->store, STORE_TOMBSTONES, l->now_s - TOMBSTONE_LIFE_S,
	    TOMBSTONES_MAX, SWEEP_BATCH)) < 0)
		return tombstones;
	if ((replies = store_forget(l->store, STORE_REPLIES, l->now_s - REPLY_LIFE_S, REPLIES_MAX,
	    SWEEP_BATCH)) < 0)
		return replies;
	*out = (struct sweep){
		.expired = expired,
		.more = more || expired.more || tombstones >= SWEEP_BATCH ||
		    replies >= SWEEP_BATCH,
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
	if (done.expired.holds + done.expired.tokens + done.expired.nodes > 0)
		log_info("swept", "holds=%u tokens=%u nodes=%u", done.expired.holds,
		    done.expired.tokens, done.expired.nodes);
	rc = ev_timer_start(s->ev, &s->timer, done.more ? SWEEP_PAUSE_MS : s->interval_ms,
	    on_timer, s);
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
