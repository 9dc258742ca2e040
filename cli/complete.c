/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/complete.h"

#include <string.h>

#include "cli/commands.h"
#include "common/reason.h"

/* The words before the one that is being typed, as far as they are understood. */
struct line {
	const char *noun;		/* NULL: not typed yet */
	const struct command *command;	/* NULL: its words are not complete */
	size_t noperands;
	const struct opt *open;		/* the option whose value comes next */
	const char *rest[ARGS_VALUES_MAX];	/* the words but for noun and verb */
	size_t nrest;
};

static const struct opt *const *
tables_of(const struct line *l)
{
	return l->command == NULL ? commands_common : l->command->options;
}

/* --- what stands before ----------------------------------------------------------------------- */

/* The option that waits for a value after this word. */
static const struct opt *
opened_by(const struct line *l, const char *word)
{
	const struct opt *o = word[1] == '-'
	    ? args_option(tables_of(l), word + 2, strlen(word + 2))
	    : args_letter(tables_of(l), word[1]);

	if (o == NULL || o->kind == OPT_FLAG || (word[1] != '-' && word[2] != '\0'))
		return NULL;
	return o;
}

/* Is it one of the words that name the command? */
static bool
names_command(struct line *l, const char *word)
{
	if (l->command != NULL)
		return false;
	if (l->noun == NULL)
		l->noun = word;
	l->command = command_find(l->noun, l->noun == word ? NULL : word);
	return true;
}

static void
take(struct line *l, const char *word)
{
	if (l->open != NULL)
		l->open = NULL;
	else if (word[0] == '-' && word[1] != '\0')
		l->open = opened_by(l, word);
	else if (names_command(l, word))
		return;
	else
		l->noperands++;
	if (l->nrest < ARGS_VALUES_MAX)
		l->rest[l->nrest++] = word;
}

/* --- what comes next -------------------------------------------------------------------------- */

void
complete_print(const struct complete_word *word, const char *candidate, const char *help, FILE *to)
{
	if (strncmp(candidate, word->partial, strlen(word->partial)) == 0)
		fprintf(to, "%s%s\t%s\n", word->lead, candidate, help == NULL ? "" : help);
}

static void
print_words(const char *const *list, const struct complete_word *word, FILE *to)
{
	for (; *list != NULL; list++)
		complete_print(word, *list, NULL, to);
}

static void
print_reasons(const struct complete_word *word, FILE *to)
{
	enum reason r;

	for (unsigned i = 0; (r = reason_at(i)) != REASON_NONE; i++)
		complete_print(word, reason_name((int) r), reason_text((int) r), to);
}

/*
 * What is needed to reach the server may stand on the line; of a line with a mistake nothing is
 * known.
 */
static void
print_asked(const struct line *l, enum names kind, const struct complete_word *word,
    complete_ask *ask, FILE *to)
{
	struct cli typed = { .command = l->command };
	size_t n = l->nrest - (l->open != NULL);
	struct err e;

	if (args_parse(l->command->options, (int) n, (char *const *) l->rest, &typed.args, &e) == 0)
		ask(&typed, kind, word, to);
}

static void
print_names(const struct line *l, enum names kind, const char *const *list,
    const struct complete_word *word, complete_ask *ask, FILE *to)
{
	switch (kind) {
	case NAMES_NOTHING:
		break;
	case NAMES_FILE:
		fprintf(to, ":file\t%s\n", word->lead);
		break;
	case NAMES_DIR:
		fprintf(to, ":dir\t%s\n", word->lead);
		break;
	case NAMES_WORD:
		print_words(list, word, to);
		break;
	case NAMES_REASON:
		print_reasons(word, to);
		break;
	default:
		if (l->command != NULL)
			print_asked(l, kind, word, ask, to);
	}
}

static void
print_value(const struct line *l, const struct opt *o, const struct complete_word *word,
    complete_ask *ask, FILE *to)
{
	print_names(l, o->kind == OPT_WORD ? NAMES_WORD : o->names, o->words, word, ask, to);
}

static bool
is_typed(const struct line *l, const struct opt *o)
{
	for (size_t i = 0; i < l->nrest; i++) {
		const char *w = l->rest[i];

		if ((w[0] == '-' && w[1] == o->letter && o->letter != 0) ||
		    (strncmp(w, "--", 2) == 0 &&
		    args_option(tables_of(l), w + 2, strcspn(w + 2, "=")) == o))
			return true;
	}
	return false;
}

static void
print_options(const struct line *l, const struct complete_word *word, FILE *to)
{
	char name[64];

	for (const struct opt *const *table = tables_of(l); *table != NULL; table++) {
		for (const struct opt *o = *table; o->name != NULL; o++) {
			snprintf(name, sizeof(name), "--%s", o->name);
			if (o->many || !is_typed(l, o))
				complete_print(word, name, o->help, to);
		}
	}
}

/* Rows of one noun stand together. */
static void
print_nouns(const struct complete_word *word, FILE *to)
{
	const char *last = "";

	for (const struct command *c = commands; c->noun != NULL; c++) {
		if (strcmp(c->noun, last) != 0)
			complete_print(word, c->noun, c->verb == NULL ? c->help : NULL, to);
		last = c->noun;
	}
}

static void
print_verbs(const char *noun, const struct complete_word *word, FILE *to)
{
	for (const struct command *c = commands; c->noun != NULL; c++) {
		if (strcmp(c->noun, noun) == 0 && c->verb != NULL)
			complete_print(word, c->verb, c->help, to);
	}
}

/* "--name=value" is split; false: it is not of that form, or there is no such option. */
static bool
split_value(const struct line *l, struct complete_word *word, const struct opt **o_out)
{
	const char *equals = strchr(word->partial, '=');
	const struct opt *o;

	if (strncmp(word->partial, "--", 2) != 0 || equals == NULL)
		return false;
	o = args_option(tables_of(l), word->partial + 2, (size_t) (equals - word->partial) - 2);
	if (o == NULL || o->kind == OPT_FLAG)
		return false;
	snprintf(word->lead, sizeof(word->lead), "--%s=", o->name);
	word->partial = equals + 1;
	*o_out = o;
	return true;
}

void
complete(const char *const *words, size_t n, complete_ask *ask, FILE *to)
{
	struct line l = { 0 };
	struct complete_word word = { .partial = n == 0 ? "" : words[n - 1] };
	const struct opt *o;

	for (size_t i = 0; i + 1 < n; i++)
		take(&l, words[i]);
	if (l.open != NULL)
		print_value(&l, l.open, &word, ask, to);
	else if (split_value(&l, &word, &o))
		print_value(&l, o, &word, ask, to);
	else if (word.partial[0] == '-')
		print_options(&l, &word, to);
	else if (l.noun == NULL)
		print_nouns(&word, to);
	else if (l.command == NULL)
		print_verbs(l.noun, &word, to);
	else if (l.noperands < l.command->operands.max)
		print_names(&l, l.command->operands.names, l.command->operands.words, &word, ask,
		    to);
}
