/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/kit.h"

static const char *const forms[] = { "table", "json", NULL };

static const struct opt own[] = {
	{ .name = "uses", .kind = OPT_INT, .value = "N", .dflt = "1", .min = 1, .max = 10 },
	{ .name = "ttl", .kind = OPT_DURATION, .value = "TIME", .min = 1000, .max = 86400000 },
	{ .name = "san", .kind = OPT_TEXT, .many = true, .value = "HOST" },
	{ 0 },
};
static const struct opt shared[] = {
	{ .name = "output", .letter = 'o', .kind = OPT_WORD, .value = "FORM", .dflt = "table",
	    .words = forms },
	{ .name = "force", .letter = 'f', .kind = OPT_FLAG },
	{ 0 },
};
static const struct opt *const tables[] = { own, shared, NULL };

#define ARGC_MAX 8

static int
count(const char *const *argv)
{
	int n = 0;

	while (argv[n] != NULL)
		n++;
	return n;
}

static const struct {
	const char *argv[ARGC_MAX];
	const char *output, *ttl;
	int64_t uses, ttl_ms;
	bool force;
	size_t noperands;
} good[] = {
	{ { NULL }, "table", NULL, 1, 0, false, 0 },
	{ { "-o", "json", NULL }, "json", NULL, 1, 0, false, 0 },
	{ { "-ojson", NULL }, "json", NULL, 1, 0, false, 0 },
	{ { "--output=json", "-f", NULL }, "json", NULL, 1, 0, true, 0 },
	{ { "--output", "json", "--force", NULL }, "json", NULL, 1, 0, true, 0 },
	{ { "a", "--uses", "10", "b", NULL }, "table", NULL, 10, 0, false, 2 },
	{ { "--ttl=1h30m", "-", NULL }, "table", "1h30m", 1, 5400000, false, 1 },
	{ { "--", "--force", "-o", NULL }, "table", NULL, 1, 0, false, 2 },
};

START_TEST(options_and_operands_are_told_apart)
{
	struct args a;
	struct err e;

	ck_assert_int_eq(args_parse(tables, count(good[_i].argv), (char *const *) good[_i].argv, &a,
	    &e), 0);
	ck_assert_str_eq(args_text(&a, "output"), good[_i].output);
	ck_assert_str_eq(forms[args_word(&a, "output")], good[_i].output);
	ck_assert_pstr_eq(args_text(&a, "ttl"), good[_i].ttl);
	ck_assert_int_eq(args_number(&a, "uses"), good[_i].uses);
	ck_assert_int_eq(args_number(&a, "ttl"), good[_i].ttl_ms);
	ck_assert_int_eq(args_has(&a, "force"), good[_i].force);
	ck_assert_uint_eq(a.noperands, good[_i].noperands);
}
END_TEST

static const struct {
	const char *argv[ARGC_MAX];
	const char *says;
} bad[] = {
	{ { "--forse", NULL }, "did you mean --force?" },
	{ { "--xylophone", NULL }, "unknown option --xylophone" },
	{ { "--fo", NULL }, "unknown option" },	/* no guessing by beginnings */
	{ { "-x", NULL }, "unknown option -x" },
	{ { "--uses", NULL }, "needs a value: N" },
	{ { "-o", NULL }, "needs a value: FORM" },
	{ { "--force=yes", NULL }, "takes no value" },
	{ { "-fo", NULL }, "takes no value" },
	{ { "--uses", "0", NULL }, "from 1 to 10" },
	{ { "--uses", "11", NULL }, "from 1 to 10" },
	{ { "--uses", "1x", NULL }, "whole number" },
	{ { "--uses", "", NULL }, "whole number" },
	{ { "--uses", "99999999999999999999", NULL }, "whole number" },
	{ { "--ttl", "10", NULL }, "with its unit" },
	{ { "--ttl", "999ms", NULL }, "(ms, s, m, h, d) from 1s to 1d" },
	{ { "--ttl", "2d", NULL }, "with its unit" },
	{ { "-o", "yaml", NULL }, "one of table, json" },
	{ { "-o", "json", "-o", "json", NULL }, "given twice" },
};

START_TEST(mistakes_are_named)
{
	struct args a;
	struct err e;

	ck_assert_int_eq(args_parse(tables, count(bad[_i].argv), (char *const *) bad[_i].argv, &a,
	    &e), -EINVAL);
	ck_assert_msg(strstr(e.text, bad[_i].says) != NULL, "%s", e.text);
}
END_TEST

START_TEST(some_may_be_given_again)
{
	const char *argv[] = { "--san", "a", "x", "--san=b", "--san", "c", NULL };
	const char *values[4];
	struct args a;
	struct err e;

	ck_assert_int_eq(args_parse(tables, 6, (char *const *) argv, &a, &e), 0);
	ck_assert_uint_eq(args_many(&a, "san", values, 4), 3);
	ck_assert_str_eq(values[0], "a");
	ck_assert_str_eq(values[2], "c");
	ck_assert_uint_eq(args_many(&a, "san", values, 2), 2);
	ck_assert_str_eq(args_text(&a, "san"), "c");
	ck_assert_uint_eq(a.noperands, 1);
}
END_TEST

START_TEST(too_many_are_refused)
{
	const char *operands[ARGS_OPERANDS_MAX + 1], *options[ARGS_VALUES_MAX + 1];
	struct args a;
	struct err e;

	for (size_t i = 0; i < ARGS_OPERANDS_MAX + 1; i++)
		operands[i] = "x";
	for (size_t i = 0; i < ARGS_VALUES_MAX + 1; i++)
		options[i] = "--san=x";
	ck_assert_int_eq(args_parse(tables, ARGS_OPERANDS_MAX, (char *const *) operands, &a,
	    &e), 0);
	ck_assert_int_eq(args_parse(tables, ARGS_OPERANDS_MAX + 1, (char *const *) operands, &a,
	    &e), -EINVAL);
	ck_assert_int_eq(args_parse(tables, ARGS_VALUES_MAX, (char *const *) options, &a, &e), 0);
	ck_assert_int_eq(args_parse(tables, ARGS_VALUES_MAX + 1, (char *const *) options, &a, &e),
	    -EINVAL);
}
END_TEST

static const struct {
	const char *argv[ARGC_MAX];
	int leading;
} leads[] = {
	{ { NULL }, 0 },
	{ { "node", "list", NULL }, 0 },
	{ { "-o", "json", "node", "-f", NULL }, 2 },
	{ { "--output=json", "-f", "node", NULL }, 2 },
	{ { "-f", NULL }, 1 },
	{ { "-x", "node", NULL }, -EINVAL },
	{ { "-o", NULL }, -EINVAL },
};

START_TEST(options_may_stand_before_the_noun)
{
	struct err e;

	ck_assert_int_eq(args_leading(tables, count(leads[_i].argv), (char *const *) leads[_i].argv,
	    &e), leads[_i].leading);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("args");

	KIT_ROWS(tc, options_and_operands_are_told_apart, good);
	KIT_ROWS(tc, mistakes_are_named, bad);
	tcase_add_test(tc, some_may_be_given_again);
	tcase_add_test(tc, too_many_are_refused);
	KIT_ROWS(tc, options_may_stand_before_the_noun, leads);
	return kit_run("args", tc);
}
