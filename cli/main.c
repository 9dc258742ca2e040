/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/help.h"
#include "common/suggest.h"
#include "config.h"

/* litevpnctl NOUN VERB: finds the row of the table, reads the options by it, runs it. */

/* What may stand before the noun, too: commands take of these what their own rows name. */
static const struct opt *const common[] = { connect_options, output_options, help_options, NULL };

#define OPTIONS(...) ((const struct opt *const[]){ __VA_ARGS__, help_options, NULL })
#define TALKS connect_options, output_options

/* clang-format off */
static const struct command commands[] = {
	{ "status", NULL, NULL, 0, 0, OPTIONS(TALKS), "show what runs and how full it is",
	    cmd_status },
	{ "node", "list", NULL, 0, 0, OPTIONS(TALKS), "list all nodes", cmd_node_list },
	{ "node", "show", "NODE", 1, 1, OPTIONS(TALKS), "show one node with its session",
	    cmd_node_show },
	{ "node", "delete", "NODE", 1, 1, OPTIONS(TALKS), "unregister a node and cut its session",
	    cmd_node_delete },
	{ "token", "create", NULL, 0, 0, OPTIONS(cmd_token_create_options, TALKS),
	    "make a bootstrap token, with which a machine can enroll", cmd_token_create },
	{ "client", "enroll", NULL, 0, 0, OPTIONS(cmd_client_enroll_options),
	    "make this machine a node", cmd_client_enroll },
	{ "pki", "init", NULL, 0, 0, OPTIONS(cmd_pki_init_options),
	    "make the certificates of a new server", cmd_pki_init },
	{ "pki", "issue", "PKI", 1, 1, OPTIONS(cmd_pki_issue_options),
	    "make one more certificate; PKI is grpc or vpn", cmd_pki_issue },
	{ "config", "check", "FILE", 1, 1, OPTIONS(cmd_config_check_options),
	    "check a configuration file", cmd_config_check },
	{ "explain", NULL, "[REASON]", 0, 1, ((const struct opt *const[]){ help_options, NULL }),
	    "tell what a reason means and what to do", cmd_explain },
	{ 0 },
};
/* clang-format on */

static const struct command *
find(const char *noun, const char *verb)
{
	for (const struct command *c = commands; c->noun != NULL; c++) {
		if (strcmp(c->noun, noun) == 0 &&
		    (c->verb == NULL || (verb != NULL && strcmp(c->verb, verb) == 0)))
			return c;
	}
	return NULL;
}

static bool
is_noun(const char *word)
{
	for (const struct command *c = commands; c->noun != NULL; c++) {
		if (strcmp(c->noun, word) == 0)
			return true;
	}
	return false;
}

/* noun NULL: the noun is what is wrong. */
static enum cli_exit
fail_word(const char *noun, const char *wrong)
{
	struct suggest s = suggest_for(wrong);

	for (const struct command *c = commands; c->noun != NULL; c++) {
		if (noun == NULL)
			suggest_try(&s, c->noun);
		else if (strcmp(c->noun, noun) == 0)
			suggest_try(&s, c->verb);
	}
	fprintf(stderr, "litevpnctl: %s%sunknown %s \"%.60s\"%s%s%s\n", noun == NULL ? "" : noun,
	    noun == NULL ? "" : ": ", noun == NULL ? "command" : "verb", wrong,
	    s.found == NULL ? "" : "; did you mean \"", s.found == NULL ? "" : s.found,
	    s.found == NULL ? "" : "\"?");
	fprintf(stderr, "  hint: litevpnctl %s%s-h\n", noun == NULL ? "" : noun,
	    noun == NULL ? "" : " ");
	return CLI_USAGE;
}

static bool
asks_help(const char *arg)
{
	return arg != NULL && (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0);
}

static enum cli_exit
run(const struct command *c, int argc, char **argv)
{
	struct cli cli = { .command = c };
	struct err e;

	if (args_parse(c->options, argc, argv, &cli.args, &e) < 0)
		return cli_fail_usage(&cli, &e);
	if (args_has(&cli.args, "help")) {
		help_command(c, stdout);
		return CLI_OK;
	}
	if (cli.args.noperands < c->min_operands) {
		err_set(&e, -1, "%s is missing", c->operands);
		return cli_fail_usage(&cli, &e);
	}
	if (cli.args.noperands > c->max_operands) {
		err_set(&e, -1, "unexpected argument \"%.60s\"",
		    cli.args.operands[c->max_operands]);
		return cli_fail_usage(&cli, &e);
	}
	return c->run(&cli);
}

/* The options before the noun are put behind it, and noun and verb are taken out. */
static enum cli_exit
dispatch(int argc, char **argv, int leading)
{
	const char *noun = argv[leading], *verb = leading + 1 < argc ? argv[leading + 1] : NULL;
	const struct command *c = find(noun, verb);
	int words = c == NULL || c->verb == NULL ? 1 : 2;

	if (!is_noun(noun))
		return fail_word(NULL, noun);
	if (c == NULL && (verb == NULL || asks_help(verb))) {
		help_noun(commands, noun, verb == NULL ? stderr : stdout);
		return verb == NULL ? CLI_USAGE : CLI_OK;
	}
	if (c == NULL)
		return fail_word(noun, verb);
	memmove(argv + words, argv, (size_t) leading * sizeof(*argv));
	return run(c, argc - words, argv + words);
}

int
main(int argc, char **argv)
{
	enum cli_exit status;
	struct err e;
	int leading;

	umask(022); /* the mode of what is made is said where it is made, for keys 0400 or 0600 */
	argc--;
	argv++;
	if (argc > 0 && (asks_help(argv[0]) || strcmp(argv[0], "-V") == 0 ||
	    strcmp(argv[0], "--version") == 0)) {
		if (asks_help(argv[0]))
			help_all(commands, stdout);
		else
			printf("litevpnctl %s\n", PACKAGE_VERSION);
		return CLI_OK;
	}
	if ((leading = args_leading(common, argc, argv, &e)) < 0) {
		fprintf(stderr, "litevpnctl: %s\n  hint: litevpnctl -h\n", e.text);
		return CLI_USAGE;
	}
	if (leading == argc) {
		help_all(commands, stderr);
		return CLI_USAGE;
	}
	status = dispatch(argc, argv, leading);
	if (fflush(stdout) != 0 && status == CLI_OK) {
		perror("litevpnctl: standard output");
		status = CLI_FAILED;
	}
	return (int) status;
}
