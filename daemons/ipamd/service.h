/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_SERVICE_H
#define LV_IPAMD_SERVICE_H

#include "common/err.h"
#include "common/ev.h"
#include "common/ipc.h"
#include "common/usage.h"
#include "daemons/ipamd/batch.h"
#include "daemons/ipamd/granter.h"
#include "daemons/ipamd/ledger.h"
#include "daemons/ipamd/upkeep.h"

/*
 * The socket: requests that arrived together are done one after the other, committed together, and
 * answered together.
 */

struct service;

struct service_conf {
	const char *path;	/* of the socket */
	uid_t tunneld, ctld;
	struct ledger *ledger;	/* borrowed, likewise the others */
	struct batch *batch;
	const struct granter *granter;
	struct upkeep *upkeep;
	const struct usage *usage;
};

int service_new(struct ev *ev, const struct service_conf *conf, struct service **out,
    struct err *e);
void service_free(struct service *s);	/* NULL is fine */

struct ipc_stats service_stats(const struct service *s);

#endif
