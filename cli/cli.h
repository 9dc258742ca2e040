/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_CLI_H
#define LV_CLI_CLI_H

#include <stddef.h>

#include "cli/args.h"
#include "cli/rpc.h"
#include "common/conf.h"

/* What all commands share. */

/* Exit statuses: stable, scripts depend on them. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,		/* refused, or it did not work */
	CLI_USAGE = 2,		/* the command line is wrong */
	CLI_NOT_FOUND = 3,
	CLI_UNAVAILABLE = 4,	/* nobody answers, or not in time */
	CLI_DENIED = 5,		/* the caller is not known, or may not do it */
};

struct cli {
	const struct command *command;
	struct args args;
};

/* One row of the table in main.c. */
struct command {
	const char *noun, *verb;	/* verb NULL: the noun alone is the command */
	const char *operands;		/* as shown in the help: "NODE"; NULL: none */
	size_t min_operands, max_operands;
	const struct opt *const *options;	/* tables, the last pointer NULL */
	const char *help;			/* one sentence, no full stop */
	enum cli_exit (*run)(const struct cli *cli);
};

/* The commands: one file per noun, cmd_NOUN.c. */
enum cli_exit cmd_pki_init(const struct cli *cli);
enum cli_exit cmd_pki_issue(const struct cli *cli);
enum cli_exit cmd_token_create(const struct cli *cli);
enum cli_exit cmd_client_enroll(const struct cli *cli);
enum cli_exit cmd_node_list(const struct cli *cli);
enum cli_exit cmd_node_show(const struct cli *cli);
enum cli_exit cmd_node_delete(const struct cli *cli);
enum cli_exit cmd_status(const struct cli *cli);
enum cli_exit cmd_config_check(const struct cli *cli);
enum cli_exit cmd_explain(const struct cli *cli);

extern const struct opt cmd_pki_init_options[], cmd_pki_issue_options[];
extern const struct opt cmd_token_create_options[], cmd_client_enroll_options[];
extern const struct opt cmd_config_check_options[];

/* How to reach a server (connect.c), and how answers are printed (output.c). */
extern const struct opt connect_options[], output_options[];

/* --- errors: one line "litevpnctl: REASON: text" and one with a hint, on stderr --------------- */

/* Of a call that was refused or not answered. */
enum cli_exit cli_fail_rpc(const struct rpc_error *e);

/* Of anything else. */
enum cli_exit cli_fail(const struct err *e);

/*
 * Of a configuration file, for cli_fail: its only mistake, or their number after all are printed.
 * consumes: report. Returns e->rc.
 */
int cli_conf_error(const char *path, struct conf_report *report, struct err *e);

/* Of the command line: says how it is to be used. */
enum cli_exit cli_fail_usage(const struct cli *cli, const struct err *e);

#endif
