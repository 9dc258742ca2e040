/* SPDX-License-Identifier: Apache-2.0 */
#include "common/priv.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/kit.h"

/* Each case runs in a child, which gives up what it has. */

/* Does /proc/self/status have exactly this line? */
static bool
status_has(const char *line)
{
	FILE *f = fopen("/proc/self/status", "re");
	char buf[4096];
	bool found = false;

	while (f != NULL && !found && fgets(buf, sizeof(buf), f) != NULL) {
		buf[strcspn(buf, "\n")] = '\0';
		found = strcmp(buf, line) == 0;
	}
	if (f != NULL)
		fclose(f);
	return found;
}

static int
become_nobody(void *arg)
{
	struct priv_user user;
	struct rlimit core;
	struct err e;
	char line[128];

	(void) arg;
	KIT_MUST(setgroups(2, (gid_t[]){ 1, 2 }) == 0);
	KIT_MUST(priv_user("nobody", &user, &e) == 0);
	KIT_MUST(priv_drop(&user, 0, &e) == 0);
	snprintf(line, sizeof(line), "Uid:\t%d\t%d\t%d\t%d",
	    user.uid, user.uid, user.uid, user.uid);
	KIT_MUST(status_has(line));
	snprintf(line, sizeof(line), "Gid:\t%d\t%d\t%d\t%d",
	    user.gid, user.gid, user.gid, user.gid);
	KIT_MUST(status_has(line));
	KIT_MUST(status_has("Groups:\t ") || status_has("Groups:\t"));
	KIT_MUST(status_has("CapInh:\t0000000000000000"));
	KIT_MUST(status_has("CapPrm:\t0000000000000000"));
	KIT_MUST(status_has("CapEff:\t0000000000000000"));
	KIT_MUST(status_has("CapBnd:\t0000000000000000"));
	KIT_MUST(status_has("CapAmb:\t0000000000000000"));
	KIT_MUST(status_has("NoNewPrivs:\t1"));
	KIT_MUST(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
	KIT_MUST(setuid(0) < 0 && setresuid(0, 0, 0) < 0 && setgid(0) < 0);
	KIT_MUST(kill(getppid(), 0) < 0 && errno == EPERM);
	return 0;
}

static int
keep_net_admin(void *arg)
{
	struct priv_user root = { 0, 0 };
	struct err e;

	(void) arg;
	KIT_MUST(priv_drop(&root, 1u << CAP_NET_ADMIN, &e) == 0);
	KIT_MUST(status_has("CapInh:\t0000000000000000"));
	KIT_MUST(status_has("CapPrm:\t0000000000001000"));
	KIT_MUST(status_has("CapEff:\t0000000000001000"));
	KIT_MUST(status_has("CapBnd:\t0000000000000000"));
	KIT_MUST(status_has("NoNewPrivs:\t1"));
	KIT_MUST(chown(kit_dir(), 1, 1) < 0 && errno == EPERM);
	return 0;
}

/* Without root there is nothing to drop to: every name means ourselves. */
static int
start_as_nobody(void *arg)
{
	struct priv_user user = { 0, 0 };
	gid_t gid = 0;
	struct err e;

	(void) arg;
	KIT_MUST(setgid(65534) == 0 && setuid(65534) == 0);
	KIT_MUST(!priv_is_root());
	KIT_MUST(priv_user("no-such-user", &user, &e) == 0);
	KIT_MUST(user.uid == 65534 && user.gid == 65534);
	KIT_MUST(priv_group("no-such-group", &gid, &e) == 0 && gid == 65534);
	KIT_MUST(priv_drop(&user, 0, &e) == 0);
	KIT_MUST(status_has("NoNewPrivs:\t1"));
	KIT_MUST(priv_drop(&user, 1u << CAP_NET_ADMIN, &e) == -EPERM);
	KIT_MUST(strstr(e.text, "net_admin") != NULL);
	return 0;
}

static int (*const drops[])(void *arg) = { become_nobody, keep_net_admin, start_as_nobody };

START_TEST(what_is_given_up_is_gone)
{
	KIT_SKIP_UNLESS(geteuid() == 0, "giving up rights needs some");
	ck_assert_int_eq(kit_child(drops[_i], NULL), 0);
}
END_TEST

START_TEST(unknown_names_are_told)
{
	struct priv_user user = { 77, 77 };
	gid_t gid = 77;
	struct err e;

	KIT_SKIP_UNLESS(geteuid() == 0, "names count for root only");
	ck_assert_int_eq(priv_user("no-such-user", &user, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, "user no-such-user does not exist"));
	ck_assert_int_eq(priv_group("no-such-group", &gid, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, "group no-such-group does not exist"));
	ck_assert_uint_eq(user.uid, 77);
	ck_assert_uint_eq(gid, 77);
}
END_TEST

static int
close_all(void *arg)
{
	int fd = *(int *) arg;

	priv_close_inherited();
	KIT_MUST(fcntl(fd, F_GETFD) < 0 && errno == EBADF);
	KIT_MUST(fcntl(STDERR_FILENO, F_GETFD) >= 0);
	return 0;
}

START_TEST(inherited_descriptors_are_closed)
{
	int fd = dup(STDERR_FILENO);

	ck_assert_int_ge(fd, 3);
	ck_assert_int_eq(kit_child(close_all, &fd), 0);
	close(fd);
}
END_TEST

/* The grandchild holds the pipe's end for as long as it lives. */
static int
leave_a_child(void *arg)
{
	int *ends = arg;
	pid_t parent = getpid();
	int ready[2];
	char byte;

	close(ends[0]);
	KIT_MUST(pipe(ready) == 0);
	if (fork() == 0) {
		if (priv_die_with_parent(parent) && write(ready[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	KIT_MUST(read(ready[0], &byte, 1) == 1);
	return 0;
}

START_TEST(a_helper_dies_with_its_parent)
{
	struct pollfd p = { .events = POLLIN };
	int ends[2];
	char byte;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(kit_child(leave_a_child, ends), 0);
	close(ends[1]);
	p.fd = ends[0];
	ck_assert_int_eq(poll(&p, 1, 3000), 1);
	ck_assert_int_eq(read(ends[0], &byte, 1), 0);
	close(ends[0]);
}
END_TEST

static int
ask_for_a_stranger(void *arg)
{
	(void) arg;
	KIT_MUST(!priv_die_with_parent(1));
	return 0;
}

START_TEST(a_parent_that_is_gone_is_noticed)
{
	ck_assert_int_eq(kit_child(ask_for_a_stranger, NULL), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("priv");

	KIT_ROWS(tc, what_is_given_up_is_gone, drops);
	tcase_add_test(tc, unknown_names_are_told);
	tcase_add_test(tc, inherited_descriptors_are_closed);
	tcase_add_test(tc, a_helper_dies_with_its_parent);
	tcase_add_test(tc, a_parent_that_is_gone_is_noticed);
	return kit_run("common/priv", tc);
}
