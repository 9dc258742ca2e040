/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_NODE_H
#define LV_IPAMD_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemons/ipamd/labels.h"
#include "daemons/ipamd/ledger.h"

/* The registered nodes, as administrators see, change and remove them. Texts may be of any length. */

#define NODE_PAGE_MAX 1000
#define NODE_PAGE_DEFAULT 100

/* The labels of those of some nodes that have any, in the order of rows; node_notes_fini. */
struct node_notes {
	struct store_labels *rows;
	size_t n;
};
void node_notes_fini(struct node_notes *notes);

/* Those of the node in that row, as text; "" for none. */
const char *node_notes_of(const struct node_notes *notes, int64_t row);

struct node_noted {
	struct store_node node;
	struct node_notes notes;
};
int node_get(struct ledger *l, const char *id, struct node_noted *out);	/* NODE_UNKNOWN */
int node_get_by_token(struct ledger *l, const char *token, struct node_noted *out);	/* likewise */

/* Without what people have noted of it. NODE_UNKNOWN. */
int node_find(struct ledger *l, const char *id, struct store_node *out);

struct label_text {
	const char *key, *value;
};
struct node_wish {
	bool rename;
	const char *display_name;
	bool drop_all;			/* its labels; else these */
	char *const *drop;
	size_t ndrop;
	const struct label_text *set;	/* after that */
	size_t nset;
};

/*
 * Another name, other labels; its address stays, whatever is reserved for whom. *out: as it is then.
 * NODE_UNKNOWN, FIELD_INVALID.
 */
int node_update(struct ledger *l, const char *id, const struct node_wish *wish,
    struct node_noted *out, struct err *e);

struct node_page {
	struct store_node *nodes;	/* node_page_fini */
	size_t n;
	struct node_notes notes;
	int64_t next;	/* where the next page goes on; 0: this is the last */
	uint64_t revision;	/* of an event: they include all up to it, and perhaps more */
};

void node_page_fini(struct node_page *page);

/*
 * Nodes of a network ("": of all) in order of registration. after: `next` of the page before, or 0; a place in the order, so
 * that it holds when the node that was there has gone. size 0 means NODE_PAGE_DEFAULT, more than
 * NODE_PAGE_MAX means that. NETWORK_UNKNOWN.
 */
int node_list(struct ledger *l, const char *network, int64_t after, size_t size,
    struct node_page *out);

/* Of those with these ids the ones that are registered; n is at most NODE_PAGE_MAX. */
int node_get_several(struct ledger *l, const char *const *ids, size_t n, struct node_page *out);

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
