/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_SWEEP_H
#define LV_IPAMD_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ev.h"
#include "daemons/ipamd/batch.h"
#include "daemons/ipamd/ledger.h"

/*
 * Deletes what is over: bootstrap tokens, and registrations that never came to life. Both are
 * checked at use as well; sweeping gives back the addresses that they hold. And it forgets events
 * that are too old.
 */

#define SWEEP_BATCH 256		/* of each kind at a time: about a millisecond */

struct sweep {
	unsigned tokens, nodes;	/* deleted */
	bool more;		/* there may be more of them */
};

/* One batch, as a request of its own between ledger_request and ledger_answer. */
int sweep_step(struct ledger *l, struct sweep *out);

/* Does it every interval, batch after batch, with others' requests in between. */
struct sweeper {
	struct ev *ev;
	struct batch *batch;
	struct ledger *ledger;
	int64_t interval_ms;
	struct ev_timer timer;
};

int sweeper_start(struct sweeper *s, struct ev *ev, struct batch *batch, struct ledger *ledger,
    int64_t interval_ms);
void sweeper_stop(struct sweeper *s);	/* one that was not started is fine */

#endif
