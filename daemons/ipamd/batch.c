/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/batch.h"

#include <inttypes.h>

#include "common/daemon.h"
#include "common/log.h"
#include "daemons/ipamd/network.h"

void
batch_init(struct batch *b, struct ev *ev, struct ledger *ledger)
{
	*b = (struct batch){ .ev = ev, .ledger = ledger };
}

static void
log_outcome(struct batch *b, enum store_due due, int rc)
{
	if (rc < 0 && b->failures++ == 0)
		log_err("store_failed", "error=%s consequence=\"what was asked since the last "
		    "commit is refused\"", LOG_Q(store_failure(b->ledger->store)));
	if (rc == 0 && due != STORE_NOTHING && b->failures > 0) {
		log_notice("store_works", "failures=%u", b->failures);
		b->failures = 0;
	}
}

static void
log_use(struct batch *b)
{
	struct network *net = NULL;

	while ((net = ledger_network_next(b->ledger, net)) != NULL) {
		if (!network_crossed(b->ledger, net))
			continue;
		if (net->full)
			log_warn("network_nearly_full", "network=%s used=%" PRIu64 " addresses=%"
			    PRIu64, net->row.name, pool_used(net->pool), pool_size(net->pool));
		else
			log_notice("network_has_room", "network=%s used=%" PRIu64 " addresses=%"
			    PRIu64, net->row.name, pool_used(net->pool), pool_size(net->pool));
	}
}

int
batch_commit(struct batch *b)
{
	enum store_due due = ledger_due(b->ledger);
	int rc;

	ev_timer_stop(b->ev, &b->late);
	rc = ledger_commit(b->ledger);
	if (due != STORE_NOTHING)
		*(rc < 0 ? &b->commits_failed : &b->commits_done) += 1;
	log_outcome(b, due, rc);
	if (due == STORE_NOW)
		log_use(b);
	if (rc == 0 && due != STORE_NOTHING && b->committed != NULL)
		b->committed(b->arg);
	if (ledger_broken(b->ledger)) {
		log_err("store_broken", "consequence=\"ipamd stops; at the next start it reads "
		    "everything anew\"");
		ev_stop(b->ev, DAEMON_FAILED);
	}
	return rc;
}

static void
on_late(void *arg)
{
	batch_commit(arg);
}

int
batch_settle(struct batch *b)
{
	if (ledger_due(b->ledger) != STORE_SOON)
		return batch_commit(b);
	if (b->late.slot != 0)
		return 0;
	if (ev_timer_start(b->ev, &b->late, BATCH_LATE_MS, on_late, b) < 0)
		return batch_commit(b);
	return 0;
}

void
batch_fini(struct batch *b)
{
	if (b->ledger != NULL)
		batch_commit(b);
}
