/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <regex.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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

/* --- nobody reads ----------------------------------------------------------------------------- */

#define FLOOD 5000	/* lines, more than anything holds */
#define NEWEST_MAX 4096

static const struct log_conf to_stderr = { .level = LOG_LV_INFO, .target = "stderr" };

static int
make_pipe(int ends[2])
{
	return pipe(ends);
}

static int
make_stream(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

static int (*const readers[])(int ends[2]) = { make_pipe, make_stream };

/* Takes all that is there; returns how many lines, and the last bytes of them. */
static unsigned
drain(int fd, char newest_out[NEWEST_MAX])
{
	struct pollfd some = { .fd = fd, .events = POLLIN };
	unsigned lines = 0;
	ssize_t n;

	while (poll(&some, 1, 0) > 0 && (n = read(fd, newest_out, NEWEST_MAX - 1)) > 0) {
		newest_out[n] = '\0';
		for (ssize_t i = 0; i < n; i++)
			lines += newest_out[i] == '\n';
	}
	return lines;
}

/* The test's time limit says whether a line has waited for a reader. */
START_TEST(a_reader_that_stands_still_holds_nobody)
{
	char newest[NEWEST_MAX], told[64];
	unsigned lines;
	int ends[2];

	ck_assert_int_eq(readers[_i](ends), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(log_open("test", &to_stderr, NULL), 0);
	for (unsigned i = 0; i < FLOOD; i++)
		log_info("flood", "i=%u", i);
	lines = drain(ends[0], newest);
	ck_assert_uint_gt(lines, 10);
	ck_assert_uint_lt(lines, FLOOD);
	log_info("after", "all=well");
	ck_assert_uint_eq(drain(ends[0], newest), 2);
	snprintf(told, sizeof(told), " warning log_lost lines=%u\n", FLOOD - lines);
	ck_assert_ptr_nonnull(strstr(newest, told));
	ck_assert_ptr_nonnull(strstr(newest, " info after all=well\n"));
	/* The descriptor that others have, too, has not changed. */
	ck_assert_int_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

static int
serve_syslog(void)
{
	const struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	unlink(at.sun_path);
	return bind(fd, (const struct sockaddr *) &at, sizeof(at)) < 0 ? -1 : fd;
}

/* The last datagram that is there. */
static bool
syslog_has(int fd, const char *text)
{
	char line[NEWEST_MAX] = "";
	ssize_t n;

	while ((n = recv(fd, line, sizeof(line) - 1, 0)) > 0)
		line[n] = '\0';
	return strstr(line, text) != NULL;
}

/* In a child with a /dev of its own. */
static int
run_syslog(void *arg)
{
	struct log_conf conf = { .level = LOG_LV_INFO, .target = "syslog" };
	int fd;

	(void) arg;
	KIT_MUST(mount("none", "/dev", "tmpfs", 0, "") == 0);
	KIT_MUST(log_open("test", &conf, NULL) == -ENOENT);
	KIT_MUST((fd = serve_syslog()) >= 0 && log_open("test", &conf, NULL) == 0);
	log_info("first", "n=%d", 1);
	KIT_MUST(syslog_has(fd, ": first n=1"));
	close(fd);
	log_info("between", "n=%d", 2);
	KIT_MUST((fd = serve_syslog()) >= 0);
	log_info("second", "n=%d", 3);
	KIT_MUST(syslog_has(fd, ": second n=3"));
	for (unsigned i = 0; i < FLOOD; i++)	/* nobody reads */
		log_info("flood", "i=%u", i);
	KIT_MUST(!syslog_has(fd, ": flood i=4999"));
	log_info("third", "n=%d", 4);
	KIT_MUST(syslog_has(fd, ": third n=4"));
	return 0;
}

START_TEST(the_system_log_may_come_and_go)
{
	KIT_SKIP_UNLESS(unshare(CLONE_NEWNS) == 0 &&
	    mount("none", "/", "", MS_REC | MS_PRIVATE, NULL) == 0, "a /dev of its own needs root");
	ck_assert_int_eq(kit_child(run_syslog, NULL), 0);
}
END_TEST

START_TEST(a_fifo_without_a_reader_is_refused)
{
	char path[KIT_PATH_MAX];
	struct log_conf conf = { .level = LOG_LV_INFO, .target = kit_path("fifo", path) };

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(log_open("test", &conf, NULL), -ENXIO);
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
	KIT_ROWS(tc, a_reader_that_stands_still_holds_nobody, readers);
	tcase_add_test(tc, the_system_log_may_come_and_go);
	tcase_add_test(tc, a_fifo_without_a_reader_is_refused);
	KIT_ROWS(tc, targets_are_known, targets);
	return kit_run("common/log", tc);
}
