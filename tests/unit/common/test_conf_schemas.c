/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_client.h"
#include "common/conf_server.h"
#include "common/conf_value.h"
#include "common/ip.h"
#include "tests/unit/kit.h"

/* The schemas of server.yml and client.yml: their defaults and the rules that join several keys. */

/* The first error of a file without its name, or "" where it loads. Static storage. */
static const char *
first_error(const struct conf_schema *schema, const char *yaml, mode_t mode)
{
	static char text[512];
	const char *path = kit_write("conf.yml", yaml, mode);
	char *values = calloc(1, schema->size);
	struct conf_report r;

	text[0] = '\0';
	if (conf_load(path, schema, values, &r) == 0)
		conf_free(schema, values);
	else
		snprintf(text, sizeof(text), "%s", r.lines[0] + strlen(path) + 1);
	conf_report_free(&r);
	free(values);
	return text;
}

START_TEST(an_empty_server_file_is_a_server)
{
	struct conf_server c;
	struct conf_report r;

	ck_assert_int_eq(conf_load(kit_write("server.yml", "", 0644), &conf_server_schema, &c, &r),
	    0);
	ck_assert_int_eq(c.port, 6441);
	ck_assert_int_eq(c.grpc_port, 6440);
	ck_assert_int_eq(c.bootstrap_port, 6439);
	ck_assert_str_eq(PREFIX_TEXT(&c.vpn_addr), "10.1.1.1/24");
	ck_assert(c.interconnection);
	ck_assert(c.require_node_cert);
	ck_assert_int_eq(c.token_ttl_ms, 600000);
	ck_assert_int_eq(c.sweep_interval_ms, 60000);
	ck_assert_int_eq(c.keepalive_ms, 25000);
	ck_assert_int_eq(c.dead_after_ms, 75000);
	ck_assert_int_eq(c.rekey_ms, 3600000);
	ck_assert_int_eq(c.pool_on_exhausted, CONF_EXHAUSTED_RECLAIM);
	ck_assert_int_eq(c.pool_quarantine_ms, 0);
	ck_assert_int_eq(c.pool_warn_at, 90);
	ck_assert_uint_eq(c.networks.n, 0);
	ck_assert_int_eq(c.cipher, CONF_CIPHER_AUTO);
	ck_assert_str_eq(c.state_dir, "/var/lib/litevpn");
	ck_assert_str_eq(c.run_dir, "/run/litevpn");
	ck_assert_int_eq(conf_server_log(&c).level, LOG_LV_INFO);
	ck_assert(!conf_server_log(&c).json);
	ck_assert_str_eq(conf_server_log(&c).target, "stderr");
	ck_assert_uint_eq(conf_server_mtu(&c), 1400);
	c.mtu = 1280;
	ck_assert_uint_eq(conf_server_mtu(&c), 1280);
	conf_free(&conf_server_schema, &c);
}
END_TEST

static const struct {
	const char *yaml, *error;
} servers[] = {
	{ "vpnAddr: 10.1.1.1/8\n", "" },
	{ "vpnAddr: 10.1.1.1/30\n", "" },
	{ "vpnAddr: fd00::1/64\n", "" },
	{ "vpnAddr: fd00::1/112\n", "" },
	{ "networkAddr: 10.1.1.1/24\nworkDir: /x\nnetworkCertDir: /y\n", "" },
	{ "log: {level: debug, format: json, target: /var/log/x}\n", "" },
	{ "log: {target: syslog}\n", "" },
	{ "pool: {exclude: [10.1.1.64/26], onExhausted: refuse, reclaimMinIdle: 1d}\n", "" },
	{ "push: {routes: [192.0.2.0/24, \"2001:db8::/32\"]}\n", "" },
	{ "grpcPort: 6441\n", "1:1: grpcPort is 6441, which another port has too" },
	{ "port: 1\nbootstrapPort: 6440\n", "0: grpcPort is 6440, which another port has too" },
	{ "bootstrapPort: 6441\n", "1:1: bootstrapPort is 6441, which another port has too" },
	{ "port: 0\n", "1:7: port is \"0\", but must be a whole number from 1 to 65535" },
	{ "keepalive: 40s\n", "0: deadAfter must be at least twice keepalive" },
	{ "deadAfter: 49s\n", "1:1: deadAfter must be at least twice keepalive" },
	{ "log:\n  target: soup\n", "2:3: log.target must be stderr, syslog or an absolute path" },
	{ "log:\n  target: stderr2\n",
	    "2:3: log.target must be stderr, syslog or an absolute path" },
	{ "vpnAddr: 10.1.1.1/7\n",
	    "1:1: vpnAddr is 10.1.1.1/7, but the prefix length must be from 8 to 30" },
	{ "vpnAddr: 10.1.1.1/31\n",
	    "1:1: vpnAddr is 10.1.1.1/31, but the prefix length must be from 8 to 30" },
	{ "metrics: {listen: \"192.0.2.1:9469\"}\n",
	    "1:1: metrics.listen is 192.0.2.1, but must be an address of this machine's loopback "
	    "interface, such as 127.0.0.1" },
	{ "metrics: {listen: \"127.0.0.1:0\"}\n",
	    "1:19: metrics.listen is \"127.0.0.1:0\", but must be an address with a port, such as "
	    "127.0.0.1:9469 or \"[::1]:9469\"" },
	{ "metrics: {listen: \"::1:9469\"}\n",
	    "1:19: metrics.listen is \"::1:9469\", but must be an address with a port, such as "
	    "127.0.0.1:9469 or \"[::1]:9469\"" },
	{ "metrics: {listen: \"[127.0.0.1]:65536\"}\n",
	    "1:19: metrics.listen is \"[127.0.0.1]:65536\", but must be an address with a port, such as "
	    "127.0.0.1:9469 or \"[::1]:9469\"" },
	{ "vpnAddr: fd00::1/63\n",
	    "1:1: vpnAddr is fd00::1/63, but the prefix length must be from 64 to 112" },
	{ "vpnAddr: fd00::1/113\n",
	    "1:1: vpnAddr is fd00::1/113, but the prefix length must be from 64 to 112" },
	{ "vpnAddr: 10.1.1.0/24\n",
	    "1:1: vpnAddr is 10.1.1.0/24, but it is not an address that the server can have: write "
	    "its own address, such as 10.1.1.1/24" },
	{ "vpnAddr: 10.1.1.255/24\n",
	    "1:1: vpnAddr is 10.1.1.255/24, but it is not an address that the server can have: "
	    "write its own address, such as 10.1.1.1/24" },
	{ "vpnAddr: 127.0.0.1/8\n",
	    "1:1: vpnAddr is 127.0.0.1/8, but it is not an address that the server can have: write "
	    "its own address, such as 10.1.1.1/24" },
	{ "vpnAddr: fd00::1/64\nmtu: 1279\n", "2:1: mtu is 1279, but IPv6 needs at least 1280" },
	{ "mtu: 575\n",
	    "1:6: mtu is \"575\", but must be auto or a whole number from 576 to 9000" },
	{ "pool: {exclude: [10.1.2.0/24]}\n",
	    "1:18: pool.exclude: 10.1.2.0/24 is not in the network of vpnAddr" },
	{ "pool: {exclude: [10.1.1.0/25, 10.1.1.16/28, 10.1.1.192/26]}\n", "" },
	{ "pool: {exclude: [10.1.1.0/25, 10.1.1.0/25]}\n", "" },
	{ "pool: {exclude: [10.1.1.0/24]}\n",
	    "1:8: pool.exclude leaves nothing of the network of vpnAddr" },
	{ "pool: {exclude: [10.0.0.0/8]}\n",
	    "1:8: pool.exclude leaves nothing of the network of vpnAddr" },
	{ "pool: {exclude: [10.1.1.0/25, 10.1.1.16/28, 10.1.1.192/26, 10.1.1.128/26]}\n",
	    "1:8: pool.exclude leaves nothing of the network of vpnAddr" },
	{ "vpnAddr: fe80::1/64\n",
	    "1:1: vpnAddr is fe80::1/64, but fe80::/10 is link-local: nobody forwards its packets" },
	{ "networks: [{name: x, address: 169.254.1.1/24}]\n",
	    "1:12: networks: address of x is 169.254.1.1/24, but 169.254.0.0/16 is link-local: "
	    "nobody forwards its packets" },
	{ "networks: [{name: x, address: \"fd00::1/64\", exclude: [\"fd00::/65\","
	  " \"fd00::8000:0:0:0/65\"]}]\n",
	    "1:12: networks: exclude of x leaves nothing of fd00::1/64" },
	{ "pool: {quarantine: 1h, warnAt: 0}\n", "" },
	{ "pool: {warnAt: 101}\n",
	    "1:16: pool.warnAt is \"101\", but must be a whole number from 0 to 100" },
	{ "networks: []\n", "" },
	{ "networks: [{name: blue, address: 10.2.0.1/16, exclude: [10.2.0.0/24]},"
	  " {name: red-1, address: \"fd00::1/64\"}]\n", "" },
	{ "networks:\n  - name: blue\n    address: 10.2.0.1/16\n  - nam: x\n",
	    "4:5: unknown key \"nam\"; did you mean \"name\"?" },
	{ "networks:\n  - name: blue\n    address: 10.2.0.1/16\n    exclude: [10.2.0.0/24]\n"
	  "  - name: red\n    address: 10.2.3.1/24\n",
	    "5:5: networks: 10.2.3.1/24 of red overlaps 10.2.0.1/16 of blue" },
	{ "push:\n  routes:\n    - 10.5.0.0/16\n    - 0.0.0.0/0\n",
	    "4:7: push.routes: 0.0.0.0/0 would take a node's default route; nodes choose that by "
	    "redirectGateway" },
	{ "networks: blue\n", "1:11: networks must be a list: [a, b]" },
	{ "networks: [blue]\n", "1:12: here must stand \"key: value\" lines" },
	{ "networks: [{name: blue, name: red}]\n",
	    "1:25: networks.name is given twice; it stands at line 1 already" },
	{ "networks: [{address: 10.2.0.1/16}]\n",
	    "1:12: networks: name is \"\", but must be 1 to 63 lower-case letters, digits and "
	    "hyphens, and not default" },
	{ "networks: [{name: default, address: 10.2.0.1/16}]\n",
	    "1:12: networks: name is \"default\", but must be 1 to 63 lower-case letters, digits "
	    "and hyphens, and not default" },
	{ "networks: [{name: blue}]\n",
	    "1:12: networks: address of blue is missing" },
	{ "networks: [{name: blue, address: 10.2.0.0/16}]\n",
	    "1:12: networks: address of blue is 10.2.0.0/16, but it is not an address that the "
	    "server can have: write its own address, such as 10.2.0.1/16" },
	{ "networks: [{name: blue, address: 10.1.0.1/16}]\n",
	    "1:12: networks: 10.1.0.1/16 of blue overlaps vpnAddr, which is 10.1.1.1/24" },
	{ "networks: [{name: a, address: 10.2.0.1/16}, {name: a, address: 10.3.0.1/16}]\n",
	    "1:45: networks: a stands there twice" },
	{ "networks: [{name: a, address: 10.2.0.1/16}, {name: b, address: 10.2.3.1/24}]\n",
	    "1:45: networks: 10.2.3.1/24 of b overlaps 10.2.0.1/16 of a" },
	{ "networks: [{name: a, address: 10.2.0.1/16, exclude: [10.3.0.0/24]}]\n",
	    "1:12: networks: exclude of a: 10.3.0.0/24 is not in 10.2.0.1/16" },
	{ "listen: [192.0.2.1]\nadvertise: [10.0.2.1]\n", "" },
	{ "listen: [10.1.1.9]\n", "0: vpnAddr is 10.1.1.1/24, but that contains 10.1.1.9, where the "
	    "server listens" },
	{ "advertise: [vpn.example.org, 10.1.1.9]\nvpnAddr: 10.1.1.1/24\n",
	    "2:1: vpnAddr is 10.1.1.1/24, but that contains 10.1.1.9, where nodes find the server" },
	{ "listen: [\"fd00::9\"]\nnetworks: [{name: six, address: \"fd00::1/64\"}]\n",
	    "2:12: networks: fd00::1/64 of six contains fd00::9, where the server listens" },
	{ "push: {routes: [0.0.0.0/0]}\n",
	    "1:17: push.routes: 0.0.0.0/0 would take a node's default "
	    "route; nodes choose that by redirectGateway" },
	{ "vpnCertDir: \"\"\n", "1:13: vpnCertDir is \"\", but must have 1 to 1024 characters" },
	{ "device: lv%d\n", "1:1: device must be of letters, digits, \"_\", \".\" and \"-\"" },
	{ "device: sixteen-letters1\n",
	    "1:9: device is \"sixteen-letters1\", but must have 1 to 15 characters" },
	{ "serverAddr: x\n", "1:1: unknown key \"serverAddr\"" },
	{ "grpcport: 1\n", "1:1: unknown key \"grpcport\"; did you mean \"grpcPort\"?" },
};

/* An error at no key's place has the file's name only: shown here as "0". */
static void
check_error(const char *found, const char *wanted)
{
	if (wanted[0] == '0')
		ck_assert_str_eq(found, wanted + 2);
	else
		ck_assert_str_eq(found, wanted);
}

START_TEST(the_server_rules_hold)
{
	check_error(first_error(&conf_server_schema, servers[_i].yaml, 0644), servers[_i].error);
}
END_TEST

START_TEST(a_client_needs_only_its_server)
{
	struct conf_client c;
	struct conf_report r;

	ck_assert_int_eq(conf_load(kit_write("client.yml", "serverAddr: vpn.example\n", 0644),
	    &conf_client_schema, &c, &r), 0);
	ck_assert_str_eq(conf_client_server(&c, 0), "vpn.example");
	ck_assert_ptr_null(conf_client_server(&c, 1));
	ck_assert_int_eq(c.port, 6441);
	ck_assert(!c.redirect_gateway);
	ck_assert(c.accept_routes);
	ck_assert_int_eq(c.transport, CONF_TRANSPORT_AUTO);
	ck_assert_int_eq(c.reconnect_min_ms, 500);
	ck_assert_int_eq(c.reconnect_max_ms, 30000);
	ck_assert_str_eq(c.token, "");
	ck_assert_int_eq(conf_client_log(&c).level, LOG_LV_INFO);
	conf_free(&conf_client_schema, &c);
}
END_TEST

START_TEST(servers_are_tried_in_order)
{
	struct conf_client c;
	struct conf_report r;
	const char *path = kit_write("client.yml",
	    "serverAddr: a\nservers: [b, 192.0.2.1]\nlog: {format: json, level: error}\n", 0644);

	ck_assert_int_eq(conf_load(path, &conf_client_schema, &c, &r), 0);
	ck_assert_str_eq(conf_client_server(&c, 0), "a");
	ck_assert_str_eq(conf_client_server(&c, 1), "b");
	ck_assert_str_eq(conf_client_server(&c, 2), "192.0.2.1");
	ck_assert_ptr_null(conf_client_server(&c, 3));
	ck_assert_int_eq(conf_client_log(&c).level, LOG_LV_ERR);
	ck_assert(conf_client_log(&c).json);
	conf_free(&conf_client_schema, &c);
}
END_TEST

static const struct {
	const char *yaml;
	mode_t mode;
	const char *error;
} clients[] = {
	{ "servers: [\"fd00::1\"]\n", 0644, "" },
	{ "serverAddr: a\ntoken: 0123456789abcdef\n", 0640, "" },
	{ "serverAddr: a\ntoken: 0123456789abcdef\n", 0644,
	    "2:1: token stands in a file that others can read; chmod o= the file, or use "
	    "tokenFile" },
	{ "", 0644, "0: serverAddr is missing: the address or the name of the server" },
	{ "serverAddr: a:b c\n", 0644,
	    "1:13: serverAddr is \"a:b c\", but must be an IP address or "
	    "a DNS name, without a port" },
	{ "serverAddr: a\ntokenFile: \"\"\n", 0644, "2:1: one of token and tokenFile must be set" },
	{ "serverAddr: a\nreconnect: {min: 10s, max: 5s}\n", 0644,
	    "2:23: reconnect.max must not be below reconnect.min" },
	{ "serverAddr: a\nlog: {target: s}\n", 0644,
	    "2:7: log.target must be stderr, syslog or an absolute path" },
	{ "serverAddr: a\nvpnAddr: 10.1.1.1/24\n", 0644, "2:1: unknown key \"vpnAddr\"" },
};

START_TEST(the_client_rules_hold)
{
	check_error(first_error(&conf_client_schema, clients[_i].yaml, clients[_i].mode),
	    clients[_i].error);
}
END_TEST

/* No two rows of a schema write to the same place, and each name is there once on its level. */
static size_t
collect(const struct conf_key *keys, const struct conf_key **all, size_t n)
{
	for (const struct conf_key *k = keys; k->name != NULL; k++) {
		for (const struct conf_key *o = keys; o != k; o++)
			ck_assert_str_ne(o->name, k->name);
		if (k->type == CONF_MAP && k->list)
			collect(k->keys, (const struct conf_key *[16]){ 0 }, 0);
		if (k->type == CONF_MAP && !k->list) {
			n = collect(k->keys, all, n);
			continue;
		}
		for (size_t i = 0; i < n; i++)
			ck_assert_msg(all[i]->offset != k->offset, "%s, %s", all[i]->name, k->name);
		all[n++] = k;
	}
	return n;
}

START_TEST(each_key_has_a_place_of_its_own)
{
	const struct conf_schema *schemas[] = { &conf_server_schema, &conf_client_schema };
	const struct conf_key *all[128];
	size_t n = collect(schemas[_i]->keys, all, 0);

	ck_assert_uint_gt(n, 20);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_lt(all[i]->offset, schemas[_i]->size);
}
END_TEST

/* --- the files that are installed: every key stands in them, with its default ----------------- */

static const struct {
	const char *file, *least;	/* least: what a file must say beside the defaults */
	const struct conf_schema *schema;
} installed[] = {
	{ "etc/server.yml", "", &conf_server_schema },
	{ "etc/client.yml", "serverAddr: vpn.example.org\n", &conf_client_schema },
};

/* Says which keys are not in the file; called by the loader, which knows. */
static void
find_missing(struct conf *c, const struct conf_key *keys)
{
	for (const struct conf_key *k = keys; k->name != NULL; k++) {
		if (!conf_is_set(c, k->name))
			conf_fail(c, k->name, "%s is not shown", k->name);
		if (k->type == CONF_MAP && !k->list)
			find_missing(c, k->keys);
	}
}

static void
check_server_keys(struct conf *c, const void *values)
{
	(void) values;
	find_missing(c, conf_server_schema.keys);
}

static void
check_client_keys(struct conf *c, const void *values)
{
	(void) values;
	find_missing(c, conf_client_schema.keys);
}

static const struct conf_rule all_shown[][2] = {
	{ { { NULL }, check_server_keys }, { { NULL }, NULL } },
	{ { { NULL }, check_client_keys }, { { NULL }, NULL } },
};

static void
compare(const struct conf_key *keys, const char *shown, const char *dflt)
{
	for (const struct conf_key *k = keys; k->name != NULL; k++) {
		const char *a = shown + k->offset, *b = dflt + k->offset;

		if (k->type == CONF_MAP && !k->list)
			compare(k->keys, shown, dflt);
		else if (k->list)
			ck_assert_msg(((const struct conf_list *) (const void *) a)->n ==
			    ((const struct conf_list *) (const void *) b)->n, "%s", k->name);
		else if (conf_value_is_text(k))
			ck_assert_msg(strcmp(*(char *const *) (const void *) a,
			    *(char *const *) (const void *) b) == 0, "%s", k->name);
		else
			ck_assert_msg(memcmp(a, b, conf_value_size(k)) == 0, "%s", k->name);
	}
}

START_TEST(the_installed_files_show_every_default)
{
	const char *top = getenv("LV_TOP");
	const struct conf_schema *schema = installed[_i].schema;
	struct conf_schema strict = { schema->keys, schema->size, all_shown[_i] };
	char path[512], *shown = calloc(1, schema->size), *dflt = calloc(1, schema->size);
	struct conf_report r;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", top == NULL ? "." : top, installed[_i].file);
	ck_assert_int_eq(conf_load(kit_write("least.yml", installed[_i].least, 0600), schema, dflt,
	    &r), 0);
	rc = conf_load(path, schema, shown, &r);
	ck_assert_msg(rc == 0, "%s", rc == 0 ? "" : r.lines[0]);
	compare(schema->keys, shown, dflt);
	conf_free(schema, shown);
	rc = conf_load(path, &strict, shown, &r);
	ck_assert_msg(rc == 0, "%s", rc == 0 ? "" : r.lines[0]);
	conf_free(schema, shown);
	conf_free(schema, dflt);
	free(shown);
	free(dflt);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("conf_schemas");

	tcase_add_test(tc, an_empty_server_file_is_a_server);
	KIT_ROWS(tc, the_server_rules_hold, servers);
	tcase_add_test(tc, a_client_needs_only_its_server);
	tcase_add_test(tc, servers_are_tried_in_order);
	KIT_ROWS(tc, the_client_rules_hold, clients);
	tcase_add_loop_test(tc, each_key_has_a_place_of_its_own, 0, 2);
	KIT_ROWS(tc, the_installed_files_show_every_default, installed);
	return kit_run("common/conf_schemas", tc);
}
