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
#include "common/conf_client.h"
#include "common/pki.h"
#include "common/secret.h"
#include "common/tlsctx.h"
#include "litevpn/v1/enrollment.pb-c.h"

#define TOKEN_FILE_MAX 256	/* a token and its line end are far shorter */

const struct opt cmd_client_enroll_options[] = {
	{ .name = "config", .kind = OPT_TEXT, .value = "FILE", .dflt = CONF_CLIENT_PATH,
	    .help = "client.yml: which server, and where the files go" },
	{ .name = "token-file", .kind = OPT_TEXT, .value = "FILE",
	    .help = "the bootstrap token's secret; - for standard input" },
	{ .name = "ca", .kind = OPT_TEXT, .value = "FILE",
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
	char *token, *ca_pem;
	char *keys[PKIS], *csrs[PKIS];
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
	if (path[0] == '\0')
		return err_set(e, -EINVAL, "--token-file is missing");
	rc = strcmp(path, "-") == 0 ? read_stdin(&en->token, e)
				    : secret_read_file(path, true, &en->token, e);
	if (rc < 0)
		return rc;
	secret_chomp(en->token);
	if (en->token[0] == '\0')
		return err_set(e, -EBADMSG, "%s: holds no token", path);
	return 0;
}

static const char *
server_of(const struct enrollment *en)
{
	const char *typed = args_text(en->args, "server");

	return typed == NULL ? conf_client_server(&en->conf, 0) : typed;
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
	uint8_t spki[PKI_SPKI_LEN];

	if (args_has(a, "ca"))
		return connect_read_ca(args_text(a, "ca"), &en->ca_pem, e);
	pki_fingerprint_parse(args_text(a, "fingerprint"), spki);
	return tlsctx_fetch_ca(server_of(en), port_of(en), spki, (int) args_number(a, "timeout"),
	    &en->ca_pem, e);
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
	return pki_csr_new(*key, name, csr, e);
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
	Litevpn__V1__EnrollRequest req = LITEVPN__V1__ENROLL_REQUEST__INIT;
	const struct rpc_conf conf = {
		.host = server_of(en),
		.port = port_of(en),
		.ca_pem = en->ca_pem,
		.timeout_ms = args_number(en->args, "timeout"),
	};
	enum cli_exit status = CLI_OK;
	struct rpc_error error;
	struct rpc *rpc;
	ProtobufCMessage *answer;
	struct err e;
	char host[64];

	if (rpc_open(&conf, &rpc, &e) < 0)
		return cli_fail(&e);
	req.bootstrap_token = en->token;
	req.display_name = (char *) display_name(en, host, sizeof(host));
	req.grpc_csr = en->csrs[GRPC];
	req.vpn_csr = en->csrs[VPN];
	if (rpc_call(rpc, "/litevpn.v1.Enrollment/Enroll", &req.base,
	    &litevpn__v1__enroll_response__descriptor, &answer, &error) < 0)
		status = cli_fail_rpc(&error);
	else
		en->answer = (Litevpn__V1__EnrollResponse *) answer;
	rpc_close(rpc);
	return status;
}

/* --- the answer ------------------------------------------------------------------------------- */

/* A certificate for our key that says that we are this node, and a CA to go with it. */
static int
check_cert(const char *pki, const char *node, const char *cert, const char *key, const char *ca,
    struct err *e)
{
	struct pki_cert leaf, root;
	int rc;

	if ((rc = pki_pair_check(cert, key, e)) == 0 &&
	    (rc = pki_cert_read(cert, strlen(cert), &leaf, e)) == 0)
		rc = pki_cert_read(ca, strlen(ca), &root, e);
	if (rc == 0 &&
	    (leaf.name.kind != PKI_NODE || strcmp(leaf.name.id, node) != 0 || !root.is_ca))
		rc = err_set(e, -EBADMSG, "it is not for the node %.64s", node);
	return rc < 0 ? err_prefix(e, "the server's answer: %s certificate", pki) : 0;
}

static int
check_answer(const struct enrollment *en, struct err *e)
{
	const Litevpn__V1__EnrollResponse *a = en->answer;
	const char *node;
	int rc;

	if (a->node == NULL || a->node_token[0] == '\0' ||
	    (node = strchr(a->node->name, '/')) == NULL)
		return err_set(e, -EBADMSG, "the server's answer is not complete");
	rc = check_cert("grpc", node + 1, a->grpc_certificate, en->keys[GRPC], a->grpc_ca, e);
	return rc < 0 ? rc : check_cert("vpn", node + 1, a->vpn_certificate, en->keys[VPN],
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
	char path[PATH_MAX];
	int rc = put_all(en, &set, e);

	file_set_fini(&set);
	for (size_t i = 0; i < PKIS && rc == 0; i++) {
		snprintf(path, sizeof(path), "%s/" PENDING, en->dirs[i]);
		unlink(path);
	}
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

enum cli_exit
cmd_client_enroll(const struct cli *cli)
{
	struct enrollment en = { .args = &cli->args };
	enum cli_exit status;
	struct err e;

	if (check_args(en.args, &e) < 0)
		return cli_fail_usage(cli, &e);
	if (read_conf(&en, &e) < 0 || read_token(&en, &e) < 0 || find_ca(&en, &e) < 0 ||
	    prepare_key(&en, GRPC, &e) < 0 || prepare_key(&en, VPN, &e) < 0) {
		status = cli_fail(&e);
	} else if ((status = call(&en)) == CLI_OK) {
		if (check_answer(&en, &e) < 0 || store(&en, &e) < 0)
			status = cli_fail(&e);
		else
			say_enrolled(&en);
	}
	end(&en);
	return status;
}
