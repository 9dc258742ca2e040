/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/answer.h"
#include "cli/connect.h"
#include "cli/message.h"
#include "litevpn/v1/token.pb-c.h"

const struct opt cmd_token_create_options[] = {
	{ .name = "ttl", .kind = OPT_DURATION, .value = "TIME", .min = 1000,
	    .max = 365 * INT64_C(86400000),
	    .help = "how long it can be used (default: the server's tokenTTL)" },
	{ .name = "uses", .kind = OPT_INT, .value = "N", .dflt = "1", .min = 1, .max = 10000,
	    .help = "how many machines may enroll with it" },
	{ .name = "network", .kind = OPT_TEXT, .value = "NAME",
	    .names = NAMES_NETWORK, .help = "the network that they join" },
	{ .name = "address", .kind = OPT_TEXT, .value = "ADDRESS", .dflt = "",
	    .help = "the address that its node gets; only with one use" },
	{ 0 },
};

const struct opt cmd_token_list_options[] = {
	{ .name = "network", .kind = OPT_TEXT, .value = "NAME", .names = NAMES_NETWORK,
	    .help = "only tokens of this network" },
	{ 0 },
};

#define SERVICE &litevpn__v1__token__descriptor

static int64_t
seconds_of(const Google__Protobuf__Timestamp *t)
{
	return t == NULL ? 0 : t->seconds;
}

static const char *
state_of(const Litevpn__V1__BootstrapToken *t)
{
	return answer_word(&litevpn__v1__bootstrap_token__state__descriptor, (int) t->state);
}

/* --- token create ----------------------------------------------------------------------------- */

static void
print_made(const struct cli *cli, const ProtobufCMessage *answer)
{
	const Litevpn__V1__BootstrapToken *t = (const Litevpn__V1__BootstrapToken *) answer;
	const char *server = args_text(&cli->args, "server");
	char when[OUTPUT_VALUE_MAX];

	if (t->name[0] != '\0') {	/* it was not only tried */
		output_field(stdout, "token", "%s", t->name);
		output_field(stdout, "secret", "%s", t->secret);
	}
	output_field(stdout, "network", "%s", t->network);
	if (t->address[0] != '\0')
		output_field(stdout, "address", "%s", t->address);
	output_field(stdout, "uses", "%" PRId32, t->uses);
	output_field(stdout, "expires", "%s", output_time(seconds_of(t->expire_time), when));
	output_field(stdout, "fingerprint", "%s", t->ca_fingerprint);
	if (t->name[0] == '\0')
		return;
	printf("\nOn the machine, with the secret in FILE (or - for standard input):\n"
	    "  litevpnctl client enroll --server %s --fingerprint %s --token-file FILE\n",
	    server == NULL ? "HOST" : server, t->ca_fingerprint);
}

enum cli_exit
cmd_token_create(const struct cli *cli)
{
	static const struct rpc_method create = { SERVICE, "CreateToken" };
	Litevpn__V1__CreateTokenRequest req = LITEVPN__V1__CREATE_TOKEN_REQUEST__INIT;
	Litevpn__V1__BootstrapToken want = LITEVPN__V1__BOOTSTRAP_TOKEN__INIT;
	Google__Protobuf__Duration ttl = GOOGLE__PROTOBUF__DURATION__INIT;
	const struct args *a = &cli->args;
	char network[CONNECT_NAME_MAX];

	ttl.seconds = args_number(a, "ttl") / 1000;
	want.ttl = args_has(a, "ttl") ? &ttl : NULL;
	want.uses = (int32_t) args_number(a, "uses");
	want.network = (char *) connect_option(cli, "network", "networks", network);
	want.address = (char *) args_text(a, "address");
	req.token = &want;
	message_change(&req.base, a);
	return answer_one(cli, &create, &req.base, print_made);
}

/* --- token list, token show, token revoke ----------------------------------------------------- */

static int
add_row(struct table *table, const ProtobufCMessage *item)
{
	const Litevpn__V1__BootstrapToken *t = (const Litevpn__V1__BootstrapToken *) item;
	char when[OUTPUT_VALUE_MAX], uses[OUTPUT_VALUE_MAX];
	const char *cells[] = { answer_id(t->name), answer_id(t->network), state_of(t), uses,
		output_time(seconds_of(t->expire_time), when), answer_cell(t->address) };

	snprintf(uses, sizeof(uses), "%" PRId32 " of %" PRId32, t->uses_left, t->uses);
	return table_add(table, cells);
}

enum cli_exit
cmd_token_list(const struct cli *cli)
{
	static const struct rpc_method list = { SERVICE, "ListTokens" };
	static const char *const heads[] = { "TOKEN", "NETWORK", "STATE", "LEFT", "EXPIRES",
		"ADDRESS", NULL };
	static const struct answer_view view = { heads, add_row };
	Litevpn__V1__ListTokensRequest req = LITEVPN__V1__LIST_TOKENS_REQUEST__INIT;
	char network[CONNECT_NAME_MAX];

	req.network = (char *) connect_option(cli, "network", "networks", network);
	return answer_list(cli, &list, &req.base, &view);
}

static void
print_token(const struct cli *cli, const ProtobufCMessage *answer)
{
	const Litevpn__V1__BootstrapToken *t = (const Litevpn__V1__BootstrapToken *) answer;
	char when[OUTPUT_VALUE_MAX];

	(void) cli;
	output_field(stdout, "token", "%s", t->name);
	output_field(stdout, "state", "%s", state_of(t));
	output_field(stdout, "network", "%s", t->network);
	if (t->address[0] != '\0')
		output_field(stdout, "address", "%s", t->address);
	output_field(stdout, "uses left", "%" PRId32 " of %" PRId32, t->uses_left, t->uses);
	output_field(stdout, "made", "%s", output_time(seconds_of(t->create_time), when));
	output_field(stdout, "expires", "%s", output_time(seconds_of(t->expire_time), when));
}

enum cli_exit
cmd_token_show(const struct cli *cli)
{
	static const struct rpc_method get = { SERVICE, "GetToken" };
	Litevpn__V1__GetTokenRequest req = LITEVPN__V1__GET_TOKEN_REQUEST__INIT;
	char name[CONNECT_NAME_MAX];

	req.name = (char *) connect_resource("tokens", cli->args.operands[0], name);
	return answer_one(cli, &get, &req.base, print_token);
}

enum cli_exit
cmd_token_revoke(const struct cli *cli)
{
	static const struct rpc_method delete = { SERVICE, "DeleteToken" };
	Litevpn__V1__DeleteTokenRequest req = LITEVPN__V1__DELETE_TOKEN_REQUEST__INIT;
	char name[CONNECT_NAME_MAX];

	req.name = (char *) connect_resource("tokens", cli->args.operands[0], name);
	message_change(&req.base, &cli->args);
	return answer_done(cli, &delete, &req.base, name, "revoked");
}
