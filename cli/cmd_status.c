/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/answer.h"
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

/* NULL: of a server that does not tell. */
static void
print_expiry(const char *what, const Google__Protobuf__Timestamp *at)
{
	if (at != NULL)
		output_expiry(stdout, what, at->seconds, time(NULL));
}

/* What ipamd knows: while it does not answer, nothing of it is known. */
static void
print_usage(const Litevpn__V1__ServerInfo *info)
{
	for (size_t i = 0; i < info->n_components; i++) {
		if (strcmp(info->components[i]->name, "ipamd") == 0 && !info->components[i]->up) {
			output_field(stdout, "addresses", "not known without ipamd");
			return;
		}
	}
	output_field(stdout, "addresses", "%" PRIu64 " of %" PRIu64 " taken", info->pool_used,
	    info->pool_size);
	output_field(stdout, "nodes", "%" PRIu64 " registered, %" PRIu64 " connected",
	    info->nodes_registered, info->nodes_connected);
}

static void
print_info(const struct cli *cli, const ProtobufCMessage *answer)
{
	const Litevpn__V1__ServerInfo *info = (const Litevpn__V1__ServerInfo *) answer;
	char age[OUTPUT_VALUE_MAX];

	(void) cli;
	output_field(stdout, "ctld", "up for %s, version %s",
	    output_age(time(NULL) - seconds_of(info->start_time), age), info->version);
	print_components(info);
	output_field(stdout, "network", "%s", info->vpn_address);
	print_usage(info);
	if (info->tunnel_device[0] != '\0')
		output_field(stdout, "device", "%s, MTU %" PRId32, info->tunnel_device,
		    info->tunnel_mtu);
	if (info->tunnel_offload[0] != '\0')
		output_field(stdout, "offload", "%s", info->tunnel_offload);
	output_field(stdout, "fingerprint", "%s", info->ca_fingerprint);
	print_expiry("certificate", info->certificate_expire_time);
	print_expiry("CA", info->ca_expire_time);
	print_expiry("tunnel cert", info->tunnel_certificate_expire_time);
	print_expiry("tunnel CA", info->tunnel_ca_expire_time);
	for (size_t i = 0; i < info->n_drops; i++) {
		if (info->drops[i]->value > 0)
			output_field(stdout, "dropped", "%" PRIu64 " %s", info->drops[i]->value,
			    info->drops[i]->key);
	}
}

enum cli_exit
cmd_status(const struct cli *cli)
{
	static const struct rpc_method get = { &litevpn__v1__server__descriptor, "GetServerInfo" };
	Litevpn__V1__GetServerInfoRequest req = LITEVPN__V1__GET_SERVER_INFO_REQUEST__INIT;

	return answer_one(cli, &get, &req.base, print_info);
}
