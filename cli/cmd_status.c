/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <inttypes.h>
#include <time.h>

#include "cli/connect.h"
#include "cli/json.h"
#include "cli/output.h"
#include "litevpn/v1/server.pb-c.h"

static int64_t
seconds_of(const Google__Protobuf__Timestamp *t)
{
	return t == NULL ? 0 : t->seconds;
}

static void
print_components(const Litevpn__V1__ServerInfo *info)
{
	for (size_t i = 0; i < info->n_components; i++) {
		const Litevpn__V1__Component *c = info->components[i];
		char age[OUTPUT_VALUE_MAX];

		if (!c->up)
			output_field(stdout, c->name, "down: %s", c->message);
		else
			output_field(stdout, c->name, "up for %s, version %s",
			    output_age(time(NULL) - seconds_of(c->start_time), age), c->version);
	}
}

static void
print_expiry(const char *what, const Google__Protobuf__Timestamp *at)
{
	int64_t left_s = seconds_of(at) - time(NULL);
	char age[OUTPUT_VALUE_MAX];

	if (at == NULL)		/* a server that does not tell yet */
		return;
	if (left_s <= 0)
		output_field(stdout, what, "has expired");
	else
		output_field(stdout, what, "ends in %s", output_age(left_s, age));
}

static void
print_info(const Litevpn__V1__ServerInfo *info)
{
	char age[OUTPUT_VALUE_MAX];

	output_field(stdout, "ctld", "up for %s, version %s",
	    output_age(time(NULL) - seconds_of(info->start_time), age), info->version);
	print_components(info);
	output_field(stdout, "network", "%s", info->vpn_address);
	output_field(stdout, "addresses", "%" PRIu64 " of %" PRIu64 " taken", info->pool_used,
	    info->pool_size);
	output_field(stdout, "nodes", "%" PRIu64 " registered, %" PRIu64 " connected",
	    info->nodes_registered, info->nodes_connected);
	if (info->tunnel_device[0] != '\0')
		output_field(stdout, "device", "%s, MTU %" PRId32, info->tunnel_device,
		    info->tunnel_mtu);
	if (info->tunnel_offload[0] != '\0')
		output_field(stdout, "offload", "%s", info->tunnel_offload);
	output_field(stdout, "fingerprint", "%s", info->ca_fingerprint);
	print_expiry("certificate", info->certificate_expire_time);
	print_expiry("CA", info->ca_expire_time);
	for (size_t i = 0; i < info->n_drops; i++) {
		if (info->drops[i]->value > 0)
			output_field(stdout, "dropped", "%" PRIu64 " %s", info->drops[i]->value,
			    info->drops[i]->key);
	}
}

enum cli_exit
cmd_status(const struct cli *cli)
{
	Litevpn__V1__GetServerInfoRequest req = LITEVPN__V1__GET_SERVER_INFO_REQUEST__INIT;
	ProtobufCMessage *reply;
	enum cli_exit status = connect_call(cli, "/litevpn.v1.Server/GetServerInfo", &req.base,
	    &litevpn__v1__server_info__descriptor, &reply);

	if (status != CLI_OK)
		return status;
	if (output_form(&cli->args) == OUTPUT_JSON)
		json_print(stdout, reply);
	else
		print_info((const Litevpn__V1__ServerInfo *) reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	return CLI_OK;
}
