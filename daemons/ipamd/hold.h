/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_HOLD_H
#define LV_IPAMD_HOLD_H

#include "daemons/ipamd/ledger.h"

/*
 * Addresses that are kept though no node has them: promised to a bootstrap token, reserved for a
 * display name, or at rest after another node.
 *
 * A reservation outlives its nodes: whoever of that name comes next gets the address. While a node
 * has it, the address is its own, and fixed.
 */

/* Can nodes of the network have it at all? ADDRESS_INVALID. */
int hold_check(const struct network *net, const struct ip_addr *addr, struct err *e);

/*
 * Is it not held? What stood in the way, but is over, is gone then: a promise ends with its time,
 * not with the sweep that comes later. ADDRESS_TAKEN.
 */
int hold_clear(struct ledger *l, const struct network *net, const struct ip_addr *addr,
    struct err *e);

/* All of that, and no node has it: the caller may hold it and take it in the pool. */
int hold_claim(struct ledger *l, struct network *net, const struct ip_addr *addr, struct err *e);

/* The address that waits for nodes of that name, if none has it. 0 or -ENOENT. */
int hold_for_name(struct ledger *l, const struct network *net, const char *name,
    struct ip_addr *out);

/*
 * A node that had n->addr is gone, or has it no more: the address stays reserved, rests for
 * pool.quarantine if the node has ever used it, or is free.
 */
int hold_leave(struct ledger *l, const struct store_node *n);

#endif
