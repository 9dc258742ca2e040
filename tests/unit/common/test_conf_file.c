/* SPDX-License-Identifier: Apache-2.0 */
#include "common/conf.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/common/confrig.h"
#include "tests/unit/kit.h"

/* The file as a whole: what is left of it in memory, how large it may be, who may read it. */

/* --- secrets ---------------------------------------------------------------------------------- */

#define SECRET_LEN 60
#define TAIL_LEN 28	/* looked for: into the beginning of freed memory malloc writes */

/* How often the text stands in the heap. Sanitizers have another one: then it is 0. */
static unsigned
count_in_heap(const char *text)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long begin, end;
	char line[256];
	unsigned n = 0;

	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (strstr(line, "[heap]") == NULL || sscanf(line, "%lx-%lx", &begin, &end) != 2)
			continue;
		for (const char *p = (const char *) begin; p < (const char *) end - TAIL_LEN; p++)
			n += memcmp(p, text, TAIL_LEN) == 0;
	}
	fclose(maps);
	return n;
}

START_TEST(nothing_of_a_token_is_left)
{
	struct confrig_values v = { 0 };
	char yaml[256], token[SECRET_LEN + 1] = "";
	struct conf_report r;
	const char *path;

	for (unsigned i = 0; i < SECRET_LEN; i++)
		token[i] = (char) ('a' + i * 7 % 26);
	snprintf(yaml, sizeof(yaml), "# %064d\nhosts: [%s]\n", 0, token);
	path = kit_write("secret.yml", yaml, 0600);
	ck_assert_int_eq(conf_load(path, &confrig_schema, &v, &r), 0);
	conf_free(&confrig_schema, &v);
	ck_assert_uint_eq(count_in_heap(token + SECRET_LEN - TAIL_LEN), 0);
}
END_TEST

/* --- sizes ------------------------------------------------------------------------------------ */

static unsigned
count_errors(const char *yaml)
{
	struct confrig_values v = { 0 };
	struct conf_report r;
	unsigned n;

	if (conf_load(kit_write("large.yml", yaml, 0600), &confrig_schema, &v, &r) == 0)
		conf_free(&confrig_schema, &v);
	n = r.n;
	conf_report_free(&r);
	return n;
}

static const struct {
	const char *head, *unit;
	size_t n;
	const char *tail;
	unsigned errors;
} sizes[] = {
	{ "numbers: [1", ",2", CONF_LIST_MAX - 1, "]\n", 0 },
	{ "numbers: [1", ",2", CONF_LIST_MAX, "]\n", 1 },
	{ "", "nokey: 1\n", 1000, "", 1000 },
	{ "", "# a comment\n", 5461, "", 0 },
	{ "", "# a comment\n", 5462, "", 1 },		/* over the limit of a file */
	{ "text: ", "x", 60000, "\n", 1 },
	{ "", "x", 60000, ": 1\n", 2 },		/* libyaml: a key is at most 1024 long */
	{ "unknown: ", "[", 60000, "\n", 2 },		/* unknown, and too deep: at once */
	{ "unknown: ", "{a: ", 15000, "\n", 2 },
};

START_TEST(large_files_have_an_end)
{
	char *yaml = confrig_repeat(sizes[_i].head, sizes[_i].unit, sizes[_i].n, sizes[_i].tail);

	ck_assert_uint_eq(count_errors(yaml), sizes[_i].errors);
	free(yaml);
}
END_TEST

START_TEST(later_errors_are_counted_and_not_kept)
{
	char *yaml = confrig_repeat("", "nokey: 1\n", CONF_ERRORS_MAX + 5, ""), *text = NULL;
	struct conf_report r;
	struct confrig_values v;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ck_assert_int_eq(conf_load(kit_write("many.yml", yaml, 0600), &confrig_schema, &v, &r), -EINVAL);
	conf_report_print(&r, f);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(text, ":32:1: unknown key"));
	ck_assert_ptr_null(strstr(text, ":33:1: unknown key"));
	ck_assert_ptr_nonnull(strstr(text, "... and 5 more errors\n"));
	conf_report_free(&r);
	free(text);
	free(yaml);
}
END_TEST

/* Each truncation, and each byte replaced by others, of a file with everything in it. */
START_TEST(no_file_breaks_the_reader)
{
	static const char whole[] =
	    "flag: false\nhosts: [a, 'b', \"c\"]\nnested:\n  deep: {deeper: 1}\n"
	    "addrs:\n  - ::1\n  - 192.0.2.1\ntext: |\n  some\n";
	static const char bytes[] = "\0\n\t:-[]{}&*!|>'\"%@#?,\x80\xff";
	char copy[sizeof(whole)];

	for (size_t i = 0; i < sizeof(whole) - 1; i++) {
		memcpy(copy, whole, sizeof(whole));
		copy[i] = '\0';
		count_errors(copy);
		copy[i] = bytes[i % (sizeof(bytes) - 1)];
		count_errors(copy);
	}
}
END_TEST

/* --- the file itself -------------------------------------------------------------------------- */

static char *
load_error(const char *path)
{
	struct confrig_values v;
	struct conf_report r;
	char *text;

	ck_assert_int_eq(conf_load(path, &confrig_schema, &v, &r), -EINVAL);
	ck_assert_uint_eq(r.n, 1);
	text = confrig_report(&r, path);
	conf_report_free(&r);
	return text;
}

START_TEST(what_is_not_an_ordinary_file_is_refused)
{
	const char *fifo = KIT_PATH("fifo");
	char *text;

	text = load_error(KIT_PATH("missing.yml"));
	ck_assert_str_eq(text, " No such file or directory\n");
	free(text);
	text = load_error(kit_dir());
	ck_assert_str_eq(text, " not a regular file\n");
	free(text);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	text = load_error(fifo);	/* and it does not wait for a writer */
	ck_assert_str_eq(text, " not a regular file\n");
	free(text);
}
END_TEST

START_TEST(a_check_sees_who_can_read_the_file)
{
	struct confrig_values v;
	struct conf_report r;

	ck_assert_int_eq(conf_load(kit_write("open.yml", "number: 13\n", 0644), &confrig_schema, &v, &r),
	    -EINVAL);
	ck_assert_ptr_nonnull(strstr(r.lines[0], "number is 13, readable"));
	conf_report_free(&r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("conf_file");

	tcase_add_test(tc, nothing_of_a_token_is_left);
	KIT_ROWS(tc, large_files_have_an_end, sizes);
	tcase_add_test(tc, later_errors_are_counted_and_not_kept);
	tcase_add_test(tc, no_file_breaks_the_reader);
	tcase_add_test(tc, what_is_not_an_ordinary_file_is_refused);
	tcase_add_test(tc, a_check_sees_who_can_read_the_file);
	return kit_run("common/conf_file", tc);
}
