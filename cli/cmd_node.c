/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/answer.h"
#include "cli/connect.h"
#include "cli/message.h"
#include "litevpn/v1/node.pb-c.h"

#define SERVICE &litevpn__v1__node__descriptor
#define LABELS_MAX 16	/* that a node can have, and that one call can change */

const struct opt cmd_node_list_options[] = {
	{ .name = "network", .kind = OPT_TEXT, .value = "NAME", .names = NAMES_NETWORK,
	    .help = "only nodes of this network" },
	{ 0 },
};

const struct opt cmd_node_update_options[] = {
	{ .name = "name", .kind = OPT_TEXT, .value = "NAME", .help = "what people call the node" },
	{ .name = "label", .kind = OPT_TEXT, .many = true, .value = "KEY=VALUE",
	    .help = "a label to set; may be given again" },
	{ .name = "remove-label", .kind = OPT_TEXT, .many = true, .value = "KEY",
	    .help = "a label to take away; may be given again" },
	{ 0 },
};

static const char *
state_of(const Litevpn__V1__NodeInfo *n)
{
	return answer_word(&litevpn__v1__node_info__state__descriptor, (int) n->state);
}

static const char *
transport_of(const Litevpn__V1__Session *s)
{
	return s == NULL ? "-" : answer_word(&litevpn__v1__session__transport__descriptor,
	    (int) s->transport);
}

static int64_t
seconds_of(const Google__Protobuf__Timestamp *t)
{
	return t == NULL ? 0 : t->seconds;
}

/* --- node list -------------------------------------------------------------------------------- */

static int
add_row(struct table *t, const ProtobufCMessage *item)
{
	const Litevpn__V1__NodeInfo *n = (const Litevpn__V1__NodeInfo *) item;
	char age[OUTPUT_VALUE_MAX] = "-";
	const char *cells[] = {
		answer_id(n->name),
		answer_cell(n->display_name),
		answer_cell(n->address),
		state_of(n),
		age,
		transport_of(n->session),
		n->session == NULL ? "-" : n->session->endpoint,
	};

	if (n->state_time != NULL)
		output_age(time(NULL) - n->state_time->seconds, age);
	return table_add(t, cells);
}

enum cli_exit
cmd_node_list(const struct cli *cli)
{
	static const struct rpc_method list = { SERVICE, "ListNodes" };
	static const char *const heads[] = { "NODE", "NAME", "ADDRESS", "STATE", "FOR", "VIA",
		"ENDPOINT", NULL };
	static const struct answer_view view = { heads, add_row };
	Litevpn__V1__ListNodesRequest req = LITEVPN__V1__LIST_NODES_REQUEST__INIT;
	char network[CONNECT_NAME_MAX];

	req.network = (char *) connect_option(cli, "network", "networks", network);
	return answer_list(cli, &list, &req.base, &view);
}

/* --- node show -------------------------------------------------------------------------------- */

static void
print_session(const Litevpn__V1__Session *s)
{
	char when[OUTPUT_VALUE_MAX], rx[OUTPUT_VALUE_MAX], tx[OUTPUT_VALUE_MAX];

	output_field(stdout, "endpoint", "%s", s->endpoint);
	output_field(stdout, "transport", "%s, %s", transport_of(s), s->cipher);
	output_field(stdout, "since", "%s", output_time(seconds_of(s->start_time), when));
	output_field(stdout, "received", "%" PRIu64 " packets, %s", s->rx_packets,
	    output_bytes(s->rx_bytes, rx));
	output_field(stdout, "sent", "%" PRIu64 " packets, %s", s->tx_packets,
	    output_bytes(s->tx_bytes, tx));
	if (s->silence != NULL)
		output_field(stdout, "last heard", "%s ago", output_age(s->silence->seconds, when));
	if (s->round_trip != NULL)
		output_field(stdout, "round trip", "%.3f ms",
		    (double) s->round_trip->seconds * 1e3 + s->round_trip->nanos / 1e6);
	if (s->mtu != 0)
		output_field(stdout, "MTU", "%" PRId32, s->mtu);
	if (s->certificate_expire_time != NULL)
		output_expiry(stdout, "certificate", s->certificate_expire_time->seconds,
		    time(NULL));
	output_field(stdout, "version", "%s", s->version);
}

void
cmd_node_print(const struct cli *cli, const ProtobufCMessage *answer)
{
	const Litevpn__V1__NodeInfo *n = (const Litevpn__V1__NodeInfo *) answer;
	char when[OUTPUT_VALUE_MAX];

	(void) cli;
	output_field(stdout, "node", "%s", n->name);
	output_field(stdout, "name", "%s", n->display_name);
	output_field(stdout, "network", "%s", n->network);
	output_field(stdout, "address", "%s%s", n->address, n->address_fixed ? " (fixed)" : "");
	for (size_t i = 0; i < n->n_labels; i++)
		output_field(stdout, "label", "%s=%s", n->labels[i]->key, n->labels[i]->value);
	output_field(stdout, "registered", "%s", output_time(seconds_of(n->create_time), when));
	output_field(stdout, "state", "%s since %s", state_of(n),
	    output_time(seconds_of(n->state_time), when));
	if (n->session != NULL)
		print_session(n->session);
	else if (n->last_seen_time != NULL)
		output_field(stdout, "last seen", "%s",
		    output_time(seconds_of(n->last_seen_time), when));
}

enum cli_exit
cmd_node_show(const struct cli *cli)
{
	static const struct rpc_method get = { SERVICE, "GetNode" };
	Litevpn__V1__GetNodeRequest req = LITEVPN__V1__GET_NODE_REQUEST__INIT;
	char name[CONNECT_NAME_MAX];

	req.name = (char *) connect_resource("nodes", cli->args.operands[0], name);
	return answer_one(cli, &get, &req.base, cmd_node_print);
}

/* --- node update ------------------------------------------------------------------------------ */

/* The labels and the mask of an update: each of these is a path of the mask. */
struct update {
	const char *typed[LABELS_MAX], *removed[LABELS_MAX];
	Litevpn__V1__NodeInfo__LabelsEntry entries[LABELS_MAX], *labels[LABELS_MAX];
	char keys[LABELS_MAX][64];
	char text[2 * LABELS_MAX + 1][80];
	char *paths[2 * LABELS_MAX + 1];
	size_t nlabels, npaths;
};

/* Cut where it is too long for a key: the server refuses what is left. */
static void
add_path(struct update *u, const char *collection, const char *key, size_t len)
{
	snprintf(u->text[u->npaths], sizeof(u->text[0]), "%s%.*s", collection, (int) len, key);
	u->paths[u->npaths] = u->text[u->npaths];
	u->npaths++;
}

static int
add_label(struct update *u, const char *typed, struct err *e)
{
	Litevpn__V1__NodeInfo__LabelsEntry *entry = &u->entries[u->nlabels];
	const char *equals = strchr(typed, '=');
	size_t len = equals == NULL ? 0 : (size_t) (equals - typed);

	if (len == 0 || len >= sizeof(u->keys[0]))
		return err_set(e, -EINVAL, "--label is \"%.60s\", but must be KEY=VALUE", typed);
	litevpn__v1__node_info__labels_entry__init(entry);
	memcpy(u->keys[u->nlabels], typed, len);
	entry->key = u->keys[u->nlabels];
	entry->value = (char *) equals + 1;
	add_path(u, "labels.", typed, len);
	u->labels[u->nlabels++] = entry;
	return 0;
}

static int
read_update(const struct args *a, struct update *u, struct err *e)
{
	size_t n = args_many(a, "label", u->typed, LABELS_MAX);
	size_t nremoved = args_many(a, "remove-label", u->removed, LABELS_MAX);
	int rc = 0;

	if (args_has(a, "name"))
		add_path(u, "display_name", "", 0);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = add_label(u, u->typed[i], e);
	for (size_t i = 0; i < nremoved; i++)
		add_path(u, "labels.", u->removed[i], strlen(u->removed[i]));
	if (rc == 0 && u->npaths == 0)
		rc = err_set(e, -EINVAL, "one of --name, --label and --remove-label must be given");
	return rc;
}

enum cli_exit
cmd_node_update(const struct cli *cli)
{
	static const struct rpc_method update = { SERVICE, "UpdateNode" };
	Litevpn__V1__UpdateNodeRequest req = LITEVPN__V1__UPDATE_NODE_REQUEST__INIT;
	Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
	Litevpn__V1__NodeInfo node = LITEVPN__V1__NODE_INFO__INIT;
	struct update u = { 0 };
	char name[CONNECT_NAME_MAX];
	struct err e;

	if (read_update(&cli->args, &u, &e) < 0)
		return cli_fail_usage(cli, &e);
	node.name = (char *) connect_resource("nodes", cli->args.operands[0], name);
	if (args_has(&cli->args, "name"))
		node.display_name = (char *) args_text(&cli->args, "name");
	node.labels = u.labels;
	node.n_labels = u.nlabels;
	mask.paths = u.paths;
	mask.n_paths = u.npaths;
	req.node = &node;
	req.update_mask = &mask;
	message_change(&req.base, &cli->args);
	return answer_one(cli, &update, &req.base, cmd_node_print);
}

/* --- node disconnect, node delete ------------------------------------------------------------- */

static void
print_disconnected(const struct cli *cli, const ProtobufCMessage *answer)
{
	bool had = ((const Litevpn__V1__DisconnectNodeResponse *) answer)->had_session;

	printf("%s %s\n", cli->args.operands[0], had ? "disconnected" : "was not connected");
}

enum cli_exit
cmd_node_disconnect(const struct cli *cli)
{
	static const struct rpc_method disconnect = { SERVICE, "DisconnectNode" };
	Litevpn__V1__DisconnectNodeRequest req = LITEVPN__V1__DISCONNECT_NODE_REQUEST__INIT;
	char name[CONNECT_NAME_MAX];

	req.name = (char *) connect_resource("nodes", cli->args.operands[0], name);
	return answer_one(cli, &disconnect, &req.base, print_disconnected);
}

enum cli_exit
cmd_node_delete(const struct cli *cli)
{
	static const struct rpc_method delete = { SERVICE, "DeleteNode" };
	Litevpn__V1__DeleteNodeRequest req = LITEVPN__V1__DELETE_NODE_REQUEST__INIT;
	char name[CONNECT_NAME_MAX];

	req.name = (char *) connect_resource("nodes", cli->args.operands[0], name);
	message_change(&req.base, &cli->args);
	return answer_done(cli, &delete, &req.base, name, "deleted");
}
