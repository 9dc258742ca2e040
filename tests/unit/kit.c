/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/kit.h"

#include <fcntl.h>
#include <ftw.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_LIMIT_S 10

static char dir[KIT_PATH_MAX];

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void) st, (void) type, (void) ftw;
	return remove(path);
}

int
kit_run(const char *name, TCase *tc)
{
	Suite *s = suite_create(name);
	SRunner *r = srunner_create(s);
	int failed;

	/* Before the tests fork: all of them share it, and one process removes it. */
	snprintf(dir, sizeof(dir), "%s/lvtest.XXXXXX",
	    getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) < 0) {
		perror(dir);
		return EXIT_FAILURE;
	}
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
kit_skip(const char *why)
{
	puts(why);
	return 77;
}

bool
kit_has_seccomp(void)
{
	uint32_t action = SECCOMP_RET_ERRNO;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int
kit_slow(void)
{
	const char *text = getenv("LV_SLOW");
	int times = text == NULL ? 1 : atoi(text);

	return times < 1 ? 1 : times;
}

const char *
kit_dir(void)
{
	return dir;
}

const char *
kit_path(const char *name, char buf[KIT_PATH_MAX])
{
	ck_assert_int_lt(snprintf(buf, KIT_PATH_MAX, "%s/%s", dir, name), KIT_PATH_MAX);
	return buf;
}

const char *
kit_write(const char *name, const char *text, mode_t mode)
{
	static char path[KIT_PATH_MAX];
	size_t len = strlen(text);
	int fd;

	fd = open(kit_path(name, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t) len);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

char *
kit_read(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	ck_assert_ptr_nonnull(f);
	if (getdelim(&text, &size, '\0', f) < 0) {	/* an empty file */
		free(text);
		text = calloc(1, 1);
	}
	fclose(f);
	return text;
}

int
kit_child(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		alarm(CHILD_LIMIT_S);
		_exit(fn(arg));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}
