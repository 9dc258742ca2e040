/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_COUNTS_H
#define LV_IPAMD_COUNTS_H

#include "common/ipc.h"
#include "common/metric.h"
#include "common/tally.h"
#include "common/usage.h"
#include "daemons/ipamd/batch.h"
#include "daemons/ipamd/ledger.h"

/* What ipamd counts, for litevpn-metrics(7). */

struct counts {
	struct tally refusals;
	/* Borrowed. */
	struct ledger *ledger;
	const struct batch *batch;
	const struct usage *usage;
	const struct ipc_server *server;
};

/* Adds all of them. Belongs into a ledger_request. 0 or a failure of the store. */
int counts_show(const struct counts *c, struct metrics *out);

#endif
