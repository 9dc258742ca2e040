/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/connect.h"
#include "cli/message.h"
#include "litevpn/v1/server.pb-c.h"

#define SERVICE &litevpn__v1__server__descriptor
#define COMPONENTS_MAX 8

/* In the order of the API's LogLevel, whose 0 is none of them. */
const char *const cmd_server_levels[] = { "reset", "error", "warn", "notice", "info", "debug",
	NULL };

static const char *const components[] = { "ctld", "ipamd", "tunneld", NULL };

const struct opt cmd_server_log_options[] = {
	{ .name = "component", .kind = OPT_WORD, .many = true, .value = "ctld|ipamd|tunneld",
	    .words = components, .help = "only this daemon; may be given again" },
	{ .name = "for", .kind = OPT_DURATION, .value = "TIME", .min = 1000,
	    .max = 7 * INT64_C(86400000),
	    .help = "then it is as configured again (default: until a reload or restart)" },
	{ 0 },
};

/* A daemon that has not done it makes the command fail. */
static enum cli_exit
outcome_of(Litevpn__V1__Outcome *const *outcomes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!outcomes[i]->done)
			return CLI_FAILED;
	}
	return CLI_OK;
}

static void
print_outcomes(Litevpn__V1__Outcome *const *outcomes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		output_field(stdout, outcomes[i]->component, "%s%s",
		    outcomes[i]->done ? "done" : "failed: ", outcomes[i]->message);
}

/* --- server reload ---------------------------------------------------------------------------- */

static void
print_reloaded(const struct cli *cli, const ProtobufCMessage *answer)
{
	const Litevpn__V1__ReloadResponse *r = (const Litevpn__V1__ReloadResponse *) answer;

	(void) cli;
	print_outcomes(r->outcomes, r->n_outcomes);
	for (size_t i = 0; i < r->n_changes; i++)
		output_field(stdout, "changed", "%s, %s", r->changes[i]->key,
		    answer_word(&litevpn__v1__config_change__effect__descriptor,
		    (int) r->changes[i]->effect));
	if (r->n_changes == 0)
		printf("the file says what the server runs with\n");
}

enum cli_exit
cmd_server_reload(const struct cli *cli)
{
	static const struct rpc_method reload = { SERVICE, "Reload" };
	Litevpn__V1__ReloadRequest req = LITEVPN__V1__RELOAD_REQUEST__INIT;
	const Litevpn__V1__ReloadResponse *r;
	ProtobufCMessage *answer;
	enum cli_exit status;

	message_change(&req.base, &cli->args);
	if ((status = connect_call(cli, &reload, &req.base, &answer)) != CLI_OK)
		return status;
	answer_show(cli, answer, print_reloaded);
	r = (const Litevpn__V1__ReloadResponse *) answer;
	status = outcome_of(r->outcomes, r->n_outcomes);
	protobuf_c_message_free_unpacked(answer, NULL);
	return status;
}

/* --- server log-level ------------------------------------------------------------------------- */

static void
print_levels(const struct cli *cli, const ProtobufCMessage *answer)
{
	const Litevpn__V1__SetLogLevelResponse *r =
	    (const Litevpn__V1__SetLogLevelResponse *) answer;

	(void) cli;
	print_outcomes(r->outcomes, r->n_outcomes);
}

enum cli_exit
cmd_server_log_level(const struct cli *cli)
{
	static const struct rpc_method set = { SERVICE, "SetLogLevel" };
	Litevpn__V1__SetLogLevelRequest req = LITEVPN__V1__SET_LOG_LEVEL_REQUEST__INIT;
	Google__Protobuf__Duration duration = GOOGLE__PROTOBUF__DURATION__INIT;
	const Litevpn__V1__SetLogLevelResponse *r;
	const char *names[COMPONENTS_MAX];
	ProtobufCMessage *answer;
	enum cli_exit status;
	int level = 0;

	while (strcmp(cmd_server_levels[level], cli->args.operands[0]) != 0)
		level++;
	req.level = (Litevpn__V1__LogLevel) level;
	req.reset = level == 0;
	req.n_components = args_many(&cli->args, "component", names, COMPONENTS_MAX);
	req.components = (char **) names;
	duration.seconds = args_number(&cli->args, "for") / 1000;
	req.duration = args_has(&cli->args, "for") ? &duration : NULL;
	if ((status = connect_call(cli, &set, &req.base, &answer)) != CLI_OK)
		return status;
	answer_show(cli, answer, print_levels);
	r = (const Litevpn__V1__SetLogLevelResponse *) answer;
	status = outcome_of(r->outcomes, r->n_outcomes);
	protobuf_c_message_free_unpacked(answer, NULL);
	return status;
}
