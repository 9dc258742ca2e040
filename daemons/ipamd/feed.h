/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_FEED_H
#define LV_IPAMD_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/ev.h"
#include "common/ipc_events.h"
#include "daemons/ipamd/ledger.h"

/*
 * Tells whoever listens what was committed: events.sock. The events are read back from the store,
 * so that nothing is told that a crash could take back, and nothing twice or out of order. Who
 * misses some of it asks (events_list).
 */

#define FEED_BEAT_MS 5000	/* so late may be noticed that the last message was missed */

struct feed {
	struct ev *ev;
	struct ledger *ledger;
	int64_t beat_ms;
	struct ipc_publisher *publisher;
	uint64_t told;		/* the newest revision that was published */
	struct ev_timer news;	/* runs while there may be events to tell */
	struct ev_timer beat;
	bool failed;		/* the last attempt did; only the first is logged */
};

/* Events before now are not told. Every beat_ms a message says where they end. */
int feed_start(struct feed *f, struct ev *ev, const struct ipc_publisher_conf *conf,
    struct ledger *ledger, int64_t beat_ms, struct err *e);
void feed_stop(struct feed *f);	/* one that was not started is fine */

/*
 * Call it after each commit. Answers come first: the events are told in the loop's next round.
 */
void feed_committed(void *feed);

struct ipc_stats feed_stats(const struct feed *f);

#endif
