/* SPDX-License-Identifier: Apache-2.0 */
#include "common/sandbox.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/priv.h"
#include "tests/unit/kit.h"

/* What a process of ours is like: it has dropped its rights, and then loads its sandbox. */

static const struct sandbox_call *const calls[] = { sandbox_base, sandbox_threads, NULL };

static const struct sandbox small = { .name = "small", .calls = calls };

static int
enter(const struct sandbox *sb, enum sandbox_mode mode)
{
	struct priv_user user;
	struct err e = { 0 };

	if (priv_user("nobody", &user, &e) < 0 || priv_drop(&user, 0, &e) < 0 ||
	    sandbox_load(sb, mode, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		return -1;
	}
	return 0;
}

/* --- what is refused: each returns what the call returned, with errno ------------------------- */

static long
do_exec(void)
{
	return execl("/bin/true", "true", NULL);
}

static long
do_inet_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0);
}

static long
do_packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static long
do_unshare(void)
{
	return unshare(CLONE_NEWUSER);
}

static long
do_fork(void)
{
	long pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static long
do_clone3(void)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	return pid;
}

static long
do_exec_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static long
do_make_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static long
do_ioctl(void)
{
	return syscall(SYS_ioctl, 0, 0, 0);
}

static long
do_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long
do_open(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static long
do_kill(void)
{
	return kill(getppid(), 0);
}

enum what { REFUSED, DENIED };	/* DENIED: a row of the table; not even kill mode kills */

static const struct attempt {
	const char *name;
	long (*fn)(void);
	enum what what;
	int error;
	bool sanitizers;	/* they do it themselves: not refused in their builds */
} attempts[] = {
	{ "exec", do_exec, REFUSED, EPERM, false },
	{ "inet socket", do_inet_socket, REFUSED, EPERM, false },
	{ "packet socket", do_packet_socket, REFUSED, EPERM, false },
	{ "unshare", do_unshare, REFUSED, EPERM, false },
	{ "clone3", do_clone3, DENIED, ENOSYS, false },
	{ "ioctl", do_ioctl, REFUSED, EPERM, false },
	{ "kill", do_kill, REFUSED, EPERM, false },
	{ "fork", do_fork, REFUSED, EPERM, true },
	{ "executable memory", do_exec_memory, REFUSED, EPERM, true },
	{ "making memory executable", do_make_exec, REFUSED, EPERM, false },
	{ "ptrace", do_ptrace, REFUSED, EPERM, true },
	{ "open", do_open, DENIED, EACCES, true },
};

#ifdef LV_SANITIZE
static const bool sanitizing = true;
#else
static const bool sanitizing = false;
#endif

static int
attempt(void *arg)
{
	const struct attempt *a = arg;

	if (enter(&small, SANDBOX_ERRNO) < 0)
		return 2;
	errno = 0;
	if (a->fn() >= 0 || errno != a->error) {
		fprintf(stderr, "%s: errno %d\n", a->name, errno);
		return 1;
	}
	return 0;
}

static int
attempt_deadly(void *arg)
{
	const struct attempt *a = arg;

	if (enter(&small, SANDBOX_KILL) < 0)
		return 2;
	a->fn();
	return 0;
}

START_TEST(what_is_not_listed_fails)
{
	KIT_SKIP_UNLESS(!sanitizing || !attempts[_i].sanitizers, "sanitizers need it");
	ck_assert_int_eq(kit_child(attempt, (void *) &attempts[_i]), 0);
}
END_TEST

START_TEST(in_kill_mode_it_is_deadly)
{
	int status;

	KIT_SKIP_UNLESS(!sanitizing || !attempts[_i].sanitizers, "sanitizers need it");
	status = kit_child(attempt_deadly, (void *) &attempts[_i]);
	if (attempts[_i].what == DENIED)
		ck_assert_int_eq(status, 0);
	else
		ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%x", status);
}
END_TEST

/* --- what goes on working --------------------------------------------------------------------- */

static void *
try_in_thread(void *arg)
{
	*(bool *) arg = do_inet_socket() < 0 && errno == EPERM;
	return NULL;
}

static int
live(void *arg)
{
	bool refused = false;
	int ends[2];
	pthread_t t;
	char *p;

	(void) arg;
	if (enter(&small, SANDBOX_ERRNO) < 0)
		return 2;
	if ((p = malloc(1 << 20)) == NULL || (p = realloc(p, 1 << 24)) == NULL)
		return 3;
	memset(p, 1, 1 << 24);
	free(p);
	if (pthread_create(&t, NULL, try_in_thread, &refused) != 0 || pthread_join(t, NULL) != 0)
		return 4;
	if (!refused)
		return 5;	/* the filter must hold in the thread, too */
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || socket(AF_UNIX, SOCK_STREAM, 0) < 0)
		return 6;
	if (write(ends[0], "x", 1) != 1 || read(ends[1], p = (char[1]){ 0 }, 1) != 1)
		return 7;
	if (dup2(ends[0], STDIN_FILENO) != STDIN_FILENO)
		return 8;
	return 0;
}

START_TEST(what_is_listed_works)
{
	ck_assert_int_eq(kit_child(live, NULL), 0);
}
END_TEST

/* --- paths ------------------------------------------------------------------------------------ */

static const struct sandbox_call file_calls[] = {
	SANDBOX_OK(openat, "this test opens files"),
	SANDBOX_OK(renameat2, "this test renames"),
	SANDBOX_OK(rename, "this test renames"),
	SANDBOX_OK(mkdir, "this test makes directories"),
	SANDBOX_END
};

static const struct sandbox_call *const with_files[] = { file_calls, sandbox_base, sandbox_threads,
	NULL };

struct tree {
	char read[KIT_PATH_MAX], write[KIT_PATH_MAX], socket[KIT_PATH_MAX], none[KIT_PATH_MAX];
};

static bool
can_open(const char *dir, const char *name, int flags)
{
	char path[2 * KIT_PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool
can_bind(const char *dir)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%.90s/sock", dir);
	return bind(fd, (struct sockaddr *) &sun, sizeof(sun)) == 0;
}

static int
walk(void *arg)
{
	const struct tree *t = arg;
	const struct sandbox_path paths[] = {
		{ t->read, SANDBOX_READ },
		{ t->write, SANDBOX_READ | SANDBOX_WRITE },
		{ t->socket, SANDBOX_SOCKET },
		{ "/nonexistent/path", SANDBOX_READ },
	};
	const struct sandbox sb = { .name = "paths", .calls = with_files, .paths = paths,
		.npaths = 4 };

	if (enter(&sb, SANDBOX_ERRNO) < 0)
		return 2;
	KIT_MUST(can_open(t->read, "file", O_RDONLY));
	KIT_MUST(!can_open(t->read, "file", O_WRONLY) && errno == EACCES);
	KIT_MUST(!can_open(t->read, "new", O_WRONLY | O_CREAT) && errno == EACCES);
	KIT_MUST(can_open(t->write, "new", O_WRONLY | O_CREAT));
	KIT_MUST(can_open(t->write, "new", O_WRONLY | O_TRUNC));
	KIT_MUST(!can_open(t->none, "file", O_RDONLY) && errno == EACCES);
	KIT_MUST(!can_open("/etc", "passwd", O_RDONLY) && errno == EACCES);
	KIT_MUST(!can_open("/usr/bin", "env", O_RDONLY) && errno == EACCES);
	KIT_MUST(can_bind(t->socket));
	KIT_MUST(!can_bind(t->write) && errno == EACCES);
	KIT_MUST(!can_open(t->socket, "file", O_WRONLY | O_CREAT) && errno == EACCES);
	return 0;
}

static void
make_place(const char *name, char path[KIT_PATH_MAX])
{
	char file[2 * KIT_PATH_MAX];

	kit_path(name, path);
	ck_assert_int_eq(mkdir(path, 0777), 0);
	ck_assert_int_eq(chmod(path, 0777), 0);
	snprintf(file, sizeof(file), "%s/file", name);
	kit_write(file, "x", 0666);
}

START_TEST(paths_that_are_not_listed_are_shut)
{
	struct tree t;

	KIT_SKIP_UNLESS(!sanitizing, "sanitizers need files: no Landlock in their builds");
	KIT_SKIP_UNLESS(syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 1,
	    "this kernel has no Landlock");
	make_place("read", t.read);
	make_place("write", t.write);
	make_place("socket", t.socket);
	make_place("none", t.none);
	ck_assert_int_eq(kit_child(walk, &t), 0);
}
END_TEST

/* --- the proof -------------------------------------------------------------------------------- */

static int
verify_loaded(void *arg)
{
	struct err e = { 0 };

	(void) arg;
	if (enter(&small, SANDBOX_ERRNO) < 0)
		return 2;
	if (sandbox_verify(&small, SANDBOX_ERRNO, &e) == 0)
		return 0;
	fprintf(stderr, "%s\n", e.text);
	return 1;
}

static int
verify_missing(void *arg)
{
	struct err e = { 0 };

	(void) arg;
	KIT_MUST(sandbox_verify(&small, SANDBOX_ERRNO, &e) == -EPERM);
	KIT_MUST(strstr(e.text,
	    "sandbox of small does not hold: the process could run a program") != NULL);
	return 0;
}

static const struct sandbox_call leaks[][2] = {
	{ SANDBOX_OK(execve, "a mistake"), SANDBOX_END },
	{ SANDBOX_OK(unshare, "a mistake"), SANDBOX_END },
	{ SANDBOX_OK(clone3, "a mistake"), SANDBOX_END },
	{ SANDBOX_OK(io_uring_setup, "a mistake"), SANDBOX_END },
};

static int
verify_leaking(void *arg)
{
	const struct sandbox_call *const tables[] = { arg, sandbox_base, sandbox_threads, NULL };
	const struct sandbox sb = { .name = "leaking", .calls = tables };
	struct err e = { 0 };

	if (enter(&sb, SANDBOX_ERRNO) < 0)
		return 2;
	KIT_MUST(sandbox_verify(&sb, SANDBOX_ERRNO, &e) == -EPERM);
	KIT_MUST(strstr(e.text, "does not hold") != NULL);
	return 0;
}

static int
verify_in_kill_mode(void *arg)
{
	(void) arg;
	if (enter(&small, SANDBOX_KILL) < 0)
		return 2;
	return sandbox_verify(&small, SANDBOX_KILL, NULL) == 0 ? 0 : 1;
}

START_TEST(a_sandbox_is_tried)
{
	ck_assert_int_eq(kit_child(verify_loaded, NULL), 0);
	ck_assert_int_eq(kit_child(verify_missing, NULL), 0);
	ck_assert_int_eq(kit_child(verify_in_kill_mode, NULL), 0);
}
END_TEST

START_TEST(a_leak_in_it_is_found)
{
	ck_assert_int_eq(kit_child(verify_leaking, (void *) leaks[_i]), 0);
}
END_TEST

START_TEST(every_row_has_its_reason)
{
	const struct sandbox_call *const tables[] = { sandbox_base, sandbox_threads };

	for (const struct sandbox_call *c = tables[_i]; c->why != NULL; c++)
		ck_assert_uint_gt(strlen(c->why), 2);
}
END_TEST

int
main(void)
{
	TCase *tc;

	if (geteuid() != 0)
		return kit_skip("dropping rights needs root");
	if (!kit_has_seccomp())
		return kit_skip(KIT_NO_SECCOMP);
	tc = tcase_create("sandbox");
	KIT_ROWS(tc, what_is_not_listed_fails, attempts);
	KIT_ROWS(tc, in_kill_mode_it_is_deadly, attempts);
	tcase_add_test(tc, what_is_listed_works);
	tcase_add_test(tc, paths_that_are_not_listed_are_shut);
	tcase_add_test(tc, a_sandbox_is_tried);
	KIT_ROWS(tc, a_leak_in_it_is_found, leaks);
	tcase_add_loop_test(tc, every_row_has_its_reason, 0, 2);
	return kit_run("common/sandbox", tc);
}
