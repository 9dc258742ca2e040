/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <string.h>

#include "cli/commands.h"

#define COMMAND_WIDTH 30
#define OPTION_WIDTH 34

const struct opt help_options[] = {
	{ .name = "help", .letter = 'h', .kind = OPT_FLAG, .help = "show this" },
	{ 0 },
};

/* "noun verb OPERANDS" */
static void
usage_of(const struct command *c, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s%s%s", c->noun, c->verb == NULL ? "" : " ",
	    c->verb == NULL ? "" : c->verb, c->operands.shown == NULL ? "" : " ",
	    c->operands.shown == NULL ? "" : c->operands.shown);
}

static void
print_row(const struct command *c, FILE *to)
{
	char usage[80];

	usage_of(c, usage, sizeof(usage));
	fprintf(to, "  %-*s %s\n", COMMAND_WIDTH, usage, c->help);
}

static void
print_option(const struct opt *o, FILE *to)
{
	char left[80];

	snprintf(left, sizeof(left), "%c%c%s--%s%s%s", o->letter == 0 ? ' ' : '-',
	    o->letter == 0 ? ' ' : o->letter, o->letter == 0 ? "  " : ", ", o->name,
	    o->value == NULL ? "" : " ", o->value == NULL ? "" : o->value);
	fprintf(to, "  %-*s %s", OPTION_WIDTH, left, o->help);
	if (o->dflt != NULL && o->dflt[0] != '\0')
		fprintf(to, " (default %s)", o->dflt);
	fputc('\n', to);
}

void
help_all(FILE *to)
{
	fputs("usage: litevpnctl NOUN VERB [options]\n", to);
	for (const struct command *c = commands; c->noun != NULL; c++)
		print_row(c, to);
	fputs("litevpnctl NOUN VERB -h shows the options. See litevpnctl(1).\n", to);
}

void
help_noun(const char *noun, FILE *to)
{
	fprintf(to, "usage: litevpnctl %s VERB [options]\n", noun);
	for (const struct command *c = commands; c->noun != NULL; c++) {
		if (strcmp(c->noun, noun) == 0)
			print_row(c, to);
	}
}

void
help_command(const struct command *c, FILE *to)
{
	char usage[80];

	usage_of(c, usage, sizeof(usage));
	fprintf(to, "usage: litevpnctl %s [options]\n  %s\n\n", usage, c->help);
	for (const struct opt *const *table = c->options; *table != NULL; table++) {
		for (const struct opt *o = *table; o->name != NULL; o++)
			print_option(o, to);
	}
}
