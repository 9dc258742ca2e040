/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "common/suggest.h"

/* --- looking up ------------------------------------------------------------------------------- */

const struct opt *
args_option(const struct opt *const *tables, const char *name, size_t len)
{
	for (; *tables != NULL; tables++) {
		for (const struct opt *o = *tables; o->name != NULL; o++) {
			if (strncmp(o->name, name, len) == 0 && o->name[len] == '\0')
				return o;
		}
	}
	return NULL;
}

const struct opt *
args_letter(const struct opt *const *tables, char letter)
{
	for (; *tables != NULL; tables++) {
		for (const struct opt *o = *tables; o->name != NULL; o++) {
			if (o->letter == letter)
				return o;
		}
	}
	return NULL;
}

static int
fail_unknown(const struct opt *const *tables, const char *arg, const char *name, struct err *e)
{
	struct suggest s = suggest_for(name);

	for (; *tables != NULL; tables++) {
		for (const struct opt *o = *tables; o->name != NULL; o++)
			suggest_try(&s, o->name);
	}
	if (s.found == NULL)
		return err_set(e, -EINVAL, "unknown option %.60s", arg);
	return err_set(e, -EINVAL, "unknown option %.60s; did you mean --%s?", arg, s.found);
}

/* --- values ----------------------------------------------------------------------------------- */

/* The number in a text of that option; false: it is none, or out of range. */
static bool
read_number(const struct opt *o, const char *text, int64_t *out)
{
	char *end;
	int64_t v;

	if (o->kind == OPT_DURATION) {
		v = conf_duration_ms(text);
	} else {
		errno = 0;
		v = strtoll(text, &end, 10);
		if (*text == '\0' || *end != '\0' || errno != 0)
			return false;
	}
	*out = v;
	return v >= o->min && v <= o->max;
}

static bool
is_word(const struct opt *o, const char *text)
{
	for (const char *const *w = o->words; *w != NULL; w++) {
		if (strcmp(*w, text) == 0)
			return true;
	}
	return false;
}

static int
fail_word(const struct opt *o, const char *text, struct err *e)
{
	char list[128] = "";
	size_t n = 0;

	for (const char *const *w = o->words; *w != NULL && n < sizeof(list); w++)
		n += (size_t) snprintf(list + n, sizeof(list) - n, "%s%s", n == 0 ? "" : ", ", *w);
	return err_set(e, -EINVAL, "--%s is \"%.60s\", but must be one of %s", o->name, text, list);
}

/* A time in the largest unit that says it exactly: "365d", "1500ms". */
static const char *
duration_text(int64_t ms, char buf[32])
{
	static const struct {
		int64_t ms;
		const char *name;
	} units[] = {
		{ 86400000, "d" },
		{ 3600000, "h" },
		{ 60000, "m" },
		{ 1000, "s" },
		{ 1, "ms" },
	};
	size_t i = 0;

	while (ms % units[i].ms != 0)
		i++;
	snprintf(buf, 32, "%" PRId64 "%s", ms / units[i].ms, units[i].name);
	return buf;
}

static int
check_value(const struct opt *o, const char *text, struct err *e)
{
	char min[32], max[32];
	int64_t v;

	switch (o->kind) {
	case OPT_INT:
		if (!read_number(o, text, &v))
			return err_set(e, -EINVAL, "--%s is \"%.60s\", but must be a whole number "
			    "from %" PRId64 " to %" PRId64, o->name, text, o->min, o->max);
		break;
	case OPT_DURATION:
		if (!read_number(o, text, &v))
			return err_set(e, -EINVAL, "--%s is \"%.60s\", but must be a time with its "
			    "unit (ms, s, m, h, d) from %s to %s", o->name, text,
			    duration_text(o->min, min), duration_text(o->max, max));
		break;
	case OPT_WORD:
		if (!is_word(o, text))
			return fail_word(o, text, e);
		break;
	default:
		break;
	}
	return 0;
}

/* --- the walk --------------------------------------------------------------------------------- */

struct walk {
	const struct opt *const *tables;
	char *const *argv;
	int argc, next;		/* argument to read */
	struct args *out;
};

static int
take_value(struct walk *w, const struct opt *o, const char *text, struct err *e)
{
	struct args *a = w->out;
	int rc;

	if (o->kind == OPT_FLAG) {
		if (text != NULL)
			return err_set(e, -EINVAL, "--%s takes no value", o->name);
		text = "";
	} else if (text == NULL) {
		if (w->next >= w->argc)
			return err_set(e, -EINVAL, "--%s needs a value: %s", o->name, o->value);
		text = w->argv[w->next++];
	}
	if (!o->many && args_has(a, o->name))
		return err_set(e, -EINVAL, "--%s is given twice", o->name);
	if (a->nvalues == ARGS_VALUES_MAX)
		return err_set(e, -EINVAL, "more than %d options", ARGS_VALUES_MAX);
	if ((rc = check_value(o, text, e)) < 0)
		return rc;
	a->values[a->nvalues++] = (struct args_value){ o, text };
	return 0;
}

/* --name, --name=value, --name value */
static int
take_long(struct walk *w, const char *arg, struct err *e)
{
	const char *name = arg + 2, *equals = strchr(name, '=');
	char word[64];
	size_t len = equals == NULL ? strlen(name) : (size_t) (equals - name);
	const struct opt *o = args_option(w->tables, name, len);

	if (o == NULL) {
		snprintf(word, sizeof(word), "%.*s", (int) len, name);
		return fail_unknown(w->tables, arg, word, e);
	}
	return take_value(w, o, equals == NULL ? NULL : equals + 1, e);
}

/* -n, -n value, -nvalue */
static int
take_short(struct walk *w, const char *arg, struct err *e)
{
	const struct opt *o = args_letter(w->tables, arg[1]);

	if (o == NULL)
		return fail_unknown(w->tables, arg, arg + 1, e);
	return take_value(w, o, arg[2] == '\0' ? NULL : arg + 2, e);
}

static int
take_operand(struct walk *w, const char *arg, struct err *e)
{
	if (w->out->noperands == ARGS_OPERANDS_MAX)
		return err_set(e, -EINVAL, "unexpected argument \"%.60s\"", arg);
	w->out->operands[w->out->noperands++] = arg;
	return 0;
}

int
args_parse(const struct opt *const *tables, int argc, char *const *argv, struct args *out,
    struct err *e)
{
	struct walk w = { .tables = tables, .argv = argv, .argc = argc, .out = out };
	bool options = true;
	int rc = 0;

	*out = (struct args){ .tables = tables };
	while (rc == 0 && w.next < argc) {
		const char *arg = argv[w.next++];

		if (!options || arg[0] != '-' || arg[1] == '\0')	/* "-": standard input */
			rc = take_operand(&w, arg, e);
		else if (strcmp(arg, "--") == 0)
			options = false;
		else if (arg[1] == '-')
			rc = take_long(&w, arg, e);
		else
			rc = take_short(&w, arg, e);
	}
	return rc;
}

int
args_leading(const struct opt *const *tables, int argc, char *const *argv, struct err *e)
{
	struct args unused = { .tables = tables };
	struct walk w = { .tables = tables, .argv = argv, .argc = argc, .out = &unused };
	int rc = 0;

	while (w.next < argc && argv[w.next][0] == '-' && rc == 0) {
		const char *arg = argv[w.next++];

		rc = arg[1] == '-' ? take_long(&w, arg, e) : take_short(&w, arg, e);
	}
	return rc < 0 ? rc : w.next;
}

/* --- asking ----------------------------------------------------------------------------------- */

bool
args_has(const struct args *a, const char *name)
{
	for (size_t i = 0; i < a->nvalues; i++) {
		if (strcmp(a->values[i].opt->name, name) == 0)
			return true;
	}
	return false;
}

const char *
args_text(const struct args *a, const char *name)
{
	const struct opt *o = args_option(a->tables, name, strlen(name));

	assert(o != NULL);
	for (size_t i = a->nvalues; i-- > 0;) {
		if (a->values[i].opt == o)
			return a->values[i].text;
	}
	return o->dflt;
}

int64_t
args_number(const struct args *a, const char *name)
{
	const struct opt *o = args_option(a->tables, name, strlen(name));
	int64_t v = 0;

	assert(o != NULL && (o->kind == OPT_INT || o->kind == OPT_DURATION));
	if (args_text(a, name) != NULL)
		read_number(o, args_text(a, name), &v);
	return v;
}

unsigned
args_word(const struct args *a, const char *name)
{
	const struct opt *o = args_option(a->tables, name, strlen(name));
	const char *text = args_text(a, name);
	unsigned i = 0;

	assert(o != NULL && o->kind == OPT_WORD && text != NULL);
	while (o->words[i] != NULL && strcmp(o->words[i], text) != 0)
		i++;
	assert(o->words[i] != NULL);	/* args_parse has refused other words */
	return i;
}

size_t
args_many(const struct args *a, const char *name, const char **out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < a->nvalues && n < max; i++) {
		if (strcmp(a->values[i].opt->name, name) == 0)
			out[n++] = a->values[i].text;
	}
	return n;
}
