/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_SWEEP_H
#define LV_IPAMD_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ev.h"
#include "daemons/ipamd/batch.h"
#include "daemons/ipamd/expire.h"
#include "daemons/ipamd/ledger.h"

/*
 * Deletes what is over (expire.h), and forgets what is too old: events, tombstones, answers that
 * could be asked for again.
 */

#define SWEEP_BATCH 8		/* tombstones and answers at a time */

#define SWEEP_PAUSE_MS 4	/* between batches, so that others have the disk as well */

/*
 * How long a reclaimed node is told so, rather than that nobody knows it: long enough for a machine
 * that was away for the holidays. A million and more reclaims must not make the database grow.
 */
#define TOMBSTONE_LIFE_S (30 * 24 * 3600)
#define TOMBSTONES_MAX 100000

/* Who asks again does so within minutes; a day is for a controller that was down over night. */
#define REPLY_LIFE_S (24 * 3600)
#define REPLIES_MAX 100000

struct sweep {
	struct expired expired;
	bool more;	/* there may be more of it */
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
