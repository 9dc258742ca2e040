/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>

#include "common/conf_client.h"
#include "common/conf_server.h"

const struct opt cmd_config_check_options[] = {
	{ .name = "client", .kind = OPT_FLAG, .help = "it is a node's client.yml" },
	{ 0 },
};

enum cli_exit
cmd_config_check(const struct cli *cli)
{
	const char *path = cli->args.operands[0];
	bool client = args_has(&cli->args, "client");
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
