/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/complete.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "tests/unit/kit.h"

#define WORDS_MAX 10

/* A server that has one thing of each kind, and says where it was asked. */
static void
ask(const struct cli *typed, enum names kind, const struct complete_word *word, FILE *to)
{
	complete_print(word, kind == NAMES_NODE ? "n-1" : "other",
	    args_text(&typed->args, "socket"), to);
}

static char *
completed(const char *const *words)
{
	char *text = NULL;
	size_t len, n = 0;
	FILE *f = open_memstream(&text, &len);

	while (words[n] != NULL)
		n++;
	complete(words, n, ask, f);
	fclose(f);
	return text;
}

static const struct {
	const char *words[WORDS_MAX];
	const char *has, *has_not;	/* NULL: nothing to look for */
} rows[] = {
	{ { "", NULL }, "node\t\n", "complete\t" },
	{ { "", NULL }, "status\tshow what runs", "list" },
	{ { "no", NULL }, "node\t", "token" },
	{ { "node", "", NULL }, "delete\tunregister", "create" },
	{ { "node", "d", NULL }, "disconnect\t", "list" },
	{ { "nothing", "", NULL }, NULL, "\t" },
	/* Operands, as many as there may be. */
	{ { "node", "show", "", NULL }, "n-1\t/run/", NULL },
	{ { "node", "show", "x", NULL }, NULL, "n-1" },
	{ { "node", "show", "n-1", "", NULL }, NULL, "\t" },
	{ { "pki", "issue", "", NULL }, "grpc\t\nvpn\t\n", NULL },
	{ { "explain", "TOKEN_E", NULL }, "TOKEN_EXPIRED\t", "TOKEN_USED" },
	{ { "config", "check", "", NULL }, ":file\t\n", NULL },
	/* Options: not again, unless they may be, and nothing where a value stands. */
	{ { "node", "list", "--", NULL }, "--network\t", NULL },
	{ { "node", "list", "--network", "x", "--", NULL }, "--socket\t", "--network" },
	{ { "node", "list", "--network=x", "--", NULL }, "--socket\t", "--network" },
	{ { "node", "list", "-o", "json", "--", NULL }, "--socket\t", "--output" },
	{ { "pki", "init", "--san", "x", "--s", NULL }, "--san\t", NULL },
	{ { "node", "list", "-o", "", NULL }, "table\t\njson\t\nname\t\n", NULL },
	{ { "node", "list", "--output=j", NULL }, "--output=json\t\n", "table" },
	{ { "node", "list", "--network", "", NULL }, "other\t", NULL },
	{ { "node", "list", "--network=o", NULL }, "--network=other\t", NULL },
	{ { "pki", "init", "--dir=", NULL }, ":dir\t--dir=\n", NULL },
	{ { "node", "list", "--nothing=", NULL }, NULL, "\t" },
	{ { "token", "create", "--uses", "", NULL }, NULL, "\t" },
	/* Options before the noun are of use, too. */
	{ { "-o", "json", "node", "li", NULL }, "list\t", NULL },
	{ { "--output", "", NULL }, "json\t", NULL },
	{ { "--socket", "/x", "node", "show", "", NULL }, "n-1\t/x\n", NULL },
	{ { "node", "show", "--socket", "/y", "", NULL }, "n-1\t/y\n", NULL },
	/* Of a line with a mistake nothing is asked. */
	{ { "node", "show", "--nothing", "", NULL }, NULL, "n-1" },
};

START_TEST(what_could_stand_next)
{
	char *text = completed(rows[_i].words);

	if (rows[_i].has != NULL)
		ck_assert_msg(strstr(text, rows[_i].has) != NULL, "%s", text);
	if (rows[_i].has_not != NULL)
		ck_assert_msg(strstr(text, rows[_i].has_not) == NULL, "%s", text);
	free(text);
}
END_TEST

START_TEST(no_words_at_all)
{
	char *text = completed((const char *const[]){ NULL });

	ck_assert_ptr_nonnull(strstr(text, "node\t"));
	free(text);
}
END_TEST

/* What the parser, the help and completion rely on. */
START_TEST(the_table_is_sound)
{
	for (const struct command *c = commands; c->noun != NULL; c++) {
		ck_assert_ptr_eq(command_find(c->noun, c->verb), c);
		ck_assert(command_is_noun(c->noun));
		ck_assert_uint_le(c->operands.min, c->operands.max);
		ck_assert_uint_le(c->operands.max, ARGS_OPERANDS_MAX);
		ck_assert_int_eq(c->operands.max > 0, c->operands.shown != NULL);
		ck_assert_int_eq(c->operands.names == NAMES_WORD, c->operands.words != NULL);
		for (const struct opt *const *t = c->options; *t != NULL; t++) {
			for (const struct opt *o = *t; o->name != NULL; o++) {
				ck_assert_ptr_eq(args_option(c->options, o->name,
				    strlen(o->name)), o);
				ck_assert_int_eq(o->kind == OPT_FLAG, o->value == NULL);
				ck_assert_int_eq(o->kind == OPT_WORD, o->words != NULL);
				ck_assert_ptr_nonnull(o->help);
			}
		}
	}
	ck_assert_ptr_null(command_find("node", NULL));
	ck_assert_ptr_null(command_find("node", "nothing"));
	ck_assert(!command_is_noun("list"));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("complete");

	KIT_ROWS(tc, what_could_stand_next, rows);
	tcase_add_test(tc, no_words_at_all);
	tcase_add_test(tc, the_table_is_sound);
	return kit_run("complete", tc);
}
