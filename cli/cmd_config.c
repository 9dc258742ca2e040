/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/answer.h"
#include "cli/connect.h"
#include "common/conf_client.h"
#include "common/conf_server.h"
#include "common/secret.h"
#include "litevpn/v1/server.pb-c.h"

const struct opt cmd_config_check_options[] = {
	{ .name = "client", .kind = OPT_FLAG, .help = "it is a node's client.yml" },
	{ .name = "compare", .kind = OPT_FLAG,
	    .help = "let the running server check it, and say what would change" },
	{ 0 },
};

static enum cli_exit
check_here(const char *path, bool client)
{
	const struct conf_schema *schema = client ? &conf_client_schema : &conf_server_schema;
	union {
		struct conf_client client;
		struct conf_server server;
	} values;
	struct conf_report report = { 0 };
	int rc = conf_load(path, schema, &values, &report);

	conf_report_print(&report, stderr);
	conf_report_free(&report);
	if (rc < 0)
		return CLI_FAILED;
	printf("%s: ok\n", path);
	conf_free(schema, &values);
	return CLI_OK;
}

/* --- by the server ---------------------------------------------------------------------------- */

static void
print_checked(const struct cli *cli, const ProtobufCMessage *answer)
{
	const Litevpn__V1__CheckConfigResponse *r =
	    (const Litevpn__V1__CheckConfigResponse *) answer;
	const char *path = cli->args.operands[0];

	for (size_t i = 0; i < r->n_mistakes; i++) {
		fprintf(stderr, "%s:%" PRIu32 ":%" PRIu32 ": ", path, r->mistakes[i]->line,
		    r->mistakes[i]->column);
		output_text(stderr, r->mistakes[i]->message);
		fputc('\n', stderr);
	}
	if (r->mistake_count == 0)
		printf("%s: ok, %zu keys differ from the server's\n", path, r->n_changes);
	for (size_t i = 0; i < r->n_changes; i++)
		output_field(stdout, "changed", "%s, %s", r->changes[i]->key,
		    answer_word(&litevpn__v1__config_change__effect__descriptor,
		    (int) r->changes[i]->effect));
}

static enum cli_exit
check_there(const struct cli *cli, const char *path)
{
	static const struct rpc_method check = { &litevpn__v1__server__descriptor, "CheckConfig" };
	Litevpn__V1__CheckConfigRequest req = LITEVPN__V1__CHECK_CONFIG_REQUEST__INIT;
	ProtobufCMessage *answer;
	enum cli_exit status;
	struct err e;

	if (secret_read_file(path, false, &req.text, &e) < 0)
		return cli_fail(&e);
	if ((status = connect_call(cli, &check, &req.base, &answer)) == CLI_OK) {
		answer_show(cli, answer, print_checked);
		if (((const Litevpn__V1__CheckConfigResponse *) answer)->mistake_count > 0)
			status = CLI_FAILED;
		protobuf_c_message_free_unpacked(answer, NULL);
	}
	secret_free(req.text);
	return status;
}

enum cli_exit
cmd_config_check(const struct cli *cli)
{
	const char *path = cli->args.operands[0];
	bool client = args_has(&cli->args, "client"), compare = args_has(&cli->args, "compare");
	struct err e;

	if (client && compare) {
		err_set(&e, -EINVAL, "--compare is for a server.yml, not for a client.yml");
		return cli_fail_usage(cli, &e);
	}
	return compare ? check_there(cli, path) : check_here(path, client);
}
