/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/file.h"
#include "cli/hosts.h"
#include "cli/pair.h"
#include "common/conf_server.h"
#include "common/pki_ca.h"
#include "common/priv.h"
#include "common/secret.h"
#include "config.h"

const struct opt cmd_pki_init_options[] = {
	{ .name = "dir", .kind = OPT_TEXT, .value = "DIR", .dflt = "/etc/litevpn/pki",
	    .names = NAMES_DIR, .help = "where the two directories grpc and vpn are made" },
	{ .name = "san", .kind = OPT_TEXT, .many = true, .value = "HOST",
	    .help = "one more address or name of the server; may be given again" },
	{ .name = "days", .kind = OPT_INT, .value = "N", .dflt = "3650", .min = 1, .max = 36500,
	    .help = "life of the CAs and of these certificates" },
	{ .name = "config", .kind = OPT_TEXT, .value = "FILE", .dflt = CONF_SERVER_PATH,
	    .names = NAMES_FILE,
	    .help = "server.yml, for the server's addresses" },
	{ .name = "force", .kind = OPT_FLAG,
	    .help = "replace files that exist: every certificate of the old CAs becomes void" },
	{ 0 },
};

/* The two PKIs: what differs. */
static const struct pki {
	const char *name, *ca_name;
	struct pki_name client;		/* whose the certificate client.pem is */
	const char *server;		/* user who reads the server's key */
} pkis[] = {
	{ "grpc", "litevpn grpc CA", { PKI_ROLE, "admin" }, LV_USER_CTLD },
	{ "vpn", "litevpn vpn CA", { PKI_NODE, "reserverd" }, "root" },	/* sic: part of the API */
};

/* --- the server's names ----------------------------------------------------------------------- */

/* What every server has. A host name that DNS would not take is left out. */
static int
add_own(struct hosts *hosts, struct err *e)
{
	static const char *const own[] = { "127.0.0.1", "::1", "localhost" };
	char name[HOSTS_NAME_MAX];
	int rc = 0;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]) && rc == 0; i++)
		rc = hosts_add(hosts, own[i], e);
	if (gethostname(name, sizeof(name)) == 0 && memchr(name, '\0', sizeof(name)) != NULL)
		hosts_add(hosts, name, NULL);
	return rc;
}

static int
add_configured(const struct conf_server *conf, struct hosts *hosts, struct err *e)
{
	char *const *advertise = conf->advertise.items;

	for (size_t i = 0; i < conf->advertise.n; i++) {
		if (hosts_add(hosts, advertise[i], e) < 0)
			return err_prefix(e, "advertise");
	}
	return hosts_add(hosts, IP_TEXT(&conf->vpn_addr.addr), e);
}

/* A file that was not named and does not exist is no mistake: the server may not be set up yet. */
static int
add_from_file(const struct args *a, struct hosts *hosts, struct err *e)
{
	const char *path = args_text(a, "config");
	struct conf_report report = { 0 };
	struct conf_server conf;
	int rc;

	if (!args_has(a, "config") && access(path, F_OK) < 0) {
		fprintf(stderr, "litevpnctl: no %s: the certificates do not carry the addresses "
		    "that stand there\n", path);
		return 0;
	}
	if (conf_load(path, &conf_server_schema, &conf, &report) < 0)
		return cli_conf_error(path, &report, e);
	if (conf.advertise.n == 0 && !args_has(a, "san"))
		fprintf(stderr, "litevpnctl: %s: advertise is empty: nodes will not accept the "
		    "server by an address or name that is not listed below; see --san\n", path);
	rc = add_configured(&conf, hosts, e);
	conf_free(&conf_server_schema, &conf);
	return rc;
}

/* --- one PKI ---------------------------------------------------------------------------------- */

struct made {
	char *ca_key, *ca_cert;
	struct pair server, client;
};

static void
free_made(struct made *m)
{
	secret_free(m->ca_key);
	free(m->ca_cert);
	pair_fini(&m->server);
	pair_fini(&m->client);
}

static int
make(const struct pki *pki, const struct hosts *hosts, unsigned days, struct made *m, struct err *e)
{
	struct pki_wish server = {
		.common_name = "litevpn server",
		.hosts = hosts->list,
		.nhosts = hosts->n,
		.for_server = true,
	};
	struct pki_wish client = { .common_name = pki->client.id, .name = pki->client };
	struct pki_ca *ca = NULL;
	int rc;

	if ((rc = pki_ca_new(pki->ca_name, days, &m->ca_key, &m->ca_cert, e)) == 0 &&
	    (rc = pki_ca_load(m->ca_cert, m->ca_key, &ca, e)) == 0 &&
	    (rc = pair_make(ca, &server, days, m->ca_cert, &m->server, e)) == 0)
		rc = pair_make(ca, &client, days, NULL, &m->client, e);
	pki_ca_free(ca);
	return rc;
}

/*
 * The CA's key is the signer's, who runs as another user. The server's key is his who reads it
 * again when it was renewed. All other keys are root's.
 */
static int
put(struct file_set *set, const char *dir, const struct made *m, uid_t signer, uid_t server,
    struct err *e)
{
	const struct {
		const char *name, *text;
		mode_t mode;
		uid_t uid;
	} files[] = {
		{ "ca.pem", m->ca_cert, 0644, 0 },
		{ "ca-key.pem", m->ca_key, 0400, signer },
		{ "server.pem", m->server.cert_pem, 0644, 0 },
		{ "server-key.pem", m->server.key_pem, 0600, server },
		{ "client.pem", m->client.cert_pem, 0644, 0 },
		{ "client-key.pem", m->client.key_pem, 0600, 0 },
	};
	int rc = file_make_dirs(dir, e);

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && rc == 0; i++)
		rc = file_set_add(set, dir, files[i].name, files[i].text, files[i].mode,
		    files[i].uid, e);
	return rc;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int
make_all(const struct args *a, const struct hosts *hosts, struct file_set *set, struct err *e)
{
	unsigned days = (unsigned) args_number(a, "days");
	struct priv_user signer, server;
	char dir[PATH_MAX];
	int rc = priv_user(LV_USER_SIGNER, &signer, e);

	for (size_t i = 0; i < sizeof(pkis) / sizeof(pkis[0]) && rc == 0; i++) {
		struct made m = { 0 };

		if (snprintf(dir, sizeof(dir), "%s/%s", args_text(a, "dir"), pkis[i].name) >=
		    (int) sizeof(dir))
			return err_set(e, -ENAMETOOLONG, "--dir: the path is too long");
		if ((rc = priv_user(pkis[i].server, &server, e)) == 0 &&
		    (rc = make(&pkis[i], hosts, days, &m, e)) == 0)
			rc = put(set, dir, &m, signer.uid, server.uid, e);
		free_made(&m);
	}
	return rc < 0 ? rc : file_set_commit(set, e);
}

static void
say_made(const struct args *a, const struct hosts *hosts)
{
	printf("made %s/grpc and %s/vpn for", args_text(a, "dir"), args_text(a, "dir"));
	for (size_t i = 0; i < hosts->n; i++)
		printf(" %s", hosts->list[i]);
	printf("\n");
}

enum cli_exit
cmd_pki_init(const struct cli *cli)
{
	struct hosts hosts = { 0 };
	struct file_set set = { .force = args_has(&cli->args, "force") };
	enum cli_exit status = CLI_OK;
	struct err e;

	if (hosts_add_typed(&hosts, &cli->args, &e) < 0)
		return cli_fail_usage(cli, &e);
	if (add_from_file(&cli->args, &hosts, &e) < 0 || add_own(&hosts, &e) < 0 ||
	    make_all(&cli->args, &hosts, &set, &e) < 0)
		status = cli_fail(&e);
	else
		say_made(&cli->args, &hosts);
	file_set_fini(&set);
	return status;
}
