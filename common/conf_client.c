/* SPDX-License-Identifier: Apache-2.0 */
#include "common/conf_client.h"

#include <stddef.h>

#include "common/conf_server.h"

#define MS_S	1000
#define MS_H	(3600 * (int64_t) MS_S)

static const char *const transport_words[] = { "auto", "udp", "tls", NULL };

#define AT(field) .offset = offsetof(struct conf_client, field)
#define PORT(n, field, d) \
	{ .name = n, .type = CONF_INT, AT(field), .dflt = d, .min = 1, .max = 65535 }

static const struct conf_key reconnect_keys[] = {
	{ .name = "min", .type = CONF_DURATION, AT(reconnect_min_ms), .dflt = "500ms", .min = 50,
	    .max = MS_H },
	{ .name = "max", .type = CONF_DURATION, AT(reconnect_max_ms), .dflt = "30s", .min = 50,
	    .max = MS_H },
	{ 0 },
};

static const struct conf_key log_keys[] = {
	{ .name = "level", .type = CONF_WORD, AT(log_level), .dflt = "info", .words = conf_level_words,
	    .reload = CONF_AT_ONCE },
	{ .name = "format", .type = CONF_WORD, AT(log_format), .dflt = "text",
	    .words = conf_format_words },
	{ .name = "target", .type = CONF_TEXT, AT(log_target), .dflt = "stderr", .min = 1 },
	{ 0 },
};

static const struct conf_key keys[] = {
	{ .name = "vpnCertDir", .alias = "networkCertDir", .type = CONF_PATH, AT(vpn_cert_dir),
	    .dflt = "/etc/litevpn/node/vpn", .min = 1 },
	{ .name = "grpcCertDir", .type = CONF_PATH, AT(grpc_cert_dir),
	    .dflt = "/etc/litevpn/node/grpc", .min = 1 },
	PORT("grpcPort", grpc_port, "6440"),
	PORT("bootstrapPort", bootstrap_port, "6439"),
	{ .name = "serverAddr", .type = CONF_HOST, AT(server_addr) },
	PORT("port", port, "6441"),
	{ .name = "mtu", .type = CONF_INT, .may_auto = true, AT(mtu), .dflt = "auto", .min = 576,
	    .max = 9000 },
	{ .name = "token", .type = CONF_TEXT, AT(token), .max = 64 },
	{ .name = "redirectGateway", .type = CONF_BOOL, AT(redirect_gateway), .dflt = "false" },
	{ .name = "servers", .type = CONF_HOST, .list = true, AT(servers), .min = 1 },
	{ .name = "tokenFile", .type = CONF_PATH, AT(token_file),
	    .dflt = "/etc/litevpn/node/token" },
	{ .name = "netTokenFile", .type = CONF_PATH, AT(net_token_file) },
	{ .name = "bootstrapTokenFile", .type = CONF_PATH, AT(bootstrap_token_file) },
	{ .name = "transport", .type = CONF_WORD, AT(transport), .dflt = "auto",
	    .words = transport_words },
	{ .name = "cipher", .type = CONF_WORD, AT(cipher), .dflt = "auto",
	    .words = conf_cipher_words },
	{ .name = "offload", .type = CONF_WORD, AT(offload), .dflt = "auto",
	    .words = conf_offload_words },
	{ .name = "workers", .type = CONF_INT, .may_auto = true, AT(workers), .dflt = "auto", .min = 1,
	    .max = CONF_WORKERS_MAX },
	{ .name = "device", .type = CONF_TEXT, AT(device), .dflt = "litevpn0", .min = 1,
	    .max = 15 },
	{ .name = "acceptRoutes", .type = CONF_BOOL, AT(accept_routes), .dflt = "true" },
	{ .name = "reconnect", .type = CONF_MAP, .keys = reconnect_keys },
	{ .name = "stateDir", .alias = "workDir", .type = CONF_PATH, AT(state_dir),
	    .dflt = "/var/lib/litevpn", .min = 2 },
	{ .name = "runDir", .type = CONF_PATH, AT(run_dir), .dflt = "/run/litevpn", .min = 2,
	    .max = 80 },
	{ .name = "log", .type = CONF_MAP, .keys = log_keys },
	{ 0 },
};

static void
check_server(struct conf *conf, const void *values)
{
	const struct conf_client *c = values;

	if (conf_client_server(c, 0) == NULL)
		conf_fail(conf, "serverAddr", "serverAddr is missing: the address or the name of "
		    "the server");
}

static void
check_token(struct conf *conf, const void *values)
{
	const struct conf_client *c = values;

	if (c->token[0] != '\0' && conf_world_readable(conf))
		conf_fail(conf, "token", "token stands in a file that others can read; chmod o= "
		    "the file, or use tokenFile");
	if (c->token[0] == '\0' && c->token_file[0] == '\0')
		conf_fail(conf, "tokenFile", "one of token and tokenFile must be set");
}

static void
check_device(struct conf *conf, const void *values)
{
	const struct conf_client *c = values;

	if (!conf_device_is_good(c->device))
		conf_fail(conf, "device", "device " CONF_DEVICE_WHY);
}

static void
check_reconnect(struct conf *conf, const void *values)
{
	const struct conf_client *c = values;

	if (c->reconnect_max_ms < c->reconnect_min_ms)
		conf_fail(conf, "max", "reconnect.max must not be below reconnect.min");
}

static void
check_log(struct conf *conf, const void *values)
{
	const struct conf_client *c = values;

	if (!log_target_is_valid(c->log_target))
		conf_fail(conf, "target", "log.target must be stderr, syslog or an absolute path");
}

static const struct conf_rule rules[] = {
	{ { "serverAddr", "servers" }, check_server },
	{ { "token", "tokenFile" }, check_token },
	{ { "device" }, check_device },
	{ { "min", "max" }, check_reconnect },
	{ { "target" }, check_log },
	{ { NULL }, NULL },
};

const struct conf_schema conf_client_schema = {
	.keys = keys,
	.size = sizeof(struct conf_client),
	.rules = rules,
};

struct log_conf
conf_client_log(const struct conf_client *c)
{
	return (struct log_conf){
		.level = (enum log_level) c->log_level,
		.json = c->log_format == 1,
		.target = c->log_target,
	};
}

const char *
conf_client_server(const struct conf_client *c, unsigned n)
{
	char *const *servers = c->servers.items;

	if (c->server_addr[0] != '\0') {
		if (n == 0)
			return c->server_addr;
		n--;
	}
	return n < c->servers.n ? servers[n] : NULL;
}
