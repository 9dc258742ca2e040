/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/answer.h"
#include "cli/connect.h"
#include "cli/message.h"
#include "common/conf_server.h"
#include "litevpn/v1/network.pb-c.h"

#define SERVICE &litevpn__v1__network__descriptor

const struct opt cmd_network_prefix_options[] = {
	{ .name = "address", .kind = OPT_TEXT, .value = "ADDRESS/LENGTH",
	    .help = "the server's own address in it, with its length; required" },
	{ .name = "exclude", .kind = OPT_TEXT, .many = true, .value = "PREFIX",
	    .help = "addresses that no node gets; may be given again" },
	{ 0 },
};

const struct opt cmd_network_open_options[] = {
	{ .name = "open", .kind = OPT_FLAG, .help = "nodes need no net-token" },
	{ 0 },
};

const struct opt cmd_network_delete_options[] = {
	{ .name = "force", .kind = OPT_FLAG, .help = "unregister its nodes with it" },
	{ 0 },
};

static int
check_prefix(const struct args *a, struct err *e)
{
	return args_has(a, "address") ? 0 : err_set(e, -EINVAL, "--address is missing");
}

/* --- network list ----------------------------------------------------------------------------- */

static int
add_row(struct table *t, const ProtobufCMessage *item)
{
	const Litevpn__V1__NetworkInfo *n = (const Litevpn__V1__NetworkInfo *) item;
	const Litevpn__V1__NetworkUsage none = LITEVPN__V1__NETWORK_USAGE__INIT;
	const Litevpn__V1__NetworkUsage *u = n->usage == NULL ? &none : n->usage;
	char used[OUTPUT_VALUE_MAX], nodes[OUTPUT_VALUE_MAX], connected[OUTPUT_VALUE_MAX];
	const char *cells[] = { answer_id(n->name), n->address, used, nodes, connected,
		n->open ? "no" : "yes",
		answer_word(&litevpn__v1__network_info__origin__descriptor, (int) n->origin) };

	snprintf(used, sizeof(used), "%" PRIu64 " of %" PRIu64, u->used, u->size);
	snprintf(nodes, sizeof(nodes), "%" PRIu64, u->nodes);
	snprintf(connected, sizeof(connected), "%" PRIu64, u->connected);
	return table_add(t, cells);
}

enum cli_exit
cmd_network_list(const struct cli *cli)
{
	static const struct rpc_method list = { SERVICE, "ListNetworks" };
	static const char *const heads[] = { "NETWORK", "ADDRESS", "USED", "NODES", "CONNECTED",
		"NET-TOKEN", "ORIGIN", NULL };
	static const struct answer_view view = { heads, add_row };
	Litevpn__V1__ListNetworksRequest req = LITEVPN__V1__LIST_NETWORKS_REQUEST__INIT;

	return answer_list(cli, &list, &req.base, &view);
}

/* --- network show, network create ------------------------------------------------------------- */

static void
print_usage(const Litevpn__V1__NetworkUsage *u)
{
	output_field(stdout, "addresses", "%" PRIu64 " of %" PRIu64 " taken%s", u->used, u->size,
	    u->full ? ", which is nearly all" : "");
	output_field(stdout, "kept", "%" PRIu64 " promised, %" PRIu64 " reserved, %" PRIu64
	    " resting", u->promised, u->reserved, u->resting);
	output_field(stdout, "nodes", "%" PRIu64 " registered, %" PRIu64 " connected", u->nodes,
	    u->connected);
}

static void
print_network(const struct cli *cli, const ProtobufCMessage *answer)
{
	const Litevpn__V1__NetworkInfo *n = (const Litevpn__V1__NetworkInfo *) answer;
	char when[OUTPUT_VALUE_MAX];

	(void) cli;
	output_field(stdout, "network", "%s", n->name);
	output_field(stdout, "address", "%s", n->address);
	for (size_t i = 0; i < n->n_exclude; i++)
		output_field(stdout, "excluded", "%s", n->exclude[i]);
	if (n->net_token[0] != '\0')
		output_field(stdout, "net-token", "%s", n->net_token);
	else
		output_field(stdout, "net-token", "%s", n->open ? "nodes need none" : "is needed");
	output_field(stdout, "origin", "%s",
	    answer_word(&litevpn__v1__network_info__origin__descriptor, (int) n->origin));
	if (n->create_time != NULL)
		output_field(stdout, "made", "%s", output_time(n->create_time->seconds, when));
	if (n->usage != NULL)
		print_usage(n->usage);
}

enum cli_exit
cmd_network_show(const struct cli *cli)
{
	static const struct rpc_method get = { SERVICE, "GetNetwork" };
	Litevpn__V1__GetNetworkRequest req = LITEVPN__V1__GET_NETWORK_REQUEST__INIT;
	char name[CONNECT_NAME_MAX];

	req.name = (char *) connect_resource("networks", cli->args.operands[0], name);
	return answer_one(cli, &get, &req.base, print_network);
}

enum cli_exit
cmd_network_create(const struct cli *cli)
{
	static const struct rpc_method create = { SERVICE, "CreateNetwork" };
	Litevpn__V1__CreateNetworkRequest req = LITEVPN__V1__CREATE_NETWORK_REQUEST__INIT;
	Litevpn__V1__NetworkInfo want = LITEVPN__V1__NETWORK_INFO__INIT;
	const char *exclude[CONF_NETWORK_EXCLUDE_MAX];
	const struct args *a = &cli->args;
	struct err e;

	if (check_prefix(a, &e) < 0)
		return cli_fail_usage(cli, &e);
	want.address = (char *) args_text(a, "address");
	want.n_exclude = args_many(a, "exclude", exclude, CONF_NETWORK_EXCLUDE_MAX);
	want.exclude = (char **) exclude;
	want.open = args_has(a, "open");
	req.network_id = (char *) a->operands[0];
	req.network = &want;
	message_change(&req.base, a);
	return answer_one(cli, &create, &req.base, print_network);
}

/* --- network recreate, network net-token, network delete -------------------------------------- */

static void
print_map(const struct cli *cli, const ProtobufCMessage *answer)
{
	const Litevpn__V1__RecreateNetworkResponse *r =
	    (const Litevpn__V1__RecreateNetworkResponse *) answer;

	if (r->network != NULL)
		print_network(cli, &r->network->base);
	output_field(stdout, "was", "%s", r->previous_address);
	output_field(stdout, "for nodes", "%s to %s", r->first_address, r->last_address);
	output_field(stdout, "readdressed", "%" PRIu64 " nodes", r->readdressed_nodes);
	output_field(stdout, "kept", "%" PRIu64 " still count, %" PRIu64 " do not",
	    r->kept_inside, r->kept_outside);
}

enum cli_exit
cmd_network_recreate(const struct cli *cli)
{
	static const struct rpc_method recreate = { SERVICE, "RecreateNetwork" };
	Litevpn__V1__RecreateNetworkRequest req = LITEVPN__V1__RECREATE_NETWORK_REQUEST__INIT;
	const char *exclude[CONF_NETWORK_EXCLUDE_MAX];
	const struct args *a = &cli->args;
	char name[CONNECT_NAME_MAX];
	struct err e;

	if (check_prefix(a, &e) < 0)
		return cli_fail_usage(cli, &e);
	req.name = (char *) connect_resource("networks", a->operands[0], name);
	req.address = (char *) args_text(a, "address");
	req.n_exclude = args_many(a, "exclude", exclude, CONF_NETWORK_EXCLUDE_MAX);
	req.exclude = (char **) exclude;
	message_change(&req.base, a);
	return answer_one(cli, &recreate, &req.base, print_map);
}

enum cli_exit
cmd_network_net_token(const struct cli *cli)
{
	static const struct rpc_method set = { SERVICE, "SetNetToken" };
	Litevpn__V1__SetNetTokenRequest req = LITEVPN__V1__SET_NET_TOKEN_REQUEST__INIT;
	char name[CONNECT_NAME_MAX];

	req.name = (char *) connect_resource("networks", cli->args.operands[0], name);
	req.open = args_has(&cli->args, "open");
	message_change(&req.base, &cli->args);
	return answer_one(cli, &set, &req.base, print_network);
}

enum cli_exit
cmd_network_delete(const struct cli *cli)
{
	static const struct rpc_method delete = { SERVICE, "DeleteNetwork" };
	Litevpn__V1__DeleteNetworkRequest req = LITEVPN__V1__DELETE_NETWORK_REQUEST__INIT;
	char name[CONNECT_NAME_MAX];

	req.name = (char *) connect_resource("networks", cli->args.operands[0], name);
	req.force = args_has(&cli->args, "force");
	message_change(&req.base, &cli->args);
	return answer_done(cli, &delete, &req.base, name, "deleted");
}
