/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/file.h"
#include "cli/hosts.h"
#include "cli/pair.h"
#include "common/pki_ca.h"
#include "common/priv.h"
#include "common/secret.h"
#include "config.h"

static const char *const roles[] = { "admin", "operator", "viewer", NULL };

const struct opt cmd_pki_issue_options[] = {
	{ .name = "role", .kind = OPT_WORD, .value = "admin|operator|viewer", .words = roles,
	    .help = "for an administrator (grpc only)" },
	{ .name = "node", .kind = OPT_TEXT, .value = "ID", .help = "for a node" },
	{ .name = "server", .kind = OPT_FLAG, .help = "for the server, with --san" },
	{ .name = "san", .kind = OPT_TEXT, .many = true, .value = "HOST",
	    .help = "an address or name of the server; may be given again" },
	{ .name = "out", .kind = OPT_TEXT, .value = "DIR", .names = NAMES_DIR,
	    .help = "where the files are made" },
	{ .name = "days", .kind = OPT_INT, .value = "N", .dflt = "365", .min = 1, .max = 36500,
	    .help = "life of the certificate; cut to the CA's" },
	{ .name = "dir", .kind = OPT_TEXT, .value = "DIR", .dflt = "/etc/litevpn/pki",
	    .names = NAMES_DIR,
	    .help = "where the PKIs are" },
	{ .name = "force", .kind = OPT_FLAG, .help = "replace files that exist" },
	{ 0 },
};

/* What was asked for, from the command line. */
struct wanted {
	const char *pki;
	struct pki_wish wish;
	struct hosts hosts;
};

static int
check_wanted(const struct args *a, const struct wanted *w, struct err *e)
{
	unsigned kinds = args_has(a, "role") + args_has(a, "node") + args_has(a, "server");

	if (kinds != 1)
		return err_set(e, -EINVAL, "one of --role, --node and --server must be given");
	if (args_has(a, "role") && strcmp(w->pki, "vpn") == 0)
		return err_set(e, -EINVAL, "roles are certified by the grpc PKI only");
	if (args_has(a, "node") && !pki_id_is_good(args_text(a, "node")))
		return err_set(e, -EINVAL, "--node must be letters, digits and \"._-\", at most %d",
		    PKI_ID_MAX);
	if (args_has(a, "server") != (w->hosts.n > 0))
		return err_set(e, -EINVAL, "--server needs --san, and nothing else takes it");
	if (!args_has(a, "out"))
		return err_set(e, -EINVAL, "--out is missing");
	return 0;
}

static int
read_wanted(const struct cli *cli, struct wanted *w, struct err *e)
{
	const struct args *a = &cli->args;
	const char *id = args_has(a, "role") ? args_text(a, "role") : args_text(a, "node");
	int rc;

	w->pki = a->operands[0];
	if ((rc = hosts_add_typed(&w->hosts, a, e)) < 0 || (rc = check_wanted(a, w, e)) < 0)
		return rc;
	w->wish.for_server = args_has(a, "server");
	w->wish.hosts = w->hosts.list;
	w->wish.nhosts = w->hosts.n;
	w->wish.common_name = w->wish.for_server ? "litevpn server" : id;
	if (!w->wish.for_server) {
		w->wish.name.kind = args_has(a, "role") ? PKI_ROLE : PKI_NODE;
		snprintf(w->wish.name.id, sizeof(w->wish.name.id), "%s", id);
	}
	return 0;
}

/* The server's key of the grpc PKI is ctld's, who reads it while it runs; the others are root's. */
static int
put(const struct args *a, const struct wanted *w, const struct pair *p, const char *ca_pem,
    struct err *e)
{
	bool for_server = w->wish.for_server;
	bool for_ctld = for_server && strcmp(w->pki, "grpc") == 0;
	struct priv_user owner;
	const char *dir = args_text(a, "out");
	struct file_set set = { .force = args_has(a, "force") };
	int rc;

	if ((rc = priv_user(for_ctld ? LV_USER_CTLD : "root", &owner, e)) == 0 &&
	    (rc = file_make_dirs(dir, e)) == 0 &&
	    (rc = file_set_add(&set, dir, "ca.pem", ca_pem, 0644, 0, e)) == 0 &&
	    (rc = file_set_add(&set, dir, for_server ? "server.pem" : "client.pem", p->cert_pem,
	    0644, 0, e)) == 0 &&
	    (rc = file_set_add(&set, dir, for_server ? "server-key.pem" : "client-key.pem",
	    p->key_pem, 0600, owner.uid, e)) == 0)
		rc = file_set_commit(&set, e);
	file_set_fini(&set);
	return rc;
}

static int
issue(const struct args *a, const struct wanted *w, struct err *e)
{
	char *ca_pem = NULL, *ca_key = NULL, dir[PATH_MAX];
	struct pki_ca *ca = NULL;
	struct pair p = { 0 };
	int rc;

	if (snprintf(dir, sizeof(dir), "%s/%s", args_text(a, "dir"), w->pki) >= (int) sizeof(dir))
		return err_set(e, -ENAMETOOLONG, "--dir: the path is too long");
	if ((rc = file_read(dir, "ca.pem", false, &ca_pem, e)) < 0 ||
	    (rc = file_read(dir, "ca-key.pem", true, &ca_key, e)) < 0)
		goto out;
	if ((rc = pki_ca_load(ca_pem, ca_key, &ca, e)) < 0) {
		err_prefix(e, "%s", dir);
		goto out;
	}
	rc = pair_make(ca, &w->wish, (unsigned) args_number(a, "days"),
	    w->wish.for_server ? ca_pem : NULL, &p, e);
	if (rc == 0)
		rc = put(a, w, &p, ca_pem, e);
out:
	pair_fini(&p);
	pki_ca_free(ca);
	secret_free(ca_key);
	free(ca_pem);
	return rc;
}

enum cli_exit
cmd_pki_issue(const struct cli *cli)
{
	struct wanted w = { 0 };
	struct err e;

	if (read_wanted(cli, &w, &e) < 0)
		return cli_fail_usage(cli, &e);
	if (issue(&cli->args, &w, &e) < 0)
		return cli_fail(&e);
	printf("made %s/%s.pem with its key and ca.pem\n", args_text(&cli->args, "out"),
	    w.wish.for_server ? "server" : "client");
	return CLI_OK;
}
