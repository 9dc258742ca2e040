/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/machine.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"

const struct opt machine_options[] = {
	{ .name = "server-config", .kind = OPT_TEXT, .value = "FILE", .dflt = CONF_SERVER_PATH,
	    .names = NAMES_FILE, .help = "server.yml of this machine" },
	{ .name = "client-config", .kind = OPT_TEXT, .value = "FILE", .dflt = CONF_CLIENT_PATH,
	    .names = NAMES_FILE, .help = "client.yml of this machine" },
	{ 0 },
};

static bool
exists(const char *dir, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

static void
add_cert(struct machine *m, const char *dir, const char *name, const char *key, bool of_server)
{
	struct machine_cert *c = &m->certs[m->ncerts];

	if (m->ncerts == MACHINE_CERTS_MAX ||
	    snprintf(c->path, sizeof(c->path), "%s/%s", dir, name) >= (int) sizeof(c->path))
		return;
	c->key = key;
	c->of_server = of_server;
	m->ncerts++;
}

static int
read_server(struct machine *m, bool named, struct err *e)
{
	struct conf_report report = { 0 };

	if (!named && access(m->server_path, F_OK) < 0)
		return 0;
	if (conf_load(m->server_path, &conf_server_schema, &m->server, &report) < 0)
		return cli_conf_error(m->server_path, &report, e);
	m->is_server = named || exists(m->server.grpc_cert_dir, "server.pem");
	for (unsigned i = 0; i < 2 && m->is_server; i++) {
		const char *dir = i == 0 ? m->server.grpc_cert_dir : m->server.vpn_cert_dir;

		add_cert(m, dir, "ca.pem", NULL, true);
		add_cert(m, dir, "server.pem", "server-key.pem", true);
		if (exists(dir, "client.pem"))
			add_cert(m, dir, "client.pem", "client-key.pem", false);
	}
	return 0;
}

static int
read_client(struct machine *m, bool named, struct err *e)
{
	struct conf_report report = { 0 };

	if (!named && access(m->client_path, F_OK) < 0)
		return 0;
	if (conf_load(m->client_path, &conf_client_schema, &m->client, &report) < 0)
		return cli_conf_error(m->client_path, &report, e);
	m->is_node = named || exists(m->client.vpn_cert_dir, "client.pem");
	for (unsigned i = 0; i < 2 && m->is_node; i++) {
		const char *dir = i == 0 ? m->client.grpc_cert_dir : m->client.vpn_cert_dir;

		add_cert(m, dir, "ca.pem", NULL, false);
		add_cert(m, dir, "client.pem", "client-key.pem", false);
	}
	return 0;
}

/* Who names one of the files means only that side. */
int
machine_read(struct machine *m, const struct args *a, struct err *e)
{
	bool server = args_has(a, "server-config"), client = args_has(a, "client-config");
	int rc = 0;

	m->server_path = args_text(a, "server-config");
	m->client_path = args_text(a, "client-config");
	if (server || !client)
		rc = read_server(m, server, e);
	if (rc == 0 && (client || !server))
		rc = read_client(m, client, e);
	if (rc == 0 && !m->is_server && !m->is_node)
		rc = err_set(e, -ENOENT, "this machine is no server (litevpnctl pki init makes "
		    "one) and no node (litevpnctl client enroll)");
	return rc;
}

void
machine_fini(struct machine *m)
{
	conf_free(&conf_server_schema, &m->server);
	conf_free(&conf_client_schema, &m->client);
}
