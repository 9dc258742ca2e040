/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tunnel.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/file.h"

#define NAME "tunneld"

static int
pid_path(const char *run_dir, char path[TUNNEL_PATH_MAX])
{
	if (snprintf(path, TUNNEL_PATH_MAX, "%s/node.pid", run_dir) >= TUNNEL_PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}

/* The first line of a file, without its end. */
static int
read_line(const char *path, char *buf, int size)
{
	FILE *f = fopen(path, "re");
	char *line;

	if (f == NULL)
		return -errno;
	line = fgets(buf, size, f);
	fclose(f);
	if (line == NULL)
		return -ENOENT;
	line[strcspn(line, "\n")] = '\0';
	return 0;
}

int
tunnel_signal(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int
tunnel_wait(int pidfd, int timeout_ms)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	int n = poll(&ended, 1, timeout_ms);

	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

/*
 * The number may be another program's by now: the descriptor is taken first, then it is asked what
 * runs there. From then on it can mean no other process.
 */
int
tunnel_find(const char *run_dir)
{
	char path[TUNNEL_PATH_MAX], text[32], comm[64];
	long pid;
	int fd, rc;

	if ((rc = pid_path(run_dir, path)) < 0 || (rc = read_line(path, text, sizeof(text))) < 0)
		return rc;
	if ((pid = strtol(text, NULL, 10)) <= 0)
		return -ENOENT;
	if ((fd = (int) syscall(SYS_pidfd_open, (pid_t) pid, 0)) < 0)
		return errno == ESRCH ? -ENOENT : -errno;
	snprintf(comm, sizeof(comm), "/proc/%ld/comm", pid);
	if (read_line(comm, text, sizeof(text)) < 0 || strcmp(text, NAME) != 0 ||
	    tunnel_wait(fd, 0) == 0) {	/* it has ended, and nobody has asked how */
		close(fd);
		return -ENOENT;
	}
	return fd;
}

int
tunnel_start(const char *program, const char *config, const char *run_dir, struct err *e)
{
	char path[TUNNEL_PATH_MAX];
	int status = 0, rc;
	pid_t pid;

	if ((rc = file_make_dirs(run_dir, e)) < 0)
		return rc;
	if ((rc = pid_path(run_dir, path)) < 0)
		return err_set(e, rc, "%s: the path is too long", run_dir);
	if ((pid = fork()) < 0)
		return err_set(e, -errno, "cannot start %s: %s", program, strerror(errno));
	if (pid == 0) {
		execlp(program, NAME, "node", "-d", "-c", config, "-p", path, (char *) NULL);
		fprintf(stderr, "%s: %s\n", program, strerror(errno));
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status != 0)
		return err_set(e, -ECHILD, "%s did not start (status %d); see tunneld(8)", program,
		    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	return 0;
}
