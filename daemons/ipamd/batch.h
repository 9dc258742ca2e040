/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_BATCH_H
#define LV_IPAMD_BATCH_H

#include "common/ev.h"
#include "daemons/ipamd/ledger.h"

/*
 * Commits: requests that arrived together share one, and changes that may be lost wait for the
 * next one that is due anyway, a second at most. When the store cannot be trusted any more the loop
 * is stopped with DAEMON_FAILED.
 */
struct batch {
	struct ev *ev;
	struct ledger *ledger;
	struct ev_timer late;	/* runs while accepted changes wait without an answer that does */
	uint64_t commits_done, commits_failed;	/* since the start */
	unsigned failures;	/* since the last commit that worked; only the first is logged */
	void (*committed)(void *arg);	/* after a commit that changed something; NULL: nobody */
	void *arg;
};

#define BATCH_LATE_MS 1000

void batch_init(struct batch *b, struct ev *ev, struct ledger *ledger);
void batch_fini(struct batch *b);	/* commits what waits */

/*
 * The requests of a round have been accepted or refused: commits if one of them needs it. 0, and
 * their answers may leave; or -REASON_STORE_FAILED: none of them counts.
 */
int batch_settle(struct batch *b);

/* Commits whatever waits. */
int batch_commit(struct batch *b);

#endif
