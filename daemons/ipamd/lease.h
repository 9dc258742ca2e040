/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_LEASE_H
#define LV_IPAMD_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemons/ipamd/ledger.h"

/* Which node has which address: bind one, give it back at each attach, reclaim the longest idle. */

/* What became of addresses, for the log once it is committed. */
struct lease_change {
	bool bound;			/* the node got an address that it did not have */
	struct ip_addr before;		/* it lost this one: its network cannot give it now */
	char victim[PKI_ID_MAX + 1];	/* this node was unregistered for it; "": none */
	int64_t victim_idle_s;
};

struct lease_wish {	/* texts of any length */
	const char *node_token, *net_token;
	const char *cert_node_id;	/* "": the certificate names no node */
	char *const *served;		/* networks that the asker carries; none: the default one */
	size_t nserved;
};

struct lease {
	char node_id[PKI_ID_MAX + 1];
	char network[STORE_NETWORK_MAX + 1];
	struct ip_prefix addr;		/* with the length of its network */
	uint64_t epoch;
	struct lease_change change;
};

/*
 * An authenticated node asks for its address: its own, where it has one that its network can give;
 * else one that is reserved for its name, else a free one, else that of the node that has been idle
 * for longest. It becomes connecting under a new epoch.
 * TOKEN_UNKNOWN, NODE_RECLAIMED, TOKEN_EXPIRED, CERT_MISMATCH, NETWORK_NOT_SERVED,
 * NET_TOKEN_INVALID, and those of lease_choose.
 */
int lease_attach(struct ledger *l, const struct lease_wish *wish, struct lease *out,
    struct err *e);

/*
 * Finds an address for n, whose network and display name count; the caller binds it, then takes it
 * in the pool. *fixed_out: it is reserved for that name. Where the pool is empty the node that has
 * been idle for longest is unregistered, and *change says so.
 * POOL_EXHAUSTED; IPAM_DOWN as long as nobody can tell who is idle.
 */
int lease_choose(struct ledger *l, const struct store_node *n, struct ip_addr *out,
    bool *fixed_out, struct lease_change *change, struct err *e);

/*
 * Whose addresses would be taken if as many as `max` were wanted, in that order; nobody's is.
 * eligible: it has been idle for long enough. NETWORK_UNKNOWN.
 */
#define LEASE_VICTIMS_MAX 1000
#define LEASE_VICTIMS_DEFAULT 100
struct lease_victim {
	struct store_node node;
	int64_t idle_s;
	bool eligible;
};
struct lease_victims {
	struct lease_victim *victims;	/* the caller's: free(3) */
	size_t n;
	bool refused;	/* pool.onExhausted: none would be taken */
	bool synced;	/* else none would be taken now: who is idle is not known */
};
int lease_victims(struct ledger *l, const char *network, size_t max, struct lease_victims *out);

/*
 * Unregisters the first of them, as many as are eligible, have been idle for least_idle_s, and
 * are not more than `max` (1 to LEASE_VICTIMS_MAX); their addresses are free then, or reserved.
 * NETWORK_UNKNOWN, FIELD_INVALID; IPAM_DOWN as long as nobody can tell who is idle.
 */
int lease_reclaim(struct ledger *l, const char *network, size_t max, int64_t least_idle_s,
    struct lease_victims *out, struct err *e);

void lease_log(const char *node_id, const struct ip_addr *addr, const struct lease_change *change);

#endif
