/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/answer.h"
#include "cli/connect.h"
#include "cli/message.h"
#include "common/ip.h"
#include "litevpn/v1/address.pb-c.h"

#define SERVICE &litevpn__v1__address__descriptor

const struct opt cmd_address_network_options[] = {
	{ .name = "network", .kind = OPT_TEXT, .value = "NAME", .names = NAMES_NETWORK,
	    .help = "whose addresses (default: the network default)" },
	{ 0 },
};

const struct opt cmd_address_list_options[] = {
	{ .name = "kept", .kind = OPT_FLAG, .help = "only those that are kept for somebody" },
	{ 0 },
};

const struct opt cmd_address_reserve_options[] = {
	{ .name = "address", .kind = OPT_TEXT, .value = "ADDRESS", .dflt = "",
	    .help = "this one, instead of the lowest free one" },
	{ 0 },
};

const struct opt cmd_address_usage_options[] = {
	{ .name = "network", .kind = OPT_TEXT, .value = "NAME", .names = NAMES_NETWORK,
	    .help = "only of this one (default: all)" },
	{ 0 },
};

const struct opt cmd_address_reclaim_options[] = {
	{ .name = "count", .kind = OPT_INT, .value = "N", .min = 1, .max = 1000,
	    .help = "how many addresses to free, or nodes to list" },
	{ .name = "min-idle", .kind = OPT_DURATION, .value = "TIME", .min = 0,
	    .max = 3650 * INT64_C(86400000),
	    .help = "only nodes that have been idle for so long (default: as configured)" },
	{ 0 },
};

/* --- address list ----------------------------------------------------------------------------- */

static const char *
kind_of(const Litevpn__V1__AddressInfo *a)
{
	return answer_word(&litevpn__v1__address_info__kind__descriptor, (int) a->kind);
}

static int
add_row(struct table *t, const ProtobufCMessage *item)
{
	const Litevpn__V1__AddressInfo *a = (const Litevpn__V1__AddressInfo *) item;
	char when[OUTPUT_VALUE_MAX];
	const char *cells[] = { a->address, kind_of(a), answer_id(a->node),
		answer_cell(a->display_name),
		output_time(a->expire_time == NULL ? 0 : a->expire_time->seconds, when) };

	return table_add(t, cells);
}

enum cli_exit
cmd_address_list(const struct cli *cli)
{
	static const struct rpc_method list = { SERVICE, "ListAddresses" };
	static const char *const heads[] = { "ADDRESS", "KIND", "NODE", "FOR", "UNTIL", NULL };
	static const struct answer_view view = { heads, add_row };
	Litevpn__V1__ListAddressesRequest req = LITEVPN__V1__LIST_ADDRESSES_REQUEST__INIT;
	char network[CONNECT_NAME_MAX];

	req.network = (char *) connect_option(cli, "network", "networks", network);
	req.kept_only = args_has(&cli->args, "kept");
	return answer_list(cli, &list, &req.base, &view);
}

/* --- address reserve, address release --------------------------------------------------------- */

static void
print_address(const struct cli *cli, const ProtobufCMessage *answer)
{
	const Litevpn__V1__AddressInfo *a = (const Litevpn__V1__AddressInfo *) answer;

	(void) cli;
	output_field(stdout, "address", "%s", a->address);
	output_field(stdout, "network", "%s", a->network);
	output_field(stdout, "kind", "%s", kind_of(a));
	if (a->display_name[0] != '\0')
		output_field(stdout, "for", "%s", a->display_name);
	if (a->node[0] != '\0')
		output_field(stdout, "node", "%s", a->node);
}

enum cli_exit
cmd_address_reserve(const struct cli *cli)
{
	static const struct rpc_method reserve = { SERVICE, "ReserveAddress" };
	Litevpn__V1__ReserveAddressRequest req = LITEVPN__V1__RESERVE_ADDRESS_REQUEST__INIT;
	char network[CONNECT_NAME_MAX];

	req.network = (char *) connect_option(cli, "network", "networks", network);
	req.display_name = (char *) cli->args.operands[0];
	req.address = (char *) args_text(&cli->args, "address");
	message_change(&req.base, &cli->args);
	return answer_one(cli, &reserve, &req.base, print_address);
}

/* What is not an address is the name that it is kept for. */
enum cli_exit
cmd_address_release(const struct cli *cli)
{
	static const struct rpc_method release = { SERVICE, "ReleaseAddress" };
	Litevpn__V1__ReleaseAddressRequest req = LITEVPN__V1__RELEASE_ADDRESS_REQUEST__INIT;
	const char *typed = cli->args.operands[0];
	char network[CONNECT_NAME_MAX];
	struct ip_addr addr;

	req.network = (char *) connect_option(cli, "network", "networks", network);
	if (ip_parse(typed, &addr) == 0)
		req.address = (char *) typed;
	else
		req.display_name = (char *) typed;
	message_change(&req.base, &cli->args);
	return answer_one(cli, &release, &req.base, print_address);
}

/* --- address usage ---------------------------------------------------------------------------- */

static int
add_usage(struct table *t, const ProtobufCMessage *item)
{
	const Litevpn__V1__NetworkUsage *u = (const Litevpn__V1__NetworkUsage *) item;
	const uint64_t numbers[] = { u->size, u->used, u->bound, u->connected, u->promised,
		u->reserved, u->resting };
	char texts[sizeof(numbers) / sizeof(numbers[0])][OUTPUT_VALUE_MAX];
	const char *cells[1 + sizeof(numbers) / sizeof(numbers[0])] = { answer_id(u->network) };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		snprintf(texts[i], sizeof(texts[i]), "%" PRIu64, numbers[i]);
		cells[i + 1] = texts[i];
	}
	return table_add(t, cells);
}

static const char *const usage_heads[] = { "NETWORK", "SIZE", "USED", "BOUND", "CONNECTED",
	"PROMISED", "RESERVED", "RESTING", NULL };
static const struct answer_view usage_view = { usage_heads, add_usage };

enum cli_exit
cmd_address_usage(const struct cli *cli)
{
	static const struct rpc_method usage = { SERVICE, "GetUsage" };
	Litevpn__V1__GetUsageRequest req = LITEVPN__V1__GET_USAGE_REQUEST__INIT;
	char network[CONNECT_NAME_MAX];
	ProtobufCMessage *answer;
	enum cli_exit status;

	req.network = (char *) connect_option(cli, "network", "networks", network);
	if ((status = connect_call(cli, &usage, &req.base, &answer)) != CLI_OK)
		return status;
	status = answer_show_list(cli, answer, &usage_view);
	protobuf_c_message_free_unpacked(answer, NULL);
	return status;
}

/* --- address reclaim -------------------------------------------------------------------------- */

static int
add_victim(struct table *t, const ProtobufCMessage *item)
{
	const Litevpn__V1__Victim *v = (const Litevpn__V1__Victim *) item;
	const Litevpn__V1__NodeInfo none = LITEVPN__V1__NODE_INFO__INIT;
	const Litevpn__V1__NodeInfo *n = v->node == NULL ? &none : v->node;
	char age[OUTPUT_VALUE_MAX];
	const char *cells[] = { answer_id(n->name), answer_cell(n->display_name),
		answer_cell(n->address), output_age(v->idle == NULL ? 0 : v->idle->seconds, age),
		v->eligible ? "yes" : "not yet" };

	return table_add(t, cells);
}

static const char *const victim_heads[] = { "NODE", "NAME", "ADDRESS", "IDLE", "TAKEN", NULL };
static const struct answer_view victim_view = { victim_heads, add_victim };

static enum cli_exit
show_victims(const struct cli *cli, const Litevpn__V1__ReclaimAddressesResponse *r)
{
	enum cli_exit status = answer_show_list(cli, &r->base, &victim_view);

	if (output_form(&cli->args) != OUTPUT_TABLE)
		return status;
	printf("%" PRIu32 " %s\n", r->reclaimed,
	    args_has(&cli->args, "dry-run") ? "can be reclaimed" : "reclaimed");
	if (r->automatic_off)
		printf("The server reclaims none by itself: pool.onExhausted is refuse.\n");
	return status;
}

enum cli_exit
cmd_address_reclaim(const struct cli *cli)
{
	static const struct rpc_method reclaim = { SERVICE, "ReclaimAddresses" };
	Litevpn__V1__ReclaimAddressesRequest req = LITEVPN__V1__RECLAIM_ADDRESSES_REQUEST__INIT;
	Google__Protobuf__Duration min_idle = GOOGLE__PROTOBUF__DURATION__INIT;
	const struct args *a = &cli->args;
	char network[CONNECT_NAME_MAX];
	ProtobufCMessage *answer;
	enum cli_exit status;
	struct err e;

	if (!args_has(a, "count") && !args_has(a, "dry-run")) {
		err_set(&e, -EINVAL, "one of --count and --dry-run must be given");
		return cli_fail_usage(cli, &e);
	}
	req.network = (char *) connect_option(cli, "network", "networks", network);
	req.count = (int32_t) args_number(a, "count");
	min_idle.seconds = args_number(a, "min-idle") / 1000;
	min_idle.nanos = (int32_t) (args_number(a, "min-idle") % 1000 * 1000000);
	req.min_idle = args_has(a, "min-idle") ? &min_idle : NULL;
	message_change(&req.base, a);
	if ((status = connect_call(cli, &reclaim, &req.base, &answer)) != CLI_OK)
		return status;
	status = show_victims(cli, (const Litevpn__V1__ReclaimAddressesResponse *) answer);
	protobuf_c_message_free_unpacked(answer, NULL);
	return status;
}
