/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_NETWORKS_H
#define LV_IPAMD_NETWORKS_H

#include "common/err.h"
#include "daemons/ipamd/ledger.h"

/* The ledger's networks as the store and the configuration have them. */

/*
 * Brings the networks of the configuration into the store: `default`, whose address is vpnAddr, and
 * those of `networks`. One that it named once and names no more stays, as if it had been made at
 * run time. Belongs into the request of ledger_open. -EINVAL where two networks overlap.
 */
int networks_configure(struct ledger *l, struct err *e);

/* Reads all networks of the store and fills their pools; the old ones are gone also on failure. */
int networks_load(struct ledger *l);
void networks_unload(struct ledger *l);

/* Makes the pool of a network, empty. -EINVAL, -ENOMEM. */
int networks_pool(const struct ledger *l, const struct store_network *row, struct pool **out);

/*
 * May the network have this prefix beside all others, and beside where the server itself is?
 * FIELD_INVALID, NETWORK_OVERLAP.
 */
int networks_check(struct ledger *l, const struct store_network *row, struct err *e);

#endif
