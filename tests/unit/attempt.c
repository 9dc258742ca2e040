/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int
close_opened(int fd)
{
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

int
attempt_read(const char *path)
{
	return close_opened(open(path, O_RDONLY | O_CLOEXEC));
}

int
attempt_write(const char *path)
{
	return close_opened(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

int
attempt_inet_socket(void)
{
	return close_opened(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

int
attempt_unix_socket(void)
{
	return close_opened(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

int
attempt_netlink_socket(void)
{
	return close_opened(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

int
attempt_packet_socket(void)
{
	return close_opened(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
}

/* By an empty name: where nothing forbids it, it fails by ENOENT or EFAULT. */
int
attempt_exec(void)
{
	return syscall(SYS_execve, "", NULL, NULL) < 0 ? -errno : 0;
}

int
attempt_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return -errno;
	waitpid(pid, NULL, 0);
	return 0;
}

int
attempt_ptrace_parent(void)
{
	if (ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) < 0)
		return -errno;
	ptrace(PTRACE_DETACH, getppid(), NULL, NULL);
	return 0;
}

int
attempt_kill_parent(void)
{
	return kill(getppid(), 0) < 0 ? -errno : 0;
}

int
attempt_namespace(void)
{
	return unshare(CLONE_NEWUSER) < 0 ? -errno : 0;
}

int
attempt_executable_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, 4096);
	return 0;
}

int
attempt_tun(void)
{
	return attempt_write("/dev/net/tun");
}

#ifndef LV_SANITIZE	/* sanitizers read files, trace and map; the filters let them */
static int
read_shadow(void)
{
	return attempt_read("/etc/shadow");
}

static int
read_program(void)
{
	return attempt_read("/usr/bin/env");
}

static int
write_tmp(void)
{
	return attempt_write("/tmp/litevpn-attempt");
}
#endif

static const struct {
	int (*fn)(void);
	const char *what;
} forbidden[] = {
	{ attempt_exec, "run a program" },
	{ attempt_namespace, "make a namespace" },
	{ attempt_packet_socket, "open a packet socket" },
#ifndef LV_SANITIZE
	{ attempt_ptrace_parent, "trace its parent" },
	{ attempt_executable_memory, "map executable memory" },
	{ read_shadow, "read /etc/shadow" },
	{ read_program, "read /usr/bin/env" },
	{ write_tmp, "write to /tmp" },
#endif
};

int
attempt_forbidden(void)
{
	int worked = 0;

	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		int rc = forbidden[i].fn();

		if (REFUSED(rc))
			continue;
		fprintf(stderr, "it can %s (%d)\n", forbidden[i].what, rc);
		worked = 1;
	}
	return worked;
}
