/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_NODE_H
#define LV_IPAMD_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemons/ipamd/ledger.h"

/* The registered nodes, as administrators see and remove them. Ids may be of any length. */

#define NODE_PAGE_MAX 1000
#define NODE_PAGE_DEFAULT 100

int node_get(struct ledger *l, const char *id, struct store_node *out);	/* NODE_UNKNOWN */
int node_get_by_token(struct ledger *l, const char *token, struct store_node *out);	/* likewise */

struct node_page {
	struct store_node *nodes;	/* the caller's: free(3) */
	size_t n;
	int64_t next;	/* where the next page goes on; 0: this is the last */
	uint64_t revision;	/* of an event: they include all up to it, and perhaps more */
};

/*
 * Nodes in order of registration. after: `next` of the page before, or 0; a place in the order, so
 * that it holds when the node that was there has gone. size 0 means NODE_PAGE_DEFAULT, more than
 * NODE_PAGE_MAX means that.
 */
int node_list(struct ledger *l, int64_t after, size_t size, struct node_page *out);

/*
 * Unregisters a node: no session of it with *epoch_out or a lower one may go on. The reserved one
 * only loses its address. NODE_UNKNOWN.
 */
int node_delete(struct ledger *l, const char *id, uint64_t *epoch_out);

struct node_info {	/* of the default network */
	struct ip_prefix prefix;
	uint64_t addresses;	/* that can be given out */
	struct store_counts counts;
	int64_t started_s;	/* UTC */
	bool synced;
	bool full;		/* pool.warnAt is reached */
};
int node_info(struct ledger *l, struct node_info *out);

#endif
