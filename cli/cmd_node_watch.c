/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>

#include "cli/answer.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "litevpn/v1/node.pb-c.h"

const struct opt cmd_node_watch_options[] = {
	{ .name = "network", .kind = OPT_TEXT, .value = "NAME", .names = NAMES_NETWORK,
	    .help = "only nodes of this network" },
	{ 0 },
};

static const char *const conditions[] = { "connected", "disconnected", "deleted", NULL };
enum condition { CONNECTED, DISCONNECTED, DELETED };

const struct opt cmd_node_wait_options[] = {
	{ .name = "for", .kind = OPT_WORD, .value = "connected|disconnected|deleted",
	    .dflt = "connected", .words = conditions, .help = "what is waited for" },
	{ 0 },
};

static const struct rpc_method watch_nodes = { &litevpn__v1__node__descriptor, "WatchNodes" };

/* --- node watch ------------------------------------------------------------------------------- */

/* Lines come one by one: the widths are those of what is usual. */
#define COLUMNS "%-16s %-12s %-15s %s"

static void
print_change(const Litevpn__V1__NodeChange *c)
{
	const Litevpn__V1__NodeInfo *n = c->node;
	const char *state = c->deleted ? "DELETED"
	    : answer_word(&litevpn__v1__node_info__state__descriptor, (int) n->state);
	char line[256];

	snprintf(line, sizeof(line), COLUMNS, answer_id(n->name), state, answer_cell(n->address),
	    answer_cell(n->display_name));
	output_text(stdout, line);
	putchar('\n');
}

static int
on_nodes(const ProtobufCMessage *msg, void *arg)
{
	const Litevpn__V1__WatchNodesResponse *r = (const Litevpn__V1__WatchNodesResponse *) msg;
	const struct cli *cli = arg;
	enum output_form form = output_form(&cli->args);

	if (form == OUTPUT_JSON)
		json_print_line(stdout, msg);
	for (size_t i = 0; i < r->n_changes && form != OUTPUT_JSON; i++) {
		if (r->changes[i]->node == NULL)
			continue;
		if (form == OUTPUT_NAME)
			puts(r->changes[i]->node->name);
		else
			print_change(r->changes[i]);
	}
	return fflush(stdout) == 0 ? -1 : CLI_FAILED;
}

enum cli_exit
cmd_node_watch(const struct cli *cli)
{
	Litevpn__V1__WatchNodesRequest req = LITEVPN__V1__WATCH_NODES_REQUEST__INIT;
	char network[CONNECT_NAME_MAX], node[CONNECT_NAME_MAX];

	req.network = (char *) connect_option(cli, "network", "networks", network);
	if (cli->args.noperands > 0)
		req.node = (char *) connect_resource("nodes", cli->args.operands[0], node);
	if (output_form(&cli->args) == OUTPUT_TABLE)
		printf(COLUMNS "\n", "NODE", "STATE", "ADDRESS", "NAME");
	return connect_watch(cli, &watch_nodes, &req.base, on_nodes, (void *) cli);
}

/* --- node wait -------------------------------------------------------------------------------- */

/* The node as it was told of last. */
struct waiting {
	enum condition condition;
	bool known, exists, missing;	/* told of; not deleted; it will never be fulfilled */
	Litevpn__V1__NodeInfo__State state;
};

static bool
is_fulfilled(const struct waiting *w)
{
	bool connected = w->exists && w->state == LITEVPN__V1__NODE_INFO__STATE__CONNECTED;

	switch (w->condition) {
	case CONNECTED:
		return connected;
	case DISCONNECTED:
		return !connected;
	default:
		return !w->exists;
	}
}

static int
on_waited(const ProtobufCMessage *msg, void *arg)
{
	const Litevpn__V1__WatchNodesResponse *r = (const Litevpn__V1__WatchNodesResponse *) msg;
	struct waiting *w = arg;

	for (size_t i = 0; i < r->n_changes; i++) {
		if (r->changes[i]->node == NULL)
			continue;
		w->known = true;
		w->exists = !r->changes[i]->deleted;
		w->state = r->changes[i]->node->state;
	}
	if (!w->known && !r->synced)
		return -1;
	if (is_fulfilled(w))
		return CLI_OK;
	w->missing = !w->exists;
	return w->missing ? CLI_NOT_FOUND : -1;
}

enum cli_exit
cmd_node_wait(const struct cli *cli)
{
	Litevpn__V1__WatchNodesRequest req = LITEVPN__V1__WATCH_NODES_REQUEST__INIT;
	struct waiting w = { .condition = (enum condition) args_word(&cli->args, "for") };
	char node[CONNECT_NAME_MAX];
	enum cli_exit status;
	struct err e;

	req.node = (char *) connect_resource("nodes", cli->args.operands[0], node);
	status = connect_watch(cli, &watch_nodes, &req.base, on_waited, &w);
	if (w.missing) {
		err_set(&e, -REASON_NODE_UNKNOWN, "%s", node);
		return cli_fail(&e);
	}
	if (status == CLI_OK)
		printf("%s %s\n", node, conditions[w.condition]);
	return status;
}
