/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/counts.h"

#define DAEMON "ipamd"

static int
show_network(const struct counts *c, const struct network *net, struct metrics *out)
{
	const char *name = net->row.name;
	struct store_counts rows;
	int rc = store_counts(c->ledger->store, net->row.id, &rows);

	if (rc < 0)
		return rc;
	metrics_add(out, METRIC_POOL_ADDRESSES, name, "", (double) pool_size(net->pool));
	metrics_add(out, METRIC_POOL_USED, name, "", (double) pool_used(net->pool));
	metrics_add(out, METRIC_NODES, name, "", (double) rows.nodes);
	metrics_add(out, METRIC_NODES_CONNECTED, name, "", (double) rows.connected);
	return 0;
}

static void
show_ipc(const struct counts *c, struct metrics *out)
{
	struct ipc_stats s = ipc_server_stats(c->server);

	metrics_add(out, METRIC_IPC_REQUESTS, DAEMON, "rpc", (double) s.requests);
	metrics_add(out, METRIC_IPC_MALFORMED, DAEMON, "rpc", (double) s.malformed);
	metrics_add(out, METRIC_IPC_STRANGERS, DAEMON, "rpc", (double) s.strangers);
}

int
counts_show(const struct counts *c, struct metrics *out)
{
	struct network *net = NULL;
	int rc;

	while ((net = ledger_network_next(c->ledger, net)) != NULL) {
		if ((rc = show_network(c, net, out)) < 0)
			return rc;
	}
	usage_show(c->usage, DAEMON, out);
	show_ipc(c, out);
	tally_show(&c->refusals, DAEMON, out);
	metrics_add(out, METRIC_SESSIONS_SYNCED, "", "", c->ledger->synced);
	metrics_add(out, METRIC_STORE_COMMITS, "done", "", (double) c->batch->commits_done);
	metrics_add(out, METRIC_STORE_COMMITS, "failed", "", (double) c->batch->commits_failed);
	metrics_add(out, METRIC_LEFT_OUT, DAEMON, "", (double) out->left_out);
	metrics_add(out, METRIC_EVENT_REVISION, "", "", (double) c->ledger->events.newest);
	return 0;
}
