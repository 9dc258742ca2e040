/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ipamd/events.h"
#include "daemons/ipamd/hold.h"

int
node_get(struct ledger *l, const char *id, struct store_node *out)
{
	int rc = store_node_by_id(l->store, id, out);

	return rc == -ENOENT ? -REASON_NODE_UNKNOWN : rc;
}

int
node_get_by_token(struct ledger *l, const char *token, struct store_node *out)
{
	int rc = store_node_by_token(l->store, token, out);

	return rc == -ENOENT ? -REASON_NODE_UNKNOWN : rc;
}

int
node_list(struct ledger *l, int64_t after, size_t size, struct node_page *out)
{
	size_t max = size == 0 ? NODE_PAGE_DEFAULT : size > NODE_PAGE_MAX ? NODE_PAGE_MAX : size;
	struct store_node *nodes;
	int rc;

	if ((nodes = calloc(max + 1, sizeof(*nodes))) == NULL)
		return -ENOMEM;
	if ((rc = store_node_list(l->store, after, nodes, max + 1)) < 0) {
		free(nodes);
		return rc;
	}
	*out = (struct node_page){ .nodes = nodes, .n = (size_t) rc > max ? max : (size_t) rc,
		.revision = l->events.newest };
	out->next = (size_t) rc > max ? nodes[max - 1].row : 0;
	return 0;
}

/* Its epoch is spent: whatever tunneld still says of its sessions is older. */
static int
unbind_reserved(struct ledger *l, struct store_node *n)
{
	struct ip_addr none = { 0 };
	int rc = 0;

	if (n->attached)
		rc = store_node_touch(l->store, n, NODE_IDLE, ++l->epoch, l->round, l->now_s);
	return rc < 0 ? rc : store_node_bind(l->store, n, &none, false, l->now_s);
}

int
node_delete(struct ledger *l, const char *id, uint64_t *epoch_out)
{
	struct store_node n, was;
	int rc;

	if ((rc = node_get(l, id, &n)) < 0 ||
	    (rc = events_node(l, EVENT_UNREGISTER, &n, "by=administrator")) < 0)
		return rc;
	was = n;
	rc = n.reserved ? unbind_reserved(l, &n) : store_node_delete(l->store, &n);
	if (rc < 0 || (rc = hold_leave(l, &was)) < 0)
		return rc;
	*epoch_out = l->epoch;
	return 0;
}

int
node_info(struct ledger *l, struct node_info *out)
{
	const struct network *net = ledger_network(l, STORE_NET_DEFAULT);
	struct store_counts counts;
	int rc;

	if ((rc = store_counts(l->store, net->row.id, &counts)) < 0)
		return rc;
	*out = (struct node_info){
		.prefix = net->row.prefix,
		.addresses = pool_size(net->pool),
		.counts = counts,
		.started_s = l->started_s,
		.synced = l->synced,
		.full = net->full,
	};
	return 0;
}
