/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_CLI_H
#define LV_CLI_CLI_H

#include <protobuf-c/protobuf-c.h>
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

/* What stands on a command line beside its options. */
struct operands {
	const char *shown;	/* as in the help: "NODE"; NULL: there are none */
	size_t min, max;
	enum names names;
	const char *const *words;	/* NAMES_WORD: ends with NULL */
};

/*
 * One row of the table in commands.c: parsing, help, completion and a lint of the manual read it.
 */
struct command {
	const char *noun, *verb;	/* verb NULL: the noun alone is the command */
	struct operands operands;
	const struct opt *const *options;	/* tables, the last pointer NULL */
	const char *help;			/* one sentence, no full stop */
	enum cli_exit (*run)(const struct cli *cli);
};

/* The commands: a file per noun, cmd_NOUN.c, or per verb where that is large. */
enum cli_exit cmd_status(const struct cli *cli);
enum cli_exit cmd_node_list(const struct cli *cli);
enum cli_exit cmd_node_show(const struct cli *cli);
enum cli_exit cmd_node_watch(const struct cli *cli);
enum cli_exit cmd_node_wait(const struct cli *cli);
enum cli_exit cmd_node_update(const struct cli *cli);
enum cli_exit cmd_node_disconnect(const struct cli *cli);
enum cli_exit cmd_node_delete(const struct cli *cli);
enum cli_exit cmd_top(const struct cli *cli);
enum cli_exit cmd_token_create(const struct cli *cli);
enum cli_exit cmd_token_list(const struct cli *cli);
enum cli_exit cmd_token_show(const struct cli *cli);
enum cli_exit cmd_token_revoke(const struct cli *cli);
enum cli_exit cmd_address_list(const struct cli *cli);
enum cli_exit cmd_address_usage(const struct cli *cli);
enum cli_exit cmd_address_reserve(const struct cli *cli);
enum cli_exit cmd_address_release(const struct cli *cli);
enum cli_exit cmd_address_reclaim(const struct cli *cli);
enum cli_exit cmd_network_list(const struct cli *cli);
enum cli_exit cmd_network_show(const struct cli *cli);
enum cli_exit cmd_network_create(const struct cli *cli);
enum cli_exit cmd_network_recreate(const struct cli *cli);
enum cli_exit cmd_network_net_token(const struct cli *cli);
enum cli_exit cmd_network_delete(const struct cli *cli);
enum cli_exit cmd_event_list(const struct cli *cli);
enum cli_exit cmd_event_watch(const struct cli *cli);
enum cli_exit cmd_server_reload(const struct cli *cli);
enum cli_exit cmd_server_log_level(const struct cli *cli);
enum cli_exit cmd_backup(const struct cli *cli);
enum cli_exit cmd_cert_show(const struct cli *cli);
enum cli_exit cmd_cert_renew(const struct cli *cli);
enum cli_exit cmd_client_status(const struct cli *cli);
enum cli_exit cmd_client_up(const struct cli *cli);
enum cli_exit cmd_client_down(const struct cli *cli);
enum cli_exit cmd_client_unregister(const struct cli *cli);
enum cli_exit cmd_client_enroll(const struct cli *cli);
enum cli_exit cmd_pki_init(const struct cli *cli);
enum cli_exit cmd_pki_issue(const struct cli *cli);
enum cli_exit cmd_config_check(const struct cli *cli);
enum cli_exit cmd_doctor(const struct cli *cli);
enum cli_exit cmd_explain(const struct cli *cli);
enum cli_exit cmd_completion(const struct cli *cli);

extern const struct opt cmd_node_list_options[], cmd_node_watch_options[];
extern const struct opt cmd_node_wait_options[], cmd_node_update_options[];
extern const struct opt cmd_token_create_options[], cmd_token_list_options[];
extern const struct opt cmd_address_network_options[], cmd_address_list_options[];
extern const struct opt cmd_address_usage_options[], cmd_address_reserve_options[];
extern const struct opt cmd_address_reclaim_options[], cmd_network_prefix_options[];
extern const struct opt cmd_network_open_options[], cmd_network_delete_options[];
extern const struct opt cmd_event_options[], cmd_event_watch_options[], cmd_server_log_options[];
extern const struct opt cmd_backup_options[], cmd_top_options[], cmd_doctor_options[];
extern const struct opt cmd_client_up_options[], cmd_client_enroll_options[];
extern const struct opt cmd_pki_init_options[], cmd_pki_issue_options[];
extern const struct opt cmd_config_check_options[];
extern const char *const cmd_completion_shells[], *const cmd_server_levels[];

/* What others print, too: answer_print of a NodeInfo (cmd_node.c). */
void cmd_node_print(const struct cli *cli, const ProtobufCMessage *node);

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
