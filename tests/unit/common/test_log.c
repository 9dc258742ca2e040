/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include <check.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/kit.h"

static const char *
open_log(bool json, enum log_level level)
{
	static char path[KIT_PATH_MAX];
	struct log_conf conf = { .level = level, .json = json, .target = path };
	struct err e;

	kit_path("log", path);
	unlink(path);
	ck_assert_msg(log_open("test", &conf, &e) == 0, "%s", e.text);
	return path;
}

static void
must_match(const char *text, const char *pattern)
{
	regex_t re;

	ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	ck_assert_msg(regexec(&re, text, 0, NULL, 0) == 0, "\"%s\" is not %s", text, pattern);
	regfree(&re);
}

static const struct {
	const char *text, *quoted;
} quotes[] = {
	{ NULL, "\"\"" },
	{ "", "\"\"" },
	{ "plain text", "\"plain text\"" },
	{ "say \"no\" \\", "\"say \\\"no\\\" \\\\\"" },
	{ "a\nb\tc\x01", "\"a\\u000ab\\u0009c\\u0001\"" },
	{ "\x7f\xc3\xa9", "\"\\u007f\\u00c3\\u00a9\"" },
};

START_TEST(foreign_text_is_quoted)
{
	ck_assert_str_eq(LOG_Q(quotes[_i].text), quotes[_i].quoted);
}
END_TEST

START_TEST(foreign_text_is_bounded)
{
	char text[2000], buf[LOG_QUOTE_MAX];

	for (int c = 1; c < 256; c++) {
		memset(text, c, sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		log_quote(text, buf);
		ck_assert_uint_lt(strlen(buf), LOG_QUOTE_MAX);
		ck_assert_str_eq(buf + strlen(buf) - 4, "...\"");
		ck_assert_uint_ge(strlen(buf), 105);
	}
}
END_TEST

START_TEST(a_line_has_time_process_level_event)
{
	const char *path = open_log(false, LOG_LV_INFO);
	struct stat st;
	char *text;

	log_warn("cup_empty", "cup=%d owner=%s", 7, LOG_Q("some\none"));
	text = kit_read(path);
	must_match(text,
	    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z test\\[[0-9]+\\] warning "
			 "cup_empty cup=7 owner=\"some\\\\u000aone\"\n$");
	free(text);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07, 0);
}
END_TEST

START_TEST(levels_below_the_limit_are_silent)
{
	const char *path = open_log(false, LOG_LV_WARN);
	char *text;

	errno = ENOENT;
	log_err("a", "x=1");
	log_warn("b", "x=1");
	log_notice("c", "x=1");
	log_set_level(LOG_LV_DEBUG);
	log_debug("d", "x=1");
	log_set_level(LOG_LV_ERR);
	log_warn("e", "x=1");
	ck_assert_int_eq(errno, ENOENT);	/* logging is never the cause of a wrong errno */
	log_rename("child");
	log_err("f", "x=1");
	text = kit_read(path);
	must_match(text, "^[^\n]*error a x=1\n[^\n]*warning b x=1\n[^\n]*debug d x=1\n"
			 "[^\n]* child\\[[0-9]+\\] error f x=1\n$");
	free(text);
}
END_TEST

START_TEST(one_event_is_one_line)
{
	const char *path = open_log(false, LOG_LV_INFO);
	char longer[5000], *text;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	log_info("forged", "name=%s",
	    "a\n2026-01-01T00:00:00.000Z ipamd[1] error all_lost x=1\x1b[2J");
	log_info("long", "name=%s", longer);
	text = kit_read(path);
	must_match(text, "^[^\n\x1b]* forged name=a\\?2026[^\n\x1b]*\n[^\n]* long name=x*\n$");
	ck_assert_uint_lt(strlen(text), 2048 + 300);
	free(text);
}
END_TEST

/* Has Python read every line as JSON and print what it found, member by member. */
static char *
parse_json(const char *path)
{
	static const char script[] =
	    "/usr/bin/python3 -c 'import json, sys\n"
	    "for line in open(sys.argv[1], encoding=\"utf-8\"):\n"
	    "  o = json.loads(line)\n"
	    "  print(*[f\"{k}={ascii(v)}\" for k, v in o.items()\n"
	    "    if k not in (\"time\", \"pid\")])' %s";
	char command[512], *text = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(command, sizeof(command), script, path);
	f = popen(command, "re");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_gt(getdelim(&text, &size, '\0', f), 0);
	ck_assert_int_eq(pclose(f), 0);
	return text;
}

#define HEAD "level='info' process='test' event="

START_TEST(json_lines_are_json)
{
	const char *path = open_log(true, LOG_LV_INFO);
	char *text;

	log_info("plain", "a=1 b=two");
	log_info("empty", "a= b=\"\" c=3");
	log_info("quoted", "a=%s b=%s", LOG_Q("x \"y\" \\ \n \xff"), LOG_Q("b=\"c\""));
	log_info("odd", "a=%s b=%s", "c:\\d\"e", "\x01\xff\n");
	log_info("words", "nothing to see a=1 here");
	log_info("none", "%s", "");
	text = parse_json(path);
	ck_assert_str_eq(text,
	    HEAD "'plain' a='1' b='two'\n"
	    HEAD "'empty' a='' b='' c='3'\n"
	    HEAD "'quoted' a='x \"y\" \\\\ \\n \\xff' b='b=\"c\"'\n"
	    HEAD "'odd' a='c:\\\\d\"e' b='?\?\?'\n"
	    HEAD "'words' a='1'\n"
	    HEAD "'none'\n");
	free(text);
}
END_TEST

/* However long the values: the line is cut between members, and stays JSON. */
START_TEST(cut_json_lines_are_json)
{
	const char *path = open_log(true, LOG_LV_INFO);
	char value[2400], *text;
	size_t n = 0;

	for (size_t len = 1600; len < sizeof(value); len++) {
		memset(value, len % 3 == 0 ? '"' : 'x', len);
		value[len] = '\0';
		if (len % 3 == 1)
			log_info("cut", "a=%s b=2 c=3", value);
		else if (len % 3 == 2)
			log_info("cut", "z=1 a=\"%s\" b=2 c=3", value);
		else
			log_info("cut", "z=1 a=x%s b=2 c=3", value);
	}
	text = parse_json(path);
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	ck_assert_uint_eq(n, sizeof(value) - 1600);
	free(text);
}
END_TEST

START_TEST(a_target_that_fails_says_why)
{
	struct log_conf conf = { .target = "/nonexistent/log" };
	struct err e;

	ck_assert_int_eq(log_open("test", &conf, &e), -ENOENT);
	ck_assert_str_eq(e.text, "log.target: /nonexistent/log: No such file or directory");
}
END_TEST

static const struct {
	const char *target;
	bool valid;
} targets[] = {
	{ "stderr", true }, { "syslog", true }, { "/var/log/x", true },
	{ "", false }, { "s", false }, { "stderr ", false }, { "soup", false }, { "log", false },
};

START_TEST(targets_are_known)
{
	ck_assert_int_eq(log_target_is_valid(targets[_i].target), targets[_i].valid);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("log");

	KIT_ROWS(tc, foreign_text_is_quoted, quotes);
	tcase_add_test(tc, foreign_text_is_bounded);
	tcase_add_test(tc, a_line_has_time_process_level_event);
	tcase_add_test(tc, levels_below_the_limit_are_silent);
	tcase_add_test(tc, one_event_is_one_line);
	tcase_add_test(tc, json_lines_are_json);
	tcase_add_test(tc, cut_json_lines_are_json);
	tcase_add_test(tc, a_target_that_fails_says_why);
	KIT_ROWS(tc, targets_are_known, targets);
	return kit_run("common/log", tc);
}
