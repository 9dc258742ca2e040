/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_NETWORK_H
#define LV_IPAMD_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemons/ipamd/ledger.h"
#include "daemons/ipamd/request.h"

/*
 * Networks as administrators make, change and see them. `default` and those of the configuration
 * are changed there only: NETWORK_FIXED. Texts may be of any length.
 */

struct network_wish {
	const char *name;
	const char *address;	/* the server's own, "10.2.0.1/24"; or the network's: its first one */
	char *const *exclude;	/* prefixes that are never given */
	size_t nexclude;
	bool open;		/* without a net-token */
};

struct network_view {
	struct store_network row;
	char secret[SECRET_TOKEN_LEN + 1];	/* a net-token that was made now; "": none was */
	uint64_t epoch;		/* no session of it with this or a lower one may go on; 0: all may */
	uint64_t addresses, used;		/* that can be given out; that are not free */
	uint64_t held[HOLD_REST + 1];		/* by kind; a reserved one may be a node's, too */
	struct store_counts counts;
	bool full;				/* pool.warnAt is reached */
	struct ip_addr first, last;		/* of those that can be given out; none: there is none */
	struct {		/* by network_recreate */
		struct ip_prefix before;
		uint64_t readdressed;		/* nodes that have lost their address */
		uint64_t inside, outside;	/* kept addresses that it can give, and others */
	} map;
};

/* FIELD_INVALID, NETWORK_EXISTS, NETWORK_OVERLAP, OVERLOADED (NETWORKS_MAX). */
int network_create(struct ledger *l, struct request *r, const struct network_wish *wish,
    struct network_view *out, struct err *e);

/*
 * Another prefix for a network: its nodes lose their addresses and get new ones when they attach
 * the next time. Reservations and promises stay; those that lie outside now count for nothing.
 * NETWORK_UNKNOWN, NETWORK_FIXED, FIELD_INVALID, NETWORK_OVERLAP.
 */
int network_recreate(struct ledger *l, const struct network_wish *wish, struct network_view *out,
    struct err *e);

/*
 * With its nodes, where `force` allows that. out->row and out->epoch are what is left to say.
 * NETWORK_UNKNOWN, NETWORK_FIXED, NETWORK_IN_USE.
 */
int network_delete(struct ledger *l, const char *name, bool force, struct network_view *out,
    struct err *e);

/* Another net-token for any network, `default` too; or none, with `open`. NETWORK_UNKNOWN. */
int network_token(struct ledger *l, struct request *r, const char *name, bool open,
    struct network_view *out);

int network_get(struct ledger *l, const char *name, struct network_view *out);	/* NETWORK_UNKNOWN */

struct network_list {
	struct network_view *views;	/* the caller's: free(3) */
	size_t n;
	uint64_t revision;	/* of an event: they include all up to it, and perhaps more */
};
int network_list(struct ledger *l, struct network_list *out);

/* Has its use crossed pool.warnAt since the last call, up or down? For the log, after a commit. */
bool network_crossed(const struct ledger *l, struct network *net);

#endif
