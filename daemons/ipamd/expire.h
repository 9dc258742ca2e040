/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_EXPIRE_H
#define LV_IPAMD_EXPIRE_H

#include <stdbool.h>

#include "daemons/ipamd/ledger.h"

/*
 * What is over: kept addresses, bootstrap tokens, registrations that never came to life. Each is
 * checked at its use as well; expiring gives back the addresses that they hold.
 */

#define EXPIRE_BATCH 8		/* of each kind at a time: half a millisecond with a million nodes */

struct expired {
	unsigned holds, tokens, nodes;	/* deleted */
	bool more;			/* there may be more of them */
};

/* Deletes a batch of it. Belongs into a ledger_request. */
int expire_step(struct ledger *l, struct expired *out);

/* Deletes a token, and what it promises is free. Belongs into a ledger_request. */
int expire_token(struct ledger *l, const struct store_token *t);

/*
 * Deletes as much of it as gives a network's pool a free address, if that can be had so: what is
 * over must not make a pool look full.
 */
int expire_until_free(struct ledger *l, const struct network *net);

#endif
