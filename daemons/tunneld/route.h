/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_ROUTE_H
#define TUNNELD_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/ip.h"
#include "daemons/tunneld/grace.h"

/*
 * Which peer has an inner address: open addressing over addresses that ipamd gave out (so nobody
 * outside chooses them). At most half full. The values are the caller's.
 *
 * The control thread changes the table, every thread may look at it meanwhile (grace.h): an entry is
 * never changed, another one takes its place.
 */
struct route_entry {
	struct grace_item grace;
	struct ip_addr addr;
	void *value;
};

struct route_slots {
	struct grace_item grace;
	size_t size;			/* a power of two */
	struct route_entry *at[];	/* NULL: free; or a mark: there was one */
};

struct route_table {
	struct grave *grave;		/* borrowed */
	struct route_slots *slots;	/* NULL: none yet */
	size_t used;			/* with an entry or gone; used <= size / 2 */
	size_t entries;
};

void route_init(struct route_table *t, struct grave *grave);
void route_fini(struct route_table *t);

/* Adds or replaces. 0 or -ENOMEM. */
int route_set(struct route_table *t, const struct ip_addr *addr, void *value);

/* Removes; an address that is not there is fine. */
void route_remove(struct route_table *t, const struct ip_addr *addr);

/* The value, or NULL. */
void *route_find(const struct route_table *t, const struct ip_addr *addr);

#endif
