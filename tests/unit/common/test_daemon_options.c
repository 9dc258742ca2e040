/* SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon.h"

#include <check.h>
#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "tests/unit/kit.h"

/* The command line of a daemon; the rest of daemon.h is in test_daemon.c. */

#define ARGS_MAX 8
#define DEFAULT_CONF "/etc/litevpn/server.yml"

static const struct daemon_errand errands[] = {
	{ "check", "look at a file", true },
	{ "save", "write a file", false },
	{ 0 },
};

static const struct daemon_role roles[] = {
	{ "server", DEFAULT_CONF },
	{ "node", "/etc/litevpn/client.yml" },
	{ 0 },
};

static const struct daemon_program program = { "testd", DEFAULT_CONF, errands, roles };

static int
parse(struct daemon *d, const char *const *words)
{
	static char *argv[ARGS_MAX + 2];
	int argc = 0;

	argv[argc++] = (char *) "testd";
	while (*words != NULL)
		argv[argc++] = (char *) *words++;
	argv[argc] = NULL;
	optind = 0;	/* glibc: begin anew */
	return daemon_options(d, &program, argc, argv);
}

START_TEST(without_options_it_runs_in_the_foreground)
{
	const char *const none[] = { NULL };
	struct daemon d;

	ck_assert_int_eq(parse(&d, none), -1);
	ck_assert_str_eq(d.name, "testd");
	ck_assert_str_eq(d.conf_path, DEFAULT_CONF);
	ck_assert_ptr_null(d.role);
	ck_assert_ptr_null(d.pid_path);
	ck_assert(!d.check_only && !d.detach);
	ck_assert_int_eq(d.sandbox, SANDBOX_ERRNO);
	ck_assert_int_eq(d.ready_fd, -1);
	ck_assert_int_eq(d.notify_fd, -1);
}
END_TEST

START_TEST(options_are_read)
{
	const char *const all[] = { "-dn", "-c", "/x.yml", "-p", "/x.pid", "-S", "kill", NULL };
	struct daemon d;

	ck_assert_int_eq(parse(&d, all), -1);
	ck_assert_str_eq(d.conf_path, "/x.yml");
	ck_assert_str_eq(d.pid_path, "/x.pid");
	ck_assert(d.check_only && d.detach);
	ck_assert_int_eq(d.sandbox, SANDBOX_KILL);
}
END_TEST

START_TEST(a_role_is_a_word)
{
	const char *const first[] = { "node", "-n", NULL };
	const char *const last[] = { "-c", "/x.yml", "server", NULL };
	struct daemon d;

	ck_assert_int_eq(parse(&d, first), -1);
	ck_assert_ptr_eq(d.role, &roles[1]);
	ck_assert_str_eq(d.conf_path, "/etc/litevpn/client.yml");
	ck_assert(d.check_only);
	ck_assert_int_eq(parse(&d, last), -1);
	ck_assert_ptr_eq(d.role, &roles[0]);
	ck_assert_str_eq(d.conf_path, "/x.yml");
}
END_TEST

static const struct {
	const char *words[ARGS_MAX];
	int status;
} endings[] = {
	{ { "-h" }, DAEMON_OK },
	{ { "-V" }, DAEMON_OK },
	{ { "-x" }, DAEMON_USAGE },
	{ { "-c" }, DAEMON_USAGE },
	{ { "-S", "soft" }, DAEMON_USAGE },
	{ { "-S", "" }, DAEMON_USAGE },
	{ { "start" }, DAEMON_USAGE },
	{ { "servr" }, DAEMON_USAGE },
	{ { "node", "server" }, DAEMON_USAGE },
	{ { "-n", "start" }, DAEMON_USAGE },
	{ { "--help" }, DAEMON_USAGE },
	{ { "--check" }, -1 },
	{ { "--check", "f", "g" }, DAEMON_USAGE },
	{ { "--check=f" }, DAEMON_USAGE },
	{ { "--check", "-d" }, DAEMON_USAGE },
	{ { "--check", "-n" }, DAEMON_USAGE },
	{ { "-p", "x.pid", "--check" }, DAEMON_USAGE },
	{ { "--save" }, DAEMON_USAGE },
	{ { "--save", "f", "--check" }, DAEMON_USAGE },
	{ { "-d", "-c", "x.yml", "-p", "x.pid" }, -1 },
};

START_TEST(an_errand_has_its_file)
{
	const char *const omitted[] = { "--check", NULL };
	const char *const given[] = { "--save", "/x.db", "-c", "/x.yml", "-S", "kill", NULL };
	const char *const none[] = { "-c", "/x.yml", NULL };
	struct daemon d;

	ck_assert_int_eq(parse(&d, omitted), -1);
	ck_assert_ptr_eq(d.errand, &errands[0]);
	ck_assert_ptr_null(d.file);
	ck_assert_int_eq(parse(&d, given), -1);
	ck_assert_ptr_eq(d.errand, &errands[1]);
	ck_assert_str_eq(d.file, "/x.db");
	ck_assert_str_eq(d.conf_path, "/x.yml");
	ck_assert_int_eq(d.sandbox, SANDBOX_KILL);
	ck_assert_int_eq(parse(&d, none), -1);
	ck_assert_ptr_null(d.errand);
}
END_TEST

START_TEST(some_command_lines_end_it)
{
	struct daemon d;

	ck_assert_int_eq(parse(&d, endings[_i].words), endings[_i].status);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("daemon_options");

	tcase_add_test(tc, without_options_it_runs_in_the_foreground);
	tcase_add_test(tc, options_are_read);
	tcase_add_test(tc, a_role_is_a_word);
	tcase_add_test(tc, an_errand_has_its_file);
	KIT_ROWS(tc, some_command_lines_end_it, endings);
	return kit_run("common/daemon_options", tc);
}
