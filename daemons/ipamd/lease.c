/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/lease.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/reason.h"
#include "common/secret.h"
#include "daemons/ipamd/events.h"
#include "daemons/ipamd/expire.h"
#include "daemons/ipamd/hold.h"

/* --- reclaiming ------------------------------------------------------------------------------- */

static int64_t
idle_s(const struct ledger *l, const struct store_node *n)
{
	return l->now_s - ledger_since(l, n->seen_s > n->create_s ? n->seen_s : n->create_s);
}

/* The node keeps its claim for so long, and its address rests for so long before another's use. */
static int64_t
min_idle_s(const struct ledger *l)
{
	int64_t node_ms = l->conf->pool_reclaim_min_idle_ms, rest_ms = l->conf->pool_quarantine_ms;

	return (node_ms > rest_ms ? node_ms : rest_ms) / 1000;
}

static bool
is_eligible(const struct ledger *l, const struct store_node *n)
{
	return min_idle_s(l) == 0 || idle_s(l, n) >= min_idle_s(l);
}

/*
 * Only the head of the queue is asked for its idle time: nobody behind it has been idle for longer,
 * and a search through all of them would hold up everybody else.
 */
static int
find_victim(struct ledger *l, const struct network *net, struct store_node *out, struct err *e)
{
	int n = store_node_victims(l->store, net->row.id, out, 1);

	if (n < 0)
		return n;
	if (n == 0)
		return err_set(e, -REASON_POOL_EXHAUSTED, "all addresses of %s are in use",
		    PREFIX_TEXT(&net->row.prefix));
	if (!is_eligible(l, out))
		return err_set(e, -REASON_POOL_EXHAUSTED, "no node of %s has been idle for %" PRId64
		    " s (pool.reclaimMinIdle, pool.quarantine)", PREFIX_TEXT(&net->row.prefix),
		    min_idle_s(l));
	return 0;
}

static int
refuse_unsynced(struct err *e, const char *before)
{
	return err_set(e, -REASON_IPAM_DOWN, "%swhich nodes are idle is known only when tunneld has "
	    "announced its sessions", before);
}

/* It is unregistered; its address is the caller's to give. */
static int
take_from(struct ledger *l, const struct store_node *victim)
{
	int rc = events_node(l, EVENT_RECLAIM, victim, "idle=%" PRId64, idle_s(l, victim));

	return rc < 0 ? rc : store_node_steal(l->store, victim, l->now_s);
}

static int
reclaim(struct ledger *l, const struct network *net, struct ip_addr *out,
    struct lease_change *change, struct err *e)
{
	struct store_node victim;
	int rc;

	if (l->conf->pool_on_exhausted == CONF_EXHAUSTED_REFUSE)
		return err_set(e, -REASON_POOL_EXHAUSTED, "all addresses of %s are given out "
		    "(pool.onExhausted)", PREFIX_TEXT(&net->row.prefix));
	if (!l->synced)
		return refuse_unsynced(e, "no address is free, and ");
	if ((rc = find_victim(l, net, &victim, e)) < 0 || (rc = take_from(l, &victim)) < 0)
		return rc;
	snprintf(change->victim, sizeof(change->victim), "%s", victim.id);
	change->victim_idle_s = idle_s(l, &victim);
	*out = victim.addr;
	return 0;
}

int
lease_choose(struct ledger *l, const struct store_node *n, struct ip_addr *out, bool *fixed_out,
    struct lease_change *change, struct err *e)
{
	const struct network *net = ledger_network(l, n->net);
	int rc;

	if (net == NULL)
		return -REASON_NETWORK_UNKNOWN;
	rc = hold_for_name(l, net, n->display_name, out);
	*fixed_out = rc == 0;
	if (rc != -ENOENT)
		return rc;
	if ((rc = expire_until_free(l, net)) < 0)
		return rc;
	rc = pool_next(net->pool, out);
	return rc == -REASON_POOL_EXHAUSTED ? reclaim(l, net, out, change, e) : rc;
}

int
lease_victims(struct ledger *l, const char *network, size_t max, struct lease_victims *out)
{
	const struct network *net = ledger_network_named(l, network);
	struct lease_victims v = {
		.refused = l->conf->pool_on_exhausted == CONF_EXHAUSTED_REFUSE,
		.synced = l->synced,
	};
	struct store_node *nodes = NULL;
	int rc = 0;

	if (net == NULL)
		return -REASON_NETWORK_UNKNOWN;
	max = max == 0 ? LEASE_VICTIMS_DEFAULT : max > LEASE_VICTIMS_MAX ? LEASE_VICTIMS_MAX : max;
	nodes = calloc(max, sizeof(*nodes));
	v.victims = calloc(max, sizeof(*v.victims));
	rc = nodes == NULL || v.victims == NULL ? -ENOMEM
	    : store_node_victims(l->store, net->row.id, nodes, max);
	for (; rc >= 0 && v.n < (size_t) rc; v.n++)
		v.victims[v.n] = (struct lease_victim){ nodes[v.n], idle_s(l, &nodes[v.n]),
			is_eligible(l, &nodes[v.n]) };
	free(nodes);
	if (rc < 0) {
		free(v.victims);
		return rc;
	}
	*out = v;
	return 0;
}

/* Nothing rests: it has been idle for as long as that would take. */
static int
free_address(struct ledger *l, struct network *net, const struct store_node *n)
{
	struct store_hold kept;
	int rc = store_hold_by_addr(l->store, n->net, &n->addr, &kept);

	if (rc == -ENOENT)
		ledger_free(l, net, &n->addr);
	return rc == -ENOENT ? 0 : rc;
}

int
lease_reclaim(struct ledger *l, const char *network, size_t max, int64_t least_idle_s,
    struct lease_victims *out, struct err *e)
{
	struct network *net = ledger_network_named(l, network);
	struct lease_victims v;
	size_t n = 0;
	int rc;

	if (net == NULL)
		return -REASON_NETWORK_UNKNOWN;
	if (max < 1 || max > LEASE_VICTIMS_MAX || least_idle_s < 0)
		return err_set(e, -REASON_FIELD_INVALID, "count: must be from 1 to %d, and min_idle "
		    "not negative", LEASE_VICTIMS_MAX);
	if (!l->synced)
		return refuse_unsynced(e, "");
	if ((rc = lease_victims(l, network, max, &v)) < 0)
		return rc;
	while (rc == 0 && n < v.n && v.victims[n].eligible && v.victims[n].idle_s >= least_idle_s) {
		const struct store_node *victim = &v.victims[n++].node;

		if ((rc = take_from(l, victim)) == 0)
			rc = free_address(l, net, victim);
	}
	if (rc < 0) {
		free(v.victims);
		return rc;
	}
	v.n = n;
	*out = v;
	return 0;
}

/* --- attaching -------------------------------------------------------------------------------- */

/* Nobody has this token: did it have a node until not long ago? */
static int
refuse_unknown(struct ledger *l, const char *node_token, struct err *e)
{
	struct store_tombstone t;
	int rc = store_tombstone(l->store, node_token, &t);

	if (rc == 0)
		return err_set(e, -REASON_NODE_RECLAIMED, "node %s was idle, and its address was "
		    "given to another one at %s", t.id, CLOCK_TEXT(t.time_s));
	return rc == -ENOENT ? -REASON_TOKEN_UNKNOWN : rc;
}

static int
check_certificate(const struct ledger *l, const struct lease_wish *w, const struct store_node *n,
    struct err *e)
{
	if (w->cert_node_id[0] == '\0' && l->conf->require_node_cert)
		return err_set(e, -REASON_CERT_MISMATCH, "the certificate names no node "
		    "(requireNodeCert)");
	/* The reserved token is public: only its certificate makes it a proof. */
	if ((w->cert_node_id[0] != '\0' || n->reserved) && strcmp(w->cert_node_id, n->id) != 0)
		return -REASON_CERT_MISMATCH;
	return 0;
}

static bool
is_served(const struct lease_wish *w, const char *network)
{
	if (w->nserved == 0)
		return strcmp(network, NETWORK_DEFAULT) == 0;
	for (size_t i = 0; i < w->nserved; i++) {
		if (strcmp(w->served[i], network) == 0)
			return true;
	}
	return false;
}

static int
check_network(const struct lease_wish *w, const struct network *net, struct err *e)
{
	uint8_t hash[SECRET_HASH_LEN];

	if (!is_served(w, net->row.name))
		return err_set(e, -REASON_NETWORK_NOT_SERVED, "the node is of network %s, which "
		    "this server does not carry", net->row.name);
	if (!net->row.has_token)
		return w->net_token[0] == '\0' ? 0 : err_set(e, -REASON_NET_TOKEN_INVALID,
		    "network %s has no net-token: leave it empty", net->row.name);
	secret_hash(w->net_token, hash);
	return secret_equal(hash, net->row.token_hash, sizeof(hash)) ? 0
	    : -REASON_NET_TOKEN_INVALID;
}

/* Is it the node that it says it is, and may it come in? */
static int
admit(struct ledger *l, const struct lease_wish *w, struct store_node *n, struct network **net,
    struct err *e)
{
	int rc = store_node_by_token(l->store, w->node_token, n);

	if (rc < 0)
		return rc == -ENOENT ? refuse_unknown(l, w->node_token, e) : rc;
	if (ledger_expired(l, n))
		return err_set(e, -REASON_TOKEN_EXPIRED, "the node did not connect within tokenTTL "
		    "after it was enrolled");
	if ((rc = check_certificate(l, w, n, e)) < 0)
		return rc;
	if ((*net = ledger_network(l, n->net)) == NULL)
		return -REASON_NETWORK_UNKNOWN;
	return check_network(w, *net, e);
}

/* One that was chosen for it, but cannot be given any more, is not missed. */
static int
attach_new(struct ledger *l, struct store_node *n, uint64_t epoch, struct lease_change *change,
    struct err *e)
{
	struct ip_addr addr;
	bool fixed;
	int rc;

	change->bound = true;
	change->before = n->addr;
	if ((rc = lease_choose(l, n, &addr, &fixed, change, e)) < 0)
		return rc;
	return store_node_attach(l->store, n, &addr, fixed, epoch, l->round, l->now_s);
}

int
lease_attach(struct ledger *l, const struct lease_wish *wish, struct lease *out, struct err *e)
{
	struct lease lease = { 0 };
	struct network *net = NULL;
	struct store_node n;
	int rc;

	if ((rc = admit(l, wish, &n, &net, e)) < 0)
		return rc;
	lease.epoch = l->epoch + 1;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): admit fills it, or fails */
	rc = pool_usable(net->pool, &n.addr)
	    ? store_node_touch(l->store, &n, NODE_CONNECTING, lease.epoch, l->round, l->now_s)
	    : attach_new(l, &n, lease.epoch, &lease.change, e);
	if (rc < 0 || (rc = events_session(l, &n, NODE_CONNECTING, lease.epoch)) < 0)
		return rc;
	l->epoch = lease.epoch;
	ledger_take(l, net, &n.addr);
	memcpy(lease.node_id, n.id, sizeof(lease.node_id));
	memcpy(lease.network, net->row.name, sizeof(lease.network));
	lease.addr = (struct ip_prefix){ n.addr, net->row.prefix.len };
	*out = lease;
	return 0;
}

void
lease_log(const char *node_id, const struct ip_addr *addr, const struct lease_change *change)
{
	if (change->victim[0] != '\0')
		log_info("address_reclaimed", "node=%s addr=%s idle=%" PRId64, change->victim,
		    IP_TEXT(addr), change->victim_idle_s);
	if (change->bound && change->before.family != 0)
		log_info("address_bound", "node=%s addr=%s before=%s", node_id, IP_TEXT(addr),
		    IP_TEXT(&change->before));
	else if (change->bound)
		log_info("address_bound", "node=%s addr=%s", node_id, IP_TEXT(addr));
}
