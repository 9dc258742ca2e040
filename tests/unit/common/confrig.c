/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/common/confrig.h"

#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/kit.h"

static const char *const words[] = { "red", "green", "blue", NULL };

#define AT(field) .offset = offsetof(struct confrig_values, field)

static const struct conf_key deep_keys[] = {
	{ .name = "deeper", .type = CONF_INT, AT(deeper), .dflt = "3", .min = 0, .max = 9 },
	{ 0 },
};

static const struct conf_key inner_keys[] = {
	{ .name = "inner", .type = CONF_INT, AT(inner), .dflt = "2", .min = 0, .max = 9 },
	{ .name = "deep", .type = CONF_MAP, .keys = deep_keys },
	{ 0 },
};

static const struct conf_key keys[] = {
	{ .name = "flag", .type = CONF_BOOL, AT(flag), .dflt = "true" },
	{ .name = "number", .alias = "oldNumber", .type = CONF_INT, AT(number), .dflt = "5",
	    .min = -10, .max = 100 },
	{ .name = "size", .type = CONF_INT, .may_auto = true, AT(size), .dflt = "auto", .min = 10,
	    .max = 20 },
	{ .name = "life", .type = CONF_DURATION, AT(life), .dflt = "1h30m", .min = 50,
	    .max = 7 * 86400000LL },
	{ .name = "text", .type = CONF_TEXT, AT(text), .min = 2, .max = 8, .dflt = "some" },
	{ .name = "path", .type = CONF_PATH, AT(path) },
	{ .name = "host", .type = CONF_HOST, AT(host) },
	{ .name = "word", .type = CONF_WORD, AT(word), .dflt = "green", .words = words },
	{ .name = "addr", .type = CONF_ADDR, AT(addr) },
	{ .name = "prefix", .type = CONF_PREFIX, AT(prefix), .dflt = "10.1.1.1/24" },
	{ .name = "hosts", .type = CONF_HOST, .list = true, AT(hosts), .min = 1 },
	{ .name = "addrs", .type = CONF_ADDR, .list = true, AT(addrs) },
	{ .name = "numbers", .type = CONF_INT, .list = true, AT(numbers), .min = 0, .max = 999 },
	{ .name = "nested", .type = CONF_MAP, .keys = inner_keys },
	{ 0 },
};

/* The cross check of this schema: 13 is not wanted, and says whether it stands in the file. */
static void
check_thirteen(struct conf *c, const void *values)
{
	const struct confrig_values *v = values;

	if (v->number == 13)
		conf_fail(c, "number", "number is 13%s%s", conf_is_set(c, "number") ? "" : " unset",
		    conf_world_readable(c) ? ", readable" : "");
	if (v->deeper == 9)
		conf_fail(c, "deeper", "too deep");
	if (v->inner == 9)
		conf_fail(c, "size", "inner without size");
}

/* Two keys together. */
static void
check_colour(struct conf *c, const void *values)
{
	const struct confrig_values *v = values;

	if (v->flag && v->word == 2)
		conf_fail(c, "word", "a blue flag");
}

static const struct conf_rule rules[] = {
	{ { "number", "deeper", "inner" }, check_thirteen },
	{ { "flag", "word" }, check_colour },
	{ { NULL }, NULL },
};

const struct conf_schema confrig_schema = {
	.keys = keys,
	.size = sizeof(struct confrig_values),
	.rules = rules,
};

char *
confrig_report(const struct conf_report *r, const char *path)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (unsigned i = 0; i < r->n && i < CONF_ERRORS_MAX; i++) {
		ck_assert_int_eq(strncmp(r->lines[i], path, strlen(path)), 0);
		fprintf(f, "%s\n", r->lines[i] + strlen(path) + 1);
	}
	fclose(f);
	return text;
}

char *
confrig_repeat(const char *head, const char *unit, size_t n, const char *tail)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs(head, f);
	for (size_t i = 0; i < n; i++)
		fputs(unit, f);
	fputs(tail, f);
	fclose(f);
	return text;
}

struct confrig_values
confrig_load(const char *yaml)
{
	struct conf_report r;
	struct confrig_values v;
	int rc = conf_load(kit_write("good.yml", yaml, 0600), &confrig_schema, &v, &r);

	ck_assert_msg(rc == 0, "%s", rc == 0 ? "" : r.lines[0]);
	conf_report_free(&r);
	return v;
}
