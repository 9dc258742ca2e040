/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/connect.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/pair.h"
#include "cli/progress.h"
#include "cli/prompt.h"
#include "common/conf_client.h"
#include "common/first_contact.h"
#include "common/pki.h"
#include "common/secret.h"
#include "litevpn/v1/enrollment.pb-c.h"

#define TOKEN_FILE_MAX 256	/* a token and its line end are far shorter */

const struct opt cmd_client_enroll_options[] = {
	{ .name = "config", .kind = OPT_TEXT, .value = "FILE", .dflt = CONF_CLIENT_PATH,
	    .names = NAMES_FILE, .help = "client.yml: which server, and where the files go" },
	{ .name = "token-file", .kind = OPT_TEXT, .value = "FILE", .names = NAMES_FILE,
	    .help = "the bootstrap token's secret; - for standard input" },
	{ .name = "ca", .kind = OPT_TEXT, .value = "FILE", .names = NAMES_FILE,
	    .help = "the server's grpc CA; this or --fingerprint" },
	{ .name = "fingerprint", .kind = OPT_TEXT, .value = "sha256:...",
	    .help = "of the server's grpc CA, as token create prints it" },
	{ .name = "server", .kind = OPT_TEXT, .value = "HOST", .help = "instead of serverAddr" },
	{ .name = "port", .kind = OPT_INT, .value = "N", .min = 1, .max = 65535,
	    .help = "instead of bootstrapPort" },
	{ .name = "name", .kind = OPT_TEXT, .value = "NAME",
	    .help = "what people call this machine (default: its host name)" },
	{ .name = "timeout", .kind = OPT_DURATION, .value = "TIME", .dflt = "15s", .min = 1,
	    .max = 86400000, .help = "how long to wait for an answer" },
	{ 0 },
};

enum { GRPC, VPN, PKIS };

/*
 * An enrollment from the first check to the files. The keys are born here and kept under a pending
 * name until the answer is stored: when the answer is lost, the same call with the same keys gives
 * the same node again.
 */
struct enrollment {
	const struct args *args;
	struct conf_client conf;
	const char *dirs[PKIS];
	char *token;
	const char *server;	/* which is being tried */
	char *ca_pem;		/* what it is verified with */
	char *keys[PKIS], *csrs[PKIS];
	bool born[PKIS];	/* the key was made in this run */
	Litevpn__V1__EnrollResponse *answer;
};

#define PENDING "client-key.pem.pending"

static void
end(struct enrollment *en)
{
	secret_free(en->token);
	free(en->ca_pem);
	for (size_t i = 0; i < PKIS; i++) {
		secret_free(en->keys[i]);
		free(en->csrs[i]);
	}
	if (en->answer != NULL)
		litevpn__v1__enroll_response__free_unpacked(en->answer, NULL);
	conf_free(&conf_client_schema, &en->conf);
}

/* --- what is given ---------------------------------------------------------------------------- */

static int
read_conf(struct enrollment *en, struct err *e)
{
	const char *path = args_text(en->args, "config");
	struct conf_report report = { 0 };

	if (conf_load(path, &conf_client_schema, &en->conf, &report) < 0)
		return cli_conf_error(path, &report, e);
	if (en->conf.token_file[0] == '\0')
		return err_set(e, -EINVAL, "%s: tokenFile must be set, it is written", path);
	en->dirs[GRPC] = en->conf.grpc_cert_dir;
	en->dirs[VPN] = en->conf.vpn_cert_dir;
	return 0;
}

static int
read_stdin(char **out, struct err *e)
{
	char *text = calloc(1, TOKEN_FILE_MAX + 1);
	size_t len = 0;
	ssize_t n;

	if (text == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	while (len < TOKEN_FILE_MAX &&
	    (n = read(STDIN_FILENO, text + len, TOKEN_FILE_MAX - len)) > 0)
		len += (size_t) n;
	*out = text;
	return 0;
}

static int
read_token(struct enrollment *en, struct err *e)
{
	const char *path = args_text(en->args, "token-file");
	int rc;

	if (path == NULL)
		path = en->conf.bootstrap_token_file;
	if (path[0] == '\0' && isatty(STDIN_FILENO))
		rc = prompt_secret("bootstrap token", &en->token, e);
	else if (path[0] == '\0')
		rc = err_set(e, -EINVAL, "--token-file is missing");
	else if (strcmp(path, "-") == 0)
		rc = read_stdin(&en->token, e);
	else
		rc = secret_read_file(path, true, &en->token, e);
	if (rc < 0)
		return rc;
	secret_chomp(en->token);
	if (en->token[0] == '\0')
		return err_set(e, -EBADMSG, "%s: holds no token", path[0] == '\0' ? "what was typed"
										  : path);
	return 0;
}

/* The n-th server to try; NULL: there are no more. */
static const char *
server_at(const struct enrollment *en, unsigned n)
{
	const char *typed = args_text(en->args, "server");

	if (typed == NULL)
		return conf_client_server(&en->conf, n);
	return n == 0 ? typed : NULL;
}

static uint16_t
port_of(const struct enrollment *en)
{
	return (uint16_t) (args_has(en->args, "port") ? args_number(en->args, "port")
						      : en->conf.bootstrap_port);
}

static int
check_args(const struct args *a, struct err *e)
{
	const char *fingerprint = args_text(a, "fingerprint");
	uint8_t spki[PKI_SPKI_LEN];

	if (args_has(a, "ca") == args_has(a, "fingerprint"))
		return err_set(e, -EINVAL, "one of --ca and --fingerprint must be given");
	if (fingerprint != NULL && pki_fingerprint_parse(fingerprint, spki) < 0)
		return err_set(e, -EINVAL, "--fingerprint must be sha256: and 64 hex digits");
	return 0;
}

/* What the server is verified with, before anything secret is said to it. */
static int
find_ca(struct enrollment *en, struct err *e)
{
	const struct args *a = en->args;
	struct progress *progress;
	uint8_t spki[PKI_SPKI_LEN];
	int rc;

	free(en->ca_pem);
	en->ca_pem = NULL;
	if (args_has(a, "ca"))
		return connect_read_ca(args_text(a, "ca"), &en->ca_pem, e);
	pki_fingerprint_parse(args_text(a, "fingerprint"), spki);
	progress = progress_begin("looking at %s", en->server);
	rc = first_contact(en->server, port_of(en), spki, (int) args_number(a, "timeout"),
	    &en->ca_pem, e);
	progress_end(progress);
	return rc;
}

/* --- keys ------------------------------------------------------------------------------------- */

static int
make_key(const char *dir, char **key_out, struct err *e)
{
	struct file_set set = { .force = true };	/* a broken one from before may be there */
	int rc;

	if ((rc = pki_key_new(key_out, e)) == 0 &&
	    (rc = file_make_dirs(dir, e)) == 0 &&
	    (rc = file_set_add(&set, dir, PENDING, *key_out, 0600, 0, e)) == 0)
		rc = file_set_commit(&set, e);
	file_set_fini(&set);
	return rc;
}

/* The key of an enrollment that got no answer, or a new one; and its request. */
static int
prepare_key(struct enrollment *en, size_t pki, struct err *e)
{
	const char *name = "litevpn node";	/* the server writes its own */
	char **key = &en->keys[pki], **csr = &en->csrs[pki];
	int rc;

	if (file_read(en->dirs[pki], PENDING, true, key, e) >= 0) {
		if (pki_csr_new(*key, name, csr, e) == 0)
			return 0;
		secret_free(*key);
		*key = NULL;
	}
	if ((rc = make_key(en->dirs[pki], key, e)) < 0)
		return rc;
	en->born[pki] = true;
	return pki_csr_new(*key, name, csr, e);
}

static void
drop_pending(const struct enrollment *en, size_t pki)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" PENDING, en->dirs[pki]);
	unlink(path);
}

/*
 * The token was refused: the keys of this run belong to no node. Those of a run before may belong
 * to one that another token has made.
 */
static void
drop_refused(const struct enrollment *en, const char *reason)
{
	enum reason r = reason_by_name(reason);

	if (r != REASON_TOKEN_USED && r != REASON_TOKEN_EXPIRED && r != REASON_TOKEN_UNKNOWN)
		return;
	for (size_t i = 0; i < PKIS; i++) {
		if (en->born[i])
			drop_pending(en, i);
	}
}

/* --- the call --------------------------------------------------------------------------------- */

static const char *
display_name(const struct enrollment *en, char *buf, size_t size)
{
	const char *typed = args_text(en->args, "name");

	if (typed != NULL)
		return typed;
	memset(buf, 0, size);
	return gethostname(buf, size - 1) == 0 ? buf : "";
}

static enum cli_exit
call(struct enrollment *en)
{
	static const struct rpc_method enroll = { &litevpn__v1__enrollment__descriptor, "Enroll" };
	Litevpn__V1__EnrollRequest req = LITEVPN__V1__ENROLL_REQUEST__INIT;
	const struct rpc_conf conf = {
		.host = en->server,
		.port = port_of(en),
		.ca_pem = en->ca_pem,
		.timeout_ms = args_number(en->args, "timeout"),
	};
	enum cli_exit status = CLI_OK;
	struct progress *progress;
	ProtobufCMessage *answer;
	struct rpc_error error;
	struct rpc *rpc;
	struct err e;
	char host[64];
	int rc;

	if (rpc_open(&conf, &rpc, &e) < 0)
		return cli_fail(&e);
	req.bootstrap_token = en->token;
	req.display_name = (char *) display_name(en, host, sizeof(host));
	req.grpc_csr = en->csrs[GRPC];
	req.vpn_csr = en->csrs[VPN];
	progress = progress_begin("enrolling at %s", en->server);
	rc = rpc_call(rpc, &enroll, &req.base, &answer, &error);
	progress_end(progress);
	if (rc < 0) {
		drop_refused(en, error.reason);
		status = cli_fail_rpc(&error);
	} else {
		en->answer = (Litevpn__V1__EnrollResponse *) answer;
	}
	rpc_close(rpc);
	return status;
}

/* --- the answer ------------------------------------------------------------------------------- */

static int
check_answer(const struct enrollment *en, struct err *e)
{
	const Litevpn__V1__EnrollResponse *a = en->answer;
	const char *node;
	int rc;

	if (a->node == NULL || a->node_token[0] == '\0' ||
	    (node = strchr(a->node->name, '/')) == NULL)
		return err_set(e, -EBADMSG, "the server's answer is not complete");
	rc = pair_check_node("grpc", node + 1, a->grpc_certificate, en->keys[GRPC], a->grpc_ca, e);
	return rc < 0 ? rc : pair_check_node("vpn", node + 1, a->vpn_certificate, en->keys[VPN],
	    a->vpn_ca, e);
}

static int
put_token(const struct enrollment *en, struct file_set *set, struct err *e)
{
	char dir[PATH_MAX], base[PATH_MAX];
	int rc;

	snprintf(dir, sizeof(dir), "%s", en->conf.token_file);
	snprintf(base, sizeof(base), "%s", en->conf.token_file);
	if ((rc = file_make_dirs(dirname(dir), e)) < 0)
		return rc;
	snprintf(dir, sizeof(dir), "%s", en->conf.token_file);
	return file_set_add(set, dirname(dir), basename(base), en->answer->node_token, 0600, 0, e);
}

static int
put_all(const struct enrollment *en, struct file_set *set, struct err *e)
{
	const Litevpn__V1__EnrollResponse *a = en->answer;
	const struct {
		size_t pki;
		const char *name, *text;
		mode_t mode;
	} files[] = {
		{ GRPC, "ca.pem", a->grpc_ca, 0644 },
		{ GRPC, "client.pem", a->grpc_certificate, 0644 },
		{ GRPC, "client-key.pem", en->keys[GRPC], 0600 },
		{ GRPC, "client.csr", en->csrs[GRPC], 0644 },
		{ VPN, "ca.pem", a->vpn_ca, 0644 },
		{ VPN, "client.pem", a->vpn_certificate, 0644 },
		{ VPN, "client-key.pem", en->keys[VPN], 0600 },
	};
	int rc = put_token(en, set, e);

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && rc == 0; i++)
		rc = file_set_add(set, en->dirs[files[i].pki], files[i].name, files[i].text,
		    files[i].mode, 0, e);
	return rc < 0 ? rc : file_set_commit(set, e);
}

/* Files of a former enrollment are replaced: that one is over. */
static int
store(const struct enrollment *en, struct err *e)
{
	struct file_set set = { .force = true };
	int rc = put_all(en, &set, e);

	file_set_fini(&set);
	for (size_t i = 0; i < PKIS && rc == 0; i++)
		drop_pending(en, i);
	return rc;
}

static void
say_enrolled(const struct enrollment *en)
{
	const Litevpn__V1__EnrollResponse *a = en->answer;

	output_field(stdout, "node", "%s", a->node->name);
	output_field(stdout, "name", "%s", a->node->display_name);
	output_field(stdout, "address", "%s", a->node->address);
	output_field(stdout, "files", "%s %s %s", en->conf.grpc_cert_dir, en->conf.vpn_cert_dir,
	    en->conf.token_file);
	if (a->tunnel_port != (int32_t) en->conf.port)
		output_field(stdout, "note", "the server's tunnel is on port %" PRId32
		    ": set port in client.yml, which says %" PRId64, a->tunnel_port, en->conf.port);
}

/* --- all of it -------------------------------------------------------------------------------- */

static enum cli_exit
try_server(struct enrollment *en)
{
	struct err e;

	if (find_ca(en, &e) < 0 || (en->csrs[GRPC] == NULL && prepare_key(en, GRPC, &e) < 0) ||
	    (en->csrs[VPN] == NULL && prepare_key(en, VPN, &e) < 0))
		return cli_fail(&e);
	return call(en);
}

/* The first server that answers decides. With the same keys no two of them make two nodes. */
static enum cli_exit
try_servers(struct enrollment *en)
{
	enum cli_exit status = CLI_UNAVAILABLE;

	for (unsigned n = 0; status == CLI_UNAVAILABLE; n++) {
		const char *server = server_at(en, n);

		if (server == NULL)
			break;
		if (n > 0)
			fprintf(stderr, "litevpnctl: trying the next server, %s\n", server);
		en->server = server;
		status = try_server(en);
	}
	return status;
}

enum cli_exit
cmd_client_enroll(const struct cli *cli)
{
	struct enrollment en = { .args = &cli->args };
	enum cli_exit status;
	struct err e;

	if (check_args(en.args, &e) < 0)
		return cli_fail_usage(cli, &e);
	if (read_conf(&en, &e) < 0 || read_token(&en, &e) < 0) {
		status = cli_fail(&e);
	} else if ((status = try_servers(&en)) == CLI_OK) {
		if (check_answer(&en, &e) < 0 || store(&en, &e) < 0)
			status = cli_fail(&e);
		else
			say_enrolled(&en);
	}
	end(&en);
	return status;
}
