/* SPDX-License-Identifier: Apache-2.0 */
#include "common/conf_server.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define MS_S	1000
#define MS_M	(60 * MS_S)
#define MS_H	(60 * (int64_t) MS_M)
#define MS_D	(24 * MS_H)

/*
 * An inner packet of 1400 bytes becomes 1400 + 2 (trailer) + 2 (padding) + 16 (header, IV) + 16
 * (ICV) + 8 (UDP) + 40 (IPv6) = 1484 bytes outside: it fits Ethernet, and PPPoE's 1492.
 */
#define MTU_AUTO 1400

const char *const conf_cipher_words[] = { "auto", "aes-256-gcm", "chacha20-poly1305", NULL };
const char *const conf_offload_words[] = { "auto", "batch", "off", NULL };
static const char *const exhausted_words[] = { "reclaim", "refuse", NULL };
const char *const conf_level_words[] = { "error", "warning", "notice", "info", "debug", NULL };
const char *const conf_format_words[] = { "text", "json", NULL };

#define AT(field) .offset = offsetof(struct conf_server, field)
#define PORT(n, field, d) \
	{ .name = n, .type = CONF_INT, AT(field), .dflt = d, .min = 1, .max = 65535 }

static const struct conf_key pool_keys[] = {
	{ .name = "exclude", .type = CONF_PREFIX, .list = true, AT(pool_exclude) },
	{ .name = "onExhausted", .type = CONF_WORD, AT(pool_on_exhausted), .dflt = "reclaim",
	    .words = exhausted_words },
	{ .name = "reclaimMinIdle", .type = CONF_DURATION, AT(pool_reclaim_min_idle_ms),
	    .dflt = "0s", .min = 0, .max = 3650 * MS_D },
	{ .name = "quarantine", .type = CONF_DURATION, AT(pool_quarantine_ms), .dflt = "0s",
	    .min = 0, .max = 3650 * MS_D },
	{ .name = "warnAt", .type = CONF_INT, AT(pool_warn_at), .dflt = "90", .min = 0,
	    .max = 100 },
	{ 0 },
};

#define IN_ENTRY(field) .offset = offsetof(struct conf_network, field)
static const struct conf_key network_keys[] = {
	{ .name = "name", .type = CONF_TEXT, IN_ENTRY(name),
	    .max = CONF_NETWORK_NAME_MAX },
	{ .name = "address", .type = CONF_PREFIX, IN_ENTRY(address) },
	{ .name = "exclude", .type = CONF_PREFIX, .list = true, IN_ENTRY(exclude) },
	{ 0 },
};

static const struct conf_key events_keys[] = {
	{ .name = "maxAge", .type = CONF_DURATION, AT(events_max_age_ms), .dflt = "30d",
	    .min = MS_M, .max = 3650 * MS_D },
	{ .name = "maxRows", .type = CONF_INT, AT(events_max_rows), .dflt = "100000",
	    .min = 1000, .max = 10000000 },
	{ 0 },
};

static const struct conf_key push_keys[] = {
	{ .name = "routes", .type = CONF_PREFIX, .list = true, AT(push_routes) },
	{ 0 },
};

static const struct conf_key metrics_keys[] = {
	{ .name = "listen", .type = CONF_ENDPOINT, AT(metrics_listen) },
	{ .name = "perNode", .type = CONF_BOOL, AT(metrics_per_node), .dflt = "false" },
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
	PORT("port", port, "6441"),
	{ .name = "vpnCertDir", .alias = "networkCertDir", .type = CONF_PATH, AT(vpn_cert_dir),
	    .dflt = "/etc/litevpn/pki/vpn", .min = 1 },
	PORT("grpcPort", grpc_port, "6440"),
	{ .name = "grpcCertDir", .type = CONF_PATH, AT(grpc_cert_dir),
	    .dflt = "/etc/litevpn/pki/grpc", .min = 1 },
	{ .name = "vpnAddr", .alias = "networkAddr", .type = CONF_PREFIX, AT(vpn_addr),
	    .dflt = "10.1.1.1/24" },
	{ .name = "mtu", .type = CONF_INT, .may_auto = true, AT(mtu), .dflt = "auto", .min = 576,
	    .max = 9000 },
	{ .name = "interconnection", .type = CONF_BOOL, AT(interconnection), .dflt = "true" },
	PORT("bootstrapPort", bootstrap_port, "6439"),
	{ .name = "advertise", .type = CONF_HOST, .list = true, AT(advertise), .min = 1 },
	{ .name = "listen", .type = CONF_ADDR, .list = true, AT(listen) },
	{ .name = "device", .type = CONF_TEXT, AT(device), .dflt = "litevpn0", .min = 1,
	    .max = 15 },
	{ .name = "tokenTTL", .type = CONF_DURATION, AT(token_ttl_ms), .dflt = "10m", .min = MS_S,
	    .max = 365 * MS_D },
	{ .name = "sweepInterval", .type = CONF_DURATION, AT(sweep_interval_ms), .dflt = "1m",
	    .min = MS_S, .max = MS_D },
	{ .name = "certLife", .type = CONF_DURATION, AT(cert_life_ms), .dflt = "365d",
	    .min = 10 * MS_S, .max = 3650 * MS_D },
	{ .name = "networks", .type = CONF_MAP, .list = true, AT(networks),
	    .entry = sizeof(struct conf_network), .keys = network_keys },
	{ .name = "pool", .type = CONF_MAP, .keys = pool_keys },
	{ .name = "events", .type = CONF_MAP, .keys = events_keys },
	{ .name = "push", .type = CONF_MAP, .keys = push_keys },
	{ .name = "keepalive", .type = CONF_DURATION, AT(keepalive_ms), .dflt = "25s",
	    .min = MS_S, .max = MS_H },
	{ .name = "deadAfter", .type = CONF_DURATION, AT(dead_after_ms), .dflt = "75s",
	    .min = 2 * MS_S, .max = MS_D },
	{ .name = "rekey", .type = CONF_DURATION, AT(rekey_ms), .dflt = "1h", .min = 10 * MS_S,
	    .max = MS_D },
	{ .name = "cipher", .type = CONF_WORD, AT(cipher), .dflt = "auto",
	    .words = conf_cipher_words },
	{ .name = "offload", .type = CONF_WORD, AT(offload), .dflt = "auto",
	    .words = conf_offload_words },
	{ .name = "workers", .type = CONF_INT, .may_auto = true, AT(workers), .dflt = "auto", .min = 1,
	    .max = CONF_WORKERS_MAX },
	{ .name = "maxClients", .type = CONF_INT, AT(max_clients), .dflt = "10000", .min = 1,
	    .max = 60000 },
	{ .name = "handshakeRate", .type = CONF_INT, AT(handshake_rate), .dflt = "400", .min = 10,
	    .max = 10000 },
	{ .name = "requireNodeCert", .type = CONF_BOOL, AT(require_node_cert), .dflt = "true" },
	{ .name = "stateDir", .alias = "workDir", .type = CONF_PATH, AT(state_dir),
	    .dflt = "/var/lib/litevpn", .min = 2 },
	{ .name = "runDir", .type = CONF_PATH, AT(run_dir), .dflt = "/run/litevpn", .min = 2,
	    .max = 80 },
	{ .name = "metrics", .type = CONF_MAP, .keys = metrics_keys },
	{ .name = "log", .type = CONF_MAP, .keys = log_keys },
	{ 0 },
};

const char *
conf_server_fault(const struct ip_prefix *p, char buf[CONF_FAULT_MAX])
{
	bool v4 = p->addr.family == AF_INET;
	struct ip_addr last = ip_prefix_last(p), first = ip_prefix_network(p).addr;
	struct ip_prefix example = { ip_prefix_at(p, 1), p->len }, link_local;

	ip_prefix_parse(v4 ? "169.254.0.0/16" : "fe80::/10", &link_local);
	if (!ip_is_host(&example.addr))
		ip_prefix_parse("10.1.1.1/24", &example);
	if (v4 ? p->len < 8 || p->len > 30 : p->len < 64 || p->len > 112)
		snprintf(buf, CONF_FAULT_MAX, "the prefix length must be %s",
		    v4 ? "from 8 to 30" : "from 64 to 112");
	else if (ip_prefix_overlap(p, &link_local))
		snprintf(buf, CONF_FAULT_MAX, "%s is link-local: nobody forwards its packets",
		    PREFIX_TEXT(&link_local));
	else if (!ip_is_host(&p->addr) || ip_equal(&p->addr, &first) ||
	    (v4 && ip_equal(&p->addr, &last)))
		snprintf(buf, CONF_FAULT_MAX, "it is not an address that the server can have: "
		    "write its own address, such as %s", PREFIX_TEXT(&example));
	else
		return NULL;
	return buf;
}

static bool
holds(const struct ip_prefix *outer, const struct ip_prefix *inner)
{
	return outer->len <= inner->len && ip_prefix_contains(outer, &inner->addr);
}

/* Prefixes lie in one another or apart: those that lie in no other one are added up. */
bool
conf_server_covered(const struct ip_prefix *network, const struct ip_prefix *exclude, size_t n)
{
	double share = 0;	/* of the network; sums of powers of two are exact */

	for (size_t i = 0; i < n; i++) {
		bool counted = !ip_prefix_overlap(&exclude[i], network);

		for (size_t k = 0; k < n && !counted; k++)
			counted = k != i && holds(&exclude[k], &exclude[i]) &&
			    (k < i || exclude[k].len < exclude[i].len);
		if (counted)
			continue;
		if (exclude[i].len <= network->len)
			return true;
		share += 1 / (double) (UINT64_C(1) << (exclude[i].len - network->len));
	}
	return share >= 1;
}

const char *
conf_server_swallowed(const struct conf_server *c, const struct ip_prefix *network,
    char buf[CONF_FAULT_MAX])
{
	const struct ip_addr *listen = c->listen.items;
	char *const *advertise = c->advertise.items;
	struct ip_addr addr;

	for (size_t i = 0; i < c->listen.n; i++) {
		if (ip_prefix_contains(network, &listen[i])) {
			snprintf(buf, CONF_FAULT_MAX, "contains %s, where the server listens",
			    IP_TEXT(&listen[i]));
			return buf;
		}
	}
	for (size_t i = 0; i < c->advertise.n; i++) {
		if (ip_parse(advertise[i], &addr) == 0 && ip_prefix_contains(network, &addr)) {
			snprintf(buf, CONF_FAULT_MAX, "contains %s, where nodes find the server",
			    IP_TEXT(&addr));
			return buf;
		}
	}
	return NULL;
}

bool
conf_network_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= CONF_NETWORK_NAME_MAX && name[0] != '-' &&
	    name[len - 1] != '-' &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static void
check_vpn_addr(struct conf *conf, const void *values)
{
	const struct conf_server *c = values;
	const char *fault = conf_server_fault(&c->vpn_addr, (char[CONF_FAULT_MAX]){ 0 });

	if (fault != NULL)
		conf_fail(conf, "vpnAddr", "vpnAddr is %s, but %s", PREFIX_TEXT(&c->vpn_addr),
		    fault);
}

static void
check_mtu(struct conf *conf, const void *values)
{
	const struct conf_server *c = values;

	if (c->vpn_addr.addr.family != AF_INET && c->mtu != 0 && c->mtu < 1280)
		conf_fail(conf, "mtu", "mtu is %" PRId64 ", but IPv6 needs at least 1280", c->mtu);
}

/* One network against vpnAddr and those that stand before it. */
static void
check_beside(struct conf *conf, const struct conf_server *c, size_t i)
{
	const struct conf_network *all = c->networks.items, *n = &all[i];

	if (ip_prefix_overlap(&n->address, &c->vpn_addr))
		conf_fail_entry(conf, "networks", i,
		    "networks: %s of %s overlaps vpnAddr, which is %s", PREFIX_TEXT(&n->address),
		    n->name, PREFIX_TEXT(&c->vpn_addr));
	for (size_t k = 0; k < i; k++) {
		if (strcmp(all[k].name, n->name) == 0)
			conf_fail_entry(conf, "networks", i,
			    "networks: %s stands there twice", n->name);
		else if (ip_prefix_overlap(&all[k].address, &n->address))
			conf_fail_entry(conf, "networks", i, "networks: %s of %s overlaps %s of %s",
			    PREFIX_TEXT(&n->address), n->name, PREFIX_TEXT(&all[k].address),
			    all[k].name);
	}
}

static void
check_network(struct conf *conf, const struct conf_server *c, size_t i)
{
	const struct conf_network *n = (const struct conf_network *) c->networks.items + i;
	const struct ip_prefix *exclude = n->exclude.items;
	const char *fault = conf_server_fault(&n->address, (char[CONF_FAULT_MAX]){ 0 });

	if (!conf_network_name_is_valid(n->name) || strcmp(n->name, "default") == 0) {
		conf_fail_entry(conf, "networks", i,
		    "networks: name is \"%s\", but must be 1 to %d lower-case letters, digits and "
		    "hyphens, and not default", n->name, CONF_NETWORK_NAME_MAX);
		return;
	}
	if (n->address.addr.family == 0) {
		conf_fail_entry(conf, "networks", i, "networks: address of %s is missing", n->name);
		return;
	}
	if (fault != NULL) {
		conf_fail_entry(conf, "networks", i,
		    "networks: address of %s is %s, but %s", n->name, PREFIX_TEXT(&n->address),
		    fault);
		return;
	}
	if (n->exclude.n > CONF_NETWORK_EXCLUDE_MAX)
		conf_fail_entry(conf, "networks", i,
		    "networks: exclude of %s has %zu entries, but at most %d are possible", n->name,
		    n->exclude.n, CONF_NETWORK_EXCLUDE_MAX);
	for (size_t k = 0; k < n->exclude.n; k++) {
		if (!ip_prefix_overlap(&exclude[k], &n->address))
			conf_fail_entry(conf, "networks", i,
			    "networks: exclude of %s: %s is not in %s", n->name,
			    PREFIX_TEXT(&exclude[k]), PREFIX_TEXT(&n->address));
	}
	if (conf_server_covered(&n->address, exclude, n->exclude.n))
		conf_fail_entry(conf, "networks", i,
		    "networks: exclude of %s leaves nothing of %s", n->name,
		    PREFIX_TEXT(&n->address));
	check_beside(conf, c, i);
}

static void
check_networks(struct conf *conf, const void *values)
{
	const struct conf_server *c = values;
	if (c->networks.n > CONF_NETWORKS_MAX)
		conf_fail(conf, "networks", "networks has %zu entries, but at most %d are "
		    "possible", c->networks.n, CONF_NETWORKS_MAX);
	for (size_t i = 0; i < c->networks.n; i++)
		check_network(conf, c, i);
}

static void
check_swallowed(struct conf *conf, const void *values)
{
	const struct conf_server *c = values;
	const struct conf_network *n = c->networks.items;
	char how[CONF_FAULT_MAX];

	if (conf_server_swallowed(c, &c->vpn_addr, how) != NULL)
		conf_fail(conf, "vpnAddr", "vpnAddr is %s, but that %s", PREFIX_TEXT(&c->vpn_addr),
		    how);
	for (size_t i = 0; i < c->networks.n; i++) {
		if (conf_server_swallowed(c, &n[i].address, how) != NULL)
			conf_fail_entry(conf, "networks", i, "networks: %s of %s %s",
			    PREFIX_TEXT(&n[i].address), n[i].name, how);
	}
}

static void
check_exclude(struct conf *conf, const void *values)
{
	const struct conf_server *c = values;
	const struct ip_prefix *p = c->pool_exclude.items;

	for (size_t i = 0; i < c->pool_exclude.n; i++) {
		if (!ip_prefix_overlap(&p[i], &c->vpn_addr))
			conf_fail_entry(conf, "exclude", i,
			    "pool.exclude: %s is not in the network of vpnAddr",
			    PREFIX_TEXT(&p[i]));
	}
	if (conf_server_covered(&c->vpn_addr, p, c->pool_exclude.n))
		conf_fail(conf, "exclude", "pool.exclude leaves nothing of the network of vpnAddr");
}

static void
check_push(struct conf *conf, const void *values)
{
	const struct conf_server *c = values;
	const struct ip_prefix *p = c->push_routes.items;

	if (c->push_routes.n > CONF_PUSH_MAX)
		conf_fail(conf, "routes",
		    "push.routes has %zu entries, but at most %d are possible", c->push_routes.n,
		    CONF_PUSH_MAX);
	for (size_t i = 0; i < c->push_routes.n; i++) {
		if (p[i].len == 0)
			conf_fail_entry(conf, "routes", i,
			    "push.routes: %s would take a node's default route; nodes choose that "
			    "by redirectGateway", PREFIX_TEXT(&p[i]));
	}
}

bool
conf_device_is_good(const char *name)
{
	return name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")] ==
	    '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void
check_device(struct conf *conf, const void *values)
{
	const struct conf_server *c = values;

	if (!conf_device_is_good(c->device))
		conf_fail(conf, "device", "device " CONF_DEVICE_WHY);
}

static void
check_ports(struct conf *conf, const void *values)
{
	const struct conf_server *c = values;

	if (c->grpc_port == c->port || c->grpc_port == c->bootstrap_port)
		conf_fail(conf, "grpcPort", "grpcPort is %" PRId64 ", which another port has too",
		    c->grpc_port);
	if (c->bootstrap_port == c->port)
		conf_fail(conf, "bootstrapPort", "bootstrapPort is %" PRId64
		    ", which another port has too", c->bootstrap_port);
}

static void
check_liveness(struct conf *conf, const void *values)
{
	const struct conf_server *c = values;

	if (c->dead_after_ms < 2 * c->keepalive_ms)
		conf_fail(conf, "deadAfter", "deadAfter must be at least twice keepalive");
}

static void
check_log(struct conf *conf, const void *values)
{
	const struct conf_server *c = values;

	if (!log_target_is_valid(c->log_target))
		conf_fail(conf, "target", "log.target must be stderr, syslog or an absolute path");
}

static void
check_listen(struct conf *conf, const void *values)
{
	const struct conf_server *c = values;

	if (c->listen.n > CONF_LISTEN_MAX)
		conf_fail(conf, "listen", "listen has %zu addresses, but at most %d are possible",
		    c->listen.n, CONF_LISTEN_MAX);
}

/* There is no TLS and no password: whoever may see them is on this machine. */
static void
check_metrics(struct conf *conf, const void *values)
{
	const struct conf_server *c = values;
	const struct ip_addr *addr = &c->metrics_listen.addr;
	struct ip_prefix local;

	ip_prefix_parse(addr->family == AF_INET6 ? "::1/128" : "127.0.0.0/8", &local);
	if (addr->family != 0 && !ip_prefix_contains(&local, addr))
		conf_fail(conf, "metrics", "metrics.listen is %s, but must be an address of this "
		    "machine's loopback interface, such as 127.0.0.1", IP_TEXT(addr));
}

static const struct conf_rule rules[] = {
	{ { "device" }, check_device },
	{ { "port", "grpcPort", "bootstrapPort" }, check_ports },
	{ { "keepalive", "deadAfter" }, check_liveness },
	{ { "target" }, check_log },
	{ { "listen" }, check_listen },
	{ { "vpnAddr" }, check_vpn_addr },
	{ { "vpnAddr", "mtu" }, check_mtu },
	{ { "vpnAddr", "networks" }, check_networks },
	{ { "vpnAddr", "networks", "listen", "advertise" }, check_swallowed },
	{ { "vpnAddr", "exclude" }, check_exclude },
	{ { "routes" }, check_push },
	{ { "metrics" }, check_metrics },
	{ { NULL }, NULL },
};

const struct conf_schema conf_server_schema = {
	.keys = keys,
	.size = sizeof(struct conf_server),
	.rules = rules,
};

struct log_conf
conf_server_log(const struct conf_server *c)
{
	return (struct log_conf){
		.level = (enum log_level) c->log_level,
		.json = c->log_format == 1,
		.target = c->log_target,
	};
}

unsigned
conf_server_mtu(const struct conf_server *c)
{
	return c->mtu == 0 ? MTU_AUTO : (unsigned) c->mtu;
}
