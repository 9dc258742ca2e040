/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_ROUTE_H
#define TUNNELD_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/ip.h"

/*
 * Which peer has an inner address: open addressing over addresses that ipamd gave out (so nobody
 * outside chooses them). At most half full; a lookup touches one or two cache lines. Pure: the
 * values are the caller's, only compared with NULL.
 */
struct route_slot {
	struct ip_addr addr;
	void *value;	/* NULL: free, or removed when `gone` */
	bool gone;
};

struct route_table {
	struct route_slot *slots;	/* size of them, a power of two */
	size_t size, used;		/* used: with a value or gone; used <= size / 2 */
	size_t entries;			/* with a value */
};

void route_init(struct route_table *t);
void route_fini(struct route_table *t);

/* Adds or replaces. 0 or -ENOMEM. */
int route_set(struct route_table *t, const struct ip_addr *addr, void *value);

/* Removes; an address that is not there is fine. */
void route_remove(struct route_table *t, const struct ip_addr *addr);

/* The value, or NULL. */
void *route_find(const struct route_table *t, const struct ip_addr *addr);

#endif
