/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/help.h"
#include "common/suggest.h"
#include "config.h"

/* litevpnctl NOUN VERB: finds the row of the table, reads the options by it, runs it. */

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

/* Are the operands as many as there should be, and of the words that there are? */
static int
check_operands(const struct operands *o, const struct args *a, struct err *e)
{
	const char *const *w = o->words;

	if (a->noperands < o->min)
		return err_set(e, -EINVAL, "%s is missing", o->shown);
	if (a->noperands > o->max)
		return err_set(e, -EINVAL, "unexpected argument \"%.60s\"", a->operands[o->max]);
	if (o->names != NAMES_WORD || a->noperands == 0)
		return 0;
	while (*w != NULL && strcmp(*w, a->operands[0]) != 0)
		w++;
	return *w != NULL ? 0 : err_set(e, -EINVAL, "\"%.60s\" must be one of %s",
	    a->operands[0], o->shown);
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
	if (check_operands(&c->operands, &cli.args, &e) < 0)
		return cli_fail_usage(&cli, &e);
	return c->run(&cli);
}

/* The options before the noun are put behind it, and noun and verb are taken out. */
static enum cli_exit
dispatch(int argc, char **argv, int leading)
{
	const char *noun = argv[leading], *verb = leading + 1 < argc ? argv[leading + 1] : NULL;
	const struct command *c = command_find(noun, verb);
	int words = c == NULL || c->verb == NULL ? 1 : 2;

	if (!command_is_noun(noun))
		return fail_word(NULL, noun);
	if (c == NULL && (verb == NULL || asks_help(verb))) {
		help_noun(noun, verb == NULL ? stderr : stdout);
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
			help_all(stdout);
		else
			printf("litevpnctl %s\n", PACKAGE_VERSION);
		return CLI_OK;
	}
	if (argc > 0 && strcmp(argv[0], "complete") == 0) {	/* asked by shells; not listed */
		complete((const char *const *) argv + 1, (size_t) argc - 1, complete_names, stdout);
		return CLI_OK;
	}
	if ((leading = args_leading(commands_common, argc, argv, &e)) < 0) {
		fprintf(stderr, "litevpnctl: %s\n  hint: litevpnctl -h\n", e.text);
		return CLI_USAGE;
	}
	if (leading == argc) {
		help_all(stderr);
		return CLI_USAGE;
	}
	status = dispatch(argc, argv, leading);
	if (fflush(stdout) != 0 && status == CLI_OK) {
		perror("litevpnctl: standard output");
		status = CLI_FAILED;
	}
	return (int) status;
}
