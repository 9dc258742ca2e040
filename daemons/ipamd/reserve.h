/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_RESERVE_H
#define LV_IPAMD_RESERVE_H

#include <stddef.h>
#include <stdint.h>

#include "daemons/ipamd/ledger.h"

/* Kept addresses as administrators make, end and see them. Texts may be of any length. */

#define RESERVE_PAGE_MAX 1000
#define RESERVE_PAGE_DEFAULT 100

struct reserve_wish {
	const char *network;	/* "": the default one */
	const char *name;
	const char *address;	/* "": the lowest free one */
};

struct reserve_view {
	struct store_hold hold;		/* its kind is 0 where the address is a node's only */
	char network[STORE_NETWORK_MAX + 1];
	char node[PKI_ID_MAX + 1];	/* that has the address now; "": none */
};

/*
 * Reserves an address for a display name, in whose hands it may be already. The same again is fine.
 * NETWORK_UNKNOWN, FIELD_INVALID, ADDRESS_INVALID, ADDRESS_TAKEN, POOL_EXHAUSTED.
 */
int reserve_address(struct ledger *l, const struct reserve_wish *wish, struct reserve_view *out,
    struct err *e);

/*
 * Ends a reservation, given by its address or its name, or the rest of an address. A node that has
 * the address keeps it, but it is not fixed any more; what nobody has rests first.
 * NETWORK_UNKNOWN, FIELD_INVALID, ADDRESS_UNKNOWN, ADDRESS_TAKEN (promised to a bootstrap token).
 */
int reserve_release(struct ledger *l, const struct reserve_wish *which, struct reserve_view *out,
    struct err *e);

struct reserve_page {
	struct reserve_view *holds;	/* the caller's: free(3) */
	size_t n;
	int64_t next;	/* where the next page goes on; 0: this is the last */
};

/*
 * Addresses of a network that are not free: the kept ones in the order of their making, then,
 * unless kept_only is set, those of nodes in the order of registration. Each is there once. As
 * node_list. NETWORK_UNKNOWN.
 */
int reserve_list(struct ledger *l, const char *network, bool kept_only, int64_t after, size_t size,
    struct reserve_page *out);

#endif
