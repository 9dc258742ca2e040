/* SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ev.h"
#include "tests/unit/kit.h"

START_TEST(errors_have_their_status)
{
	ck_assert_int_eq(daemon_status(-EPERM), DAEMON_NOPERM);
	ck_assert_int_eq(daemon_status(-EACCES), DAEMON_NOPERM);
	ck_assert_int_eq(daemon_status(-EBADMSG), DAEMON_CONFIG);
	ck_assert_int_eq(daemon_status(-EFBIG), DAEMON_CONFIG);
	ck_assert_int_eq(daemon_status(-EADDRINUSE), DAEMON_OS);
	ck_assert_int_eq(daemon_status(-ENOENT), DAEMON_OS);
}
END_TEST

/* --- the start: each in a child, as main would do it ------------------------------------------ */

struct start {
	bool detach;
	const char *log, *pid;
	int (*go_on)(struct daemon *d);	/* after daemon_begin */
	const char *conf;		/* NULL: one that is there */
};

static int
run_daemon(void *arg)
{
	const struct start *s = arg;
	struct log_conf log = { .level = LOG_LV_INFO, .target = s->log };
	struct daemon d = { .name = "testd", .detach = s->detach, .pid_path = s->pid,
		.conf_path = s->conf == NULL ? kit_write("conf.yml", "", 0644) : s->conf,
		.ready_fd = -1, .notify_fd = -1 };
	int status = daemon_begin(&d, &log);

	return status >= 0 ? status : s->go_on(&d);
}

static int
begin(bool detach, int (*go_on)(struct daemon *d))
{
	char log[KIT_PATH_MAX];
	struct start s = { .detach = detach, .log = kit_path("log", log), .go_on = go_on };
	int status = kit_child(run_daemon, &s);

	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
be_ready(struct daemon *d)
{
	daemon_ready(d);
	return 3;	/* nobody waits for it any more */
}

static int
fail_with_words(struct daemon *d)
{
	struct err e;

	err_set(&e, -EADDRINUSE, "port 6441: in use");
	return daemon_fail(d, DAEMON_OS, &e);
}

static int
fail_silently(struct daemon *d)
{
	(void) d;
	return 0;
}

static int
crash(struct daemon *d)
{
	(void) d;
	signal(SIGABRT, SIG_DFL);
	abort();
}

static const struct {
	int (*go_on)(struct daemon *d);
	int status;
} starts[] = {
	{ be_ready, DAEMON_OK },
	{ fail_with_words, DAEMON_OS },
	{ fail_silently, DAEMON_FAILED },	/* it ended before it was ready */
	{ crash, DAEMON_FAILED },
};

START_TEST(the_parent_says_how_the_start_went)
{
	ck_assert_int_eq(begin(true, starts[_i].go_on), starts[_i].status);
}
END_TEST

/* --- what the background is like -------------------------------------------------------------- */

/* Writes `text` to DIR/name in one piece: who reads it sees all or nothing. */
static void
tell(const char *name, const char *text)
{
	char path[KIT_PATH_MAX], tmp[KIT_PATH_MAX + 8];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", kit_dir(), name);
	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	if ((f = fopen(tmp, "we")) == NULL)
		return;
	fputs(text, f);
	fclose(f);
	rename(tmp, path);
}

static bool
is_null_device(int fd)
{
	struct stat st, null;

	return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev;
}

static int
describe(struct daemon *d)
{
	char cwd[64] = "", text[256];
	bool terminal = !is_null_device(STDERR_FILENO);
	int n;

	n = snprintf(text, sizeof(text), "cwd=%s leader=%d null=%d%d waiting=%d ",
	    getcwd(cwd, sizeof(cwd)), getsid(0) == getpid(), is_null_device(0), is_null_device(1),
	    terminal);
	daemon_ready(d);
	snprintf(text + n, sizeof(text) - (size_t) n, "ready=%d pipe=%d", is_null_device(2),
	    d->ready_fd);
	tell("facts", text);
	return 0;
}

/* Waits for the file: its writer is the daemon, whose parent has ended already. */
static char *
wait_for_file(const char *name)
{
	char path[KIT_PATH_MAX];

	kit_path(name, path);
	for (int i = 0; i < 2000 && access(path, F_OK) < 0; i++)
		usleep(1000);
	return kit_read(path);
}

START_TEST(the_background_is_clean)
{
	char *facts;

	ck_assert_int_eq(begin(true, describe), DAEMON_OK);
	facts = wait_for_file("facts");
	ck_assert_str_eq(facts, "cwd=/ leader=1 null=11 waiting=1 ready=1 pipe=-1");
	free(facts);
}
END_TEST

/* A helper that lives on must keep neither the parent of -d nor the terminal. */
static int
leave_a_helper(struct daemon *d)
{
	pid_t pid = fork();

	if (pid == 0) {
		daemon_forked(d);
		tell("helper",
		    is_null_device(STDERR_FILENO) && d->notify_fd < 0 ? "clean" : "dirty");
		alarm(5);
		pause();
		_exit(0);
	}
	while (access(KIT_PATH("helper"), F_OK) < 0)
		usleep(1000);
	return DAEMON_NOPERM;	/* the start fails; the helper is not done with yet */
}

START_TEST(a_helper_holds_up_nobody)
{
	char *text;

	ck_assert_int_eq(begin(true, leave_a_helper), DAEMON_NOPERM);
	text = wait_for_file("helper");
	ck_assert_str_eq(text, "clean");
	free(text);
}
END_TEST

static int
tell_pid(struct daemon *d)
{
	char text[32];

	snprintf(text, sizeof(text), "%d\n", (int) getpid());
	tell("own-pid", text);
	daemon_ready(d);
	return 0;
}

START_TEST(the_pid_file_names_the_daemon)
{
	char log[KIT_PATH_MAX], pid[KIT_PATH_MAX], *own, *written;
	struct start s = { true, kit_path("log", log), kit_path("pid", pid), tell_pid, NULL };

	ck_assert_int_eq(kit_child(run_daemon, &s), 0);
	own = wait_for_file("own-pid");
	written = kit_read(pid);
	ck_assert_str_eq(written, own);
	free(own);
	free(written);
}
END_TEST

static int
tell_conf(struct daemon *d)
{
	tell("conf-path", d->conf_path);
	daemon_ready(d);
	return 0;
}

/* Where it is started, relative paths mean something, and go on to mean that. */
static int
run_relative(void *arg)
{
	return chdir(kit_dir()) < 0 ? 99 : run_daemon(arg);
}

START_TEST(relative_paths_mean_the_same_in_the_background)
{
	char log[KIT_PATH_MAX], real[PATH_MAX], *told, *pid;
	struct start s = { true, kit_path("log", log), "relative-pid", tell_conf, "link.yml" };

	ck_assert_ptr_nonnull(realpath(kit_write("real.yml", "", 0644), real));
	ck_assert_int_eq(symlink("real.yml", KIT_PATH("link.yml")), 0);
	ck_assert_int_eq(kit_child(run_relative, &s), 0);
	told = wait_for_file("conf-path");
	ck_assert_str_eq(told, real);
	pid = wait_for_file("relative-pid");
	ck_assert_int_gt(atoi(pid), 1);
	free(told);
	free(pid);
}
END_TEST

START_TEST(places_that_fail_are_told)
{
	char log[KIT_PATH_MAX];
	struct start bad_log = { true, "/nonexistent/log", NULL, be_ready, NULL };
	struct start bad_pid = { true, kit_path("log", log), "/nonexistent/pid", be_ready, NULL };
	struct start bad_conf = { true, kit_path("log", log), NULL, be_ready, "/nonexistent/c" };

	ck_assert_int_eq(WEXITSTATUS(kit_child(run_daemon, &bad_log)), DAEMON_OS);
	ck_assert_int_eq(WEXITSTATUS(kit_child(run_daemon, &bad_pid)), DAEMON_OS);
	ck_assert_int_eq(WEXITSTATUS(kit_child(run_daemon, &bad_conf)), DAEMON_CONFIG);
}
END_TEST

/* --- signals ---------------------------------------------------------------------------------- */

struct seen {
	struct ev *ev;
	unsigned n, hup;
};

static void
on_signal(void *arg, int signo)
{
	struct seen *s = arg;

	s->hup += signo == SIGHUP;
	if (++s->n == 3)
		ev_stop(s->ev, 0);
}

static int
start_under_signals(struct daemon *d)
{
	struct seen s = { .n = 0 };

	(void) d;
	raise(SIGHUP);
	raise(SIGINT);
	raise(SIGTERM);
	KIT_MUST(ev_new(&s.ev) == 0);
	KIT_MUST(ev_signal(s.ev, SIGTERM, on_signal, &s) == 0);
	KIT_MUST(ev_signal(s.ev, SIGINT, on_signal, &s) == 0);
	KIT_MUST(ev_signal(s.ev, SIGHUP, on_signal, &s) == 0);
	KIT_MUST(ev_run(s.ev) == 0 && s.hup == 1);
	ev_free(s.ev);
	return 0;
}

START_TEST(signals_wait_for_the_loop)
{
	ck_assert_int_eq(begin(false, start_under_signals), 0);
}
END_TEST

/* --- limits ----------------------------------------------------------------------------------- */

#define HARD 200	/* few enough that any system allows it */

static const struct {
	unsigned need;
	bool warned;
} needs[] = {
	{ HARD, false },
	{ HARD + 1, true },
};

static unsigned need_next;	/* of the child that is run next */

static int
raise_descriptors(struct daemon *d)
{
	struct rlimit lim = { HARD / 2, HARD };

	(void) d;
	KIT_MUST(setrlimit(RLIMIT_NOFILE, &lim) == 0);
	daemon_raise_descriptors(need_next);
	KIT_MUST(getrlimit(RLIMIT_NOFILE, &lim) == 0);
	KIT_MUST(lim.rlim_cur == HARD && lim.rlim_max == HARD);
	return 0;
}

START_TEST(the_limit_of_descriptors_is_raised)
{
	char *log;

	need_next = needs[_i].need;
	unlink(KIT_PATH("log"));	/* of the other tests */
	ck_assert_int_eq(begin(false, raise_descriptors), 0);
	log = kit_read(KIT_PATH("log"));
	ck_assert_int_eq(strstr(log, "descriptors_few have=200 need=201") != NULL,
	    needs[_i].warned);
	free(log);
}
END_TEST

/* --- systemd ---------------------------------------------------------------------------------- */

static int
notify_all(struct daemon *d)
{
	if (getenv("NOTIFY_SOCKET") != NULL)
		return 2;	/* not for our own children */
	daemon_ready(d);
	daemon_stopping(d);
	return 0;
}

static int
open_notify_socket(const char *name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t len = strlen(name);

	memcpy(sun.sun_path, name, len);
	if (name[0] == '@')
		sun.sun_path[0] = '\0';
	ck_assert_int_eq(bind(fd, (struct sockaddr *) &sun,
	    (socklen_t) (offsetof(struct sockaddr_un, sun_path) + len)), 0);
	return fd;
}

START_TEST(systemd_is_told)
{
	char name[KIT_PATH_MAX], text[64];
	int fd;

	if (_i == 0)
		kit_path("notify", name);
	else
		snprintf(name, sizeof(name), "@litevpn-test-%d", (int) getpid());
	fd = open_notify_socket(name);
	setenv("NOTIFY_SOCKET", name, 1);
	ck_assert_int_eq(begin(false, notify_all), 0);
	ck_assert_int_eq(recv(fd, text, sizeof(text), 0), 8);
	ck_assert_mem_eq(text, "READY=1\n", 8);
	ck_assert_int_eq(recv(fd, text, sizeof(text), 0), 11);
	ck_assert_mem_eq(text, "STOPPING=1\n", 11);
	close(fd);
}
END_TEST

START_TEST(a_notify_socket_that_is_not_there_is_no_matter)
{
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
	ck_assert_int_eq(begin(false, notify_all), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	ck_assert_int_eq(begin(false, be_ready), 3);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("daemon");

	tcase_add_test(tc, errors_have_their_status);
	KIT_ROWS(tc, the_parent_says_how_the_start_went, starts);
	tcase_add_test(tc, the_background_is_clean);
	tcase_add_test(tc, a_helper_holds_up_nobody);
	tcase_add_test(tc, the_pid_file_names_the_daemon);
	tcase_add_test(tc, relative_paths_mean_the_same_in_the_background);
	tcase_add_test(tc, places_that_fail_are_told);
	tcase_add_test(tc, signals_wait_for_the_loop);
	KIT_ROWS(tc, the_limit_of_descriptors_is_raised, needs);
	tcase_add_loop_test(tc, systemd_is_told, 0, 2);
	tcase_add_test(tc, a_notify_socket_that_is_not_there_is_no_matter);
	return kit_run("common/daemon", tc);
}
