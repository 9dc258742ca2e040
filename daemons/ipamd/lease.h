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
};

struct lease {
	char node_id[PKI_ID_MAX + 1];
	struct ip_prefix addr;		/* with the length of its network */
	uint64_t epoch;
	struct lease_change change;
};

/*
 * An authenticated node asks for its address: its own, where it has one that its network can give;
 * else a free one, else that of the node that has been idle for longest. It becomes connecting
 * under a new epoch.
 * TOKEN_UNKNOWN, TOKEN_EXPIRED, CERT_MISMATCH, NET_TOKEN_INVALID, and those of lease_take.
 */
int lease_attach(struct ledger *l, const struct lease_wish *wish, struct lease *out,
    struct err *e);

/*
 * Finds an address for a node of `net`; the caller binds it, then marks it in the pool. Where the
 * pool is empty the node that has been idle for longest is unregistered, and *change says so.
 * POOL_EXHAUSTED; IPAM_DOWN as long as nobody can tell who is idle.
 */
int lease_take(struct ledger *l, const struct network *net, struct ip_addr *out,
    struct lease_change *change, struct err *e);

void lease_log(const char *node_id, const struct ip_addr *addr, const struct lease_change *change);

#endif
