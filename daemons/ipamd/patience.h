/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_PATIENCE_H
#define LV_IPAMD_PATIENCE_H

#include "common/ev.h"
#include "daemons/ipamd/batch.h"
#include "daemons/ipamd/ledger.h"

/*
 * How long sessions count that nobody announces: tunneld tells of all of them every minute, and as
 * soon as it reaches ipamd. After PATIENCE_LIMIT looks without an announcement, counted from the
 * start or from the last one, whoever was connected is not (session_forsake).
 */

#define PATIENCE_LOOK_MS 60000
#define PATIENCE_LIMIT 3

struct patience {
	struct ev *ev;
	struct batch *batch;
	struct ledger *ledger;
	int64_t look_ms;
	struct ev_timer timer;
	unsigned seen;		/* announcements until the last look */
	unsigned looks;		/* since the last one; not counted on once it is over */
};

int patience_start(struct patience *p, struct ev *ev, struct batch *batch, struct ledger *ledger,
    int64_t look_ms);
void patience_stop(struct patience *p);	/* one that was not started is fine */

#endif
