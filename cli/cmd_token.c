/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/connect.h"
#include "cli/json.h"
#include "cli/output.h"
#include "litevpn/v1/token.pb-c.h"

const struct opt cmd_token_create_options[] = {
	{ .name = "ttl", .kind = OPT_DURATION, .value = "TIME", .min = 1000,
	    .max = 365 * INT64_C(86400000),
	    .help = "how long it can be used (default: the server's tokenTTL)" },
	{ .name = "uses", .kind = OPT_INT, .value = "N", .dflt = "1", .min = 1, .max = 10000,
	    .help = "how many machines may enroll with it" },
	{ .name = "network", .kind = OPT_TEXT, .value = "NAME",
	    .help = "the network that they join" },
	{ .name = "address", .kind = OPT_TEXT, .value = "ADDRESS", .dflt = "",
	    .help = "the address that its node gets; only with one use" },
	{ 0 },
};

static void
print_token(const struct cli *cli, const Litevpn__V1__BootstrapToken *t)
{
	const char *server = args_text(&cli->args, "server");
	char when[OUTPUT_VALUE_MAX];

	output_field(stdout, "token", "%s", t->name);
	output_field(stdout, "secret", "%s", t->secret);
	output_field(stdout, "network", "%s", t->network);
	if (t->address[0] != '\0')
		output_field(stdout, "address", "%s", t->address);
	output_field(stdout, "uses", "%" PRId32, t->uses);
	output_field(stdout, "expires", "%s",
	    output_time(t->expire_time == NULL ? 0 : t->expire_time->seconds, when));
	output_field(stdout, "fingerprint", "%s", t->ca_fingerprint);
	printf("\nOn the machine, with the secret in FILE (or - for standard input):\n"
	    "  litevpnctl client enroll --server %s --fingerprint %s --token-file FILE\n",
	    server == NULL ? "HOST" : server, t->ca_fingerprint);
}

enum cli_exit
cmd_token_create(const struct cli *cli)
{
	Litevpn__V1__CreateTokenRequest req = LITEVPN__V1__CREATE_TOKEN_REQUEST__INIT;
	Litevpn__V1__BootstrapToken want = LITEVPN__V1__BOOTSTRAP_TOKEN__INIT, *t;
	Google__Protobuf__Duration ttl = GOOGLE__PROTOBUF__DURATION__INIT;
	const struct args *a = &cli->args;
	char network[CONNECT_NAME_MAX];
	ProtobufCMessage *reply;
	enum cli_exit status;

	ttl.seconds = args_number(a, "ttl") / 1000;
	want.ttl = args_has(a, "ttl") ? &ttl : NULL;
	want.uses = (int32_t) args_number(a, "uses");
	if (args_has(a, "network"))
		want.network = (char *) connect_resource("networks", args_text(a, "network"),
		    network);
	want.address = (char *) args_text(a, "address");
	req.token = &want;
	status = connect_call(cli, "/litevpn.v1.Token/CreateToken", &req.base,
	    &litevpn__v1__bootstrap_token__descriptor, &reply);
	if (status != CLI_OK)
		return status;
	t = (Litevpn__V1__BootstrapToken *) reply;
	switch (output_form(a)) {
	case OUTPUT_JSON:
		json_print(stdout, reply);
		break;
	case OUTPUT_NAME:
		printf("%s\n", t->name);
		break;
	case OUTPUT_TABLE:
		print_token(cli, t);
		break;
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	return CLI_OK;
}
