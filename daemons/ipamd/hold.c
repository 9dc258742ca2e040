/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/hold.h"

#include <errno.h>

#include "common/clock.h"
#include "common/reason.h"

static bool
is_over(const struct ledger *l, const struct store_hold *h)
{
	return h->until_s != 0 && h->until_s <= l->now_s;
}

static int
refuse_held(const struct store_hold *h, struct err *e)
{
	switch (h->kind) {
	case HOLD_PROMISE:
		return err_set(e, -REASON_ADDRESS_TAKEN, "address: %s is promised to another "
		    "bootstrap token", IP_TEXT(&h->addr));
	case HOLD_NAME:
		return err_set(e, -REASON_ADDRESS_TAKEN, "address: %s is reserved for %s",
		    IP_TEXT(&h->addr), h->name);
	default:
		return err_set(e, -REASON_ADDRESS_TAKEN, "address: %s was another node's and rests "
		    "until %s (pool.quarantine)", IP_TEXT(&h->addr), CLOCK_TEXT(h->until_s));
	}
}

int
hold_clear(struct ledger *l, const struct network *net, const struct ip_addr *addr, struct err *e)
{
	struct store_hold h;
	int rc = store_hold_by_addr(l->store, net->row.id, addr, &h);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	return is_over(l, &h) ? store_hold_delete(l->store, h.row) : refuse_held(&h, e);
}

int
hold_check(const struct network *net, const struct ip_addr *addr, struct err *e)
{
	if (pool_usable(net->pool, addr))
		return 0;
	return err_set(e, -REASON_ADDRESS_INVALID, "address: %s cannot be given to a node of %s",
	    IP_TEXT(addr), PREFIX_TEXT(&net->row.prefix));
}

int
hold_claim(struct ledger *l, struct network *net, const struct ip_addr *addr, struct err *e)
{
	struct store_node n;
	int rc = hold_check(net, addr, e);

	if (rc < 0 || !pool_taken(net->pool, addr))
		return rc;
	rc = store_node_by_addr(l->store, net->row.id, addr, &n);
	if (rc == 0)
		return err_set(e, -REASON_ADDRESS_TAKEN, "address: %s is that of node %s",
		    IP_TEXT(addr), n.id);
	return rc == -ENOENT ? hold_clear(l, net, addr, e) : rc;
}

int
hold_for_name(struct ledger *l, const struct network *net, const char *name, struct ip_addr *out)
{
	struct store_hold h;
	struct store_node n;
	int rc = name[0] == '\0' ? -ENOENT
	    : store_hold_by_name(l->store, net->row.id, name, &h);

	if (rc < 0)
		return rc;
	if (!pool_usable(net->pool, &h.addr))
		return -ENOENT;
	rc = store_node_by_addr(l->store, net->row.id, &h.addr, &n);
	if (rc != -ENOENT)
		return rc == 0 ? -ENOENT : rc;
	*out = h.addr;
	return 0;
}

int
hold_leave(struct ledger *l, const struct store_node *n)
{
	int64_t rest_s = l->conf->pool_quarantine_ms / 1000;
	struct network *net = ledger_network(l, n->net);
	struct store_hold h = { .net = n->net, .addr = n->addr, .kind = HOLD_REST,
		.until_s = l->now_s + rest_s };
	struct store_hold kept;
	int rc;

	if (net == NULL || !pool_usable(net->pool, &n->addr))
		return 0;
	rc = store_hold_by_addr(l->store, n->net, &n->addr, &kept);
	if (rc != -ENOENT)
		return rc;
	if (n->attached && rest_s > 0)
		return store_hold_add(l->store, &h);
	ledger_free(l, net, &n->addr);
	return 0;
}
