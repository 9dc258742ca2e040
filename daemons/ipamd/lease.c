/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/lease.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/reason.h"
#include "daemons/ipamd/events.h"

/* --- reclaiming ------------------------------------------------------------------------------- */

static int64_t
idle_s(const struct ledger *l, const struct store_node *n)
{
	return l->now_s - (n->seen_s > n->create_s ? n->seen_s : n->create_s);
}

/*
 * Only the head of the queue is asked for its idle time: nobody behind it has been idle for longer,
 * and a search through all of them would hold up everybody else.
 */
static int
find_victim(struct ledger *l, const struct network *net, struct store_node *out, struct err *e)
{
	int64_t min_s = l->conf->pool_reclaim_min_idle_ms / 1000;
	int n = store_node_victims(l->store, net->id, out, 1);

	if (n < 0)
		return n;
	if (n == 0)
		return err_set(e, -REASON_POOL_EXHAUSTED, "all addresses of %s are in use",
		    PREFIX_TEXT(&net->prefix));
	if (min_s > 0 && idle_s(l, out) < min_s)
		return err_set(e, -REASON_POOL_EXHAUSTED, "no node of %s has been idle for %" PRId64
		    " s (pool.reclaimMinIdle)", PREFIX_TEXT(&net->prefix), min_s);
	return 0;
}

int
lease_take(struct ledger *l, const struct network *net, struct ip_addr *out,
    struct lease_change *change, struct err *e)
{
	struct store_node victim;
	int rc;

	if (pool_next(net->pool, out) == 0)
		return 0;
	if (l->conf->pool_on_exhausted == CONF_EXHAUSTED_REFUSE)
		return err_set(e, -REASON_POOL_EXHAUSTED, "all addresses of %s are given out "
		    "(pool.onExhausted)", PREFIX_TEXT(&net->prefix));
	if (!l->synced)
		return err_set(e, -REASON_IPAM_DOWN, "no address is free, and which ones are idle "
		    "is known only when tunneld has announced its sessions");
	if ((rc = find_victim(l, net, &victim, e)) < 0 ||
	    (rc = events_node(l, EVENT_RECLAIM, &victim, "idle=%" PRId64, idle_s(l, &victim))) < 0 ||
	    (rc = store_node_steal(l->store, &victim)) < 0)
		return rc;
	snprintf(change->victim, sizeof(change->victim), "%s", victim.id);
	change->victim_idle_s = idle_s(l, &victim);
	*out = victim.addr;
	return 0;
}

/* --- attaching -------------------------------------------------------------------------------- */

/* Is it the node that it says it is, and may it come in? */
static int
admit(struct ledger *l, const struct lease_wish *w, struct store_node *n, struct network **net,
    struct err *e)
{
	int rc = store_node_by_token(l->store, w->node_token, n);

	if (rc < 0)
		return rc == -ENOENT ? -REASON_TOKEN_UNKNOWN : rc;
	if (ledger_expired(l, n))
		return err_set(e, -REASON_TOKEN_EXPIRED, "the node did not connect within tokenTTL "
		    "after it was enrolled");
	if (w->cert_node_id[0] == '\0' && l->conf->require_node_cert)
		return err_set(e, -REASON_CERT_MISMATCH, "the certificate names no node "
		    "(requireNodeCert)");
	/* The reserved token is public: only its certificate makes it a proof. */
	if ((w->cert_node_id[0] != '\0' || n->reserved) && strcmp(w->cert_node_id, n->id) != 0)
		return -REASON_CERT_MISMATCH;
	if ((*net = ledger_network(l, n->net)) == NULL)
		return -REASON_NETWORK_UNKNOWN;
	if (w->net_token[0] != '\0')
		return err_set(e, -REASON_NET_TOKEN_INVALID, "network %s has no net-token: leave "
		    "it empty", (*net)->name);
	return 0;
}

static int
bind_new(struct ledger *l, const struct network *net, struct store_node *n,
    struct lease_change *change, struct err *e)
{
	struct ip_addr addr;
	int rc;

	change->bound = true;
	change->before = n->addr;
	if ((rc = lease_take(l, net, &addr, change, e)) < 0)
		return rc;
	/* One that was chosen for it cannot be had any more. */
	return store_node_bind(l->store, n, &addr, false, l->now_s);
}

int
lease_attach(struct ledger *l, const struct lease_wish *wish, struct lease *out, struct err *e)
{
	struct lease lease = { 0 };
	struct store_node n;
	struct network *net = NULL;
	int rc;

	if ((rc = admit(l, wish, &n, &net, e)) < 0)
		return rc;
	if (!pool_usable(net->pool, &n.addr) &&
	    (rc = bind_new(l, net, &n, &lease.change, e)) < 0)
		return rc;
	lease.epoch = ++l->epoch;
	if ((rc = store_node_touch(l->store, &n, NODE_CONNECTING, lease.epoch, l->round,
	    l->now_s)) < 0 ||
	    (rc = events_session(l, &n, NODE_CONNECTING, lease.epoch)) < 0)
		return rc;
	pool_mark(net->pool, &n.addr);
	memcpy(lease.node_id, n.id, sizeof(lease.node_id));
	lease.addr = (struct ip_prefix){ n.addr, net->prefix.len };
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
