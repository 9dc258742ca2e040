/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/patience.h"

#include "common/clock.h"
#include "common/log.h"
#include "daemons/ipamd/session.h"

/* One that fails is tried again with the next look. */
static void
forsake(struct patience *p)
{
	int rc = ledger_request(p->ledger, clock_utc_s()), n = 0;

	if (rc == 0)
		rc = ledger_answer(p->ledger, n = session_forsake(p->ledger));
	if (batch_commit(p->batch) < 0 || rc < 0)
		return;
	p->looks++;
	if (n > 0)
		log_warn("sessions_forsaken", "nodes=%d consequence=\"tunneld does not announce "
		    "its sessions; they count as lost\"", n);
}

static void
on_look(void *arg)
{
	struct patience *p = arg;
	int rc;

	if (p->ledger->announced != p->seen) {
		p->seen = p->ledger->announced;
		p->looks = 0;
	} else if (p->looks + 1 < PATIENCE_LIMIT) {
		p->looks++;
	} else if (p->looks + 1 == PATIENCE_LIMIT) {
		forsake(p);
	}
	if ((rc = ev_timer_start(p->ev, &p->timer, p->look_ms, on_look, p)) < 0)
		log_err("patience_stopped", "error=%s", err_name(rc));
}

int
patience_start(struct patience *p, struct ev *ev, struct batch *batch, struct ledger *ledger,
    int64_t look_ms)
{
	*p = (struct patience){ .ev = ev, .batch = batch, .ledger = ledger, .look_ms = look_ms,
		.seen = ledger->announced };
	return ev_timer_start(ev, &p->timer, look_ms, on_look, p);
}

void
patience_stop(struct patience *p)
{
	if (p->ev != NULL)
		ev_timer_stop(p->ev, &p->timer);
}
