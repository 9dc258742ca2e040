/* SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/priv.h"
#include "config.h"

static void
usage(const char *name, const char *default_conf, FILE *to)
{
	fprintf(to,
	    "usage: %s [-dn] [-c file] [-p file] [-S errno|kill]\n"
	    "  -c file   configuration (default %s)\n"
	    "  -d        run in the background; return when ready\n"
	    "  -n        check the configuration and exit\n"
	    "  -p file   write the process id there\n"
	    "  -S mode   an unlisted system call fails (errno) or ends the process (kill)\n"
	    "  -V        print the version\n"
	    "See %s(8).\n",
	    name, default_conf, name);
}

int
daemon_options(struct daemon *d, const char *name, const char *default_conf, int argc, char **argv)
{
	int c;

	*d = (struct daemon){ .name = name, .conf_path = default_conf, .ready_fd = -1,
		.notify_fd = -1 };
	while ((c = getopt(argc, argv, DAEMON_OPTIONS)) != -1) {
		switch (c) {
		case 'c':
			d->conf_path = optarg;
			break;
		case 'd':
			d->detach = true;
			break;
		case 'n':
			d->check_only = true;
			break;
		case 'p':
			d->pid_path = optarg;
			break;
		case 'S':
			if (strcmp(optarg, "kill") != 0 && strcmp(optarg, "errno") != 0) {
				fprintf(stderr, "%s: -S takes errno or kill\n", name);
				return DAEMON_USAGE;
			}
			d->sandbox = optarg[0] == 'k' ? SANDBOX_KILL : SANDBOX_ERRNO;
			break;
		case 'V':
			printf("%s %s\n", name, PACKAGE_VERSION);
			return DAEMON_OK;
		case 'h':
			usage(name, default_conf, stdout);
			return DAEMON_OK;
		default:
			usage(name, default_conf, stderr);
			return DAEMON_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s: unexpected argument \"%s\"\n", name, argv[optind]);
		usage(name, default_conf, stderr);
		return DAEMON_USAGE;
	}
	return -1;
}

/* systemd's readiness protocol (sd_notify(3)): datagrams to a socket named in the environment. */
static int
open_notify(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = path == NULL ? 0 : strlen(path);
	int fd;

	if (len == 0 || len >= sizeof(sun.sun_path))
		return -1;
	memcpy(sun.sun_path, path, len);
	if (sun.sun_path[0] == '@')
		sun.sun_path[0] = '\0';
	unsetenv("NOTIFY_SOCKET");
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *) &sun,
	    (socklen_t) (offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The parent of -d: leaves with 0 on readiness, else with the child's own status. */
static int
wait_ready(pid_t child, int fd)
{
	char byte;
	int status;

	if (read(fd, &byte, 1) == 1)
		return DAEMON_OK;
	if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
		return DAEMON_FAILED;
	return WEXITSTATUS(status) == 0 ? DAEMON_FAILED : WEXITSTATUS(status);
}

/* Returns an exit status in the parent, -1 in the child. stderr stays until readiness. */
static int
detach(struct daemon *d)
{
	int ends[2], null;
	struct err e;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
		err_set(&e, -errno, "cannot go into the background: %s", strerror(errno));
		return daemon_fail(d, DAEMON_OS, &e);
	}
	if (pid > 0) {
		close(ends[1]);
		return wait_ready(pid, ends[0]);
	}
	close(ends[0]);
	d->ready_fd = ends[1];
	setsid();
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0) {
		err_set(&e, -errno, "/dev/null: %s", strerror(errno));
		return daemon_fail(d, DAEMON_OS, &e);
	}
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	close(null);
	return -1;
}

static int
write_pid(const char *path, struct err *e)
{
	FILE *f = fopen(path, "we");

	if (f == NULL)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	fprintf(f, "%d\n", (int) getpid());
	if (fclose(f) != 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

static int
leave_directory(struct err *e)
{
	return chdir("/") < 0 ? err_set(e, -errno, "/: %s", strerror(errno)) : 0;
}

int
daemon_begin(struct daemon *d, const struct log_conf *log)
{
	struct log_conf conf = *log;
	struct err e;
	int rc;

	umask(027);
	signal(SIGPIPE, SIG_IGN);	/* a peer that has gone is an error of the write */
	priv_close_inherited();
	if (realpath(d->conf_path, d->conf_real) == NULL) {
		err_set(&e, -errno, "%s: %s", d->conf_path, strerror(errno));
		return daemon_fail(d, DAEMON_CONFIG, &e);
	}
	d->conf_path = d->conf_real;
	/* stderr is nobody's once the parent has left. */
	if (d->detach && strcmp(conf.target, "stderr") == 0)
		conf.target = "syslog";
	if (log_open(d->name, &conf, &e) < 0)
		return daemon_fail(d, DAEMON_OS, &e);
	d->notify_fd = open_notify();
	if (d->detach && (rc = detach(d)) >= 0)
		return rc;
	/* The pid file's path may be a relative one too. */
	if ((d->pid_path != NULL && write_pid(d->pid_path, &e) < 0) ||
	    (d->detach && leave_directory(&e) < 0))
		return daemon_fail(d, DAEMON_OS, &e);
	return -1;
}

static void
notify(const struct daemon *d, const char *text)
{
	if (d->notify_fd >= 0 && send(d->notify_fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		log_warn("notify_failed", "error=%s", err_name(-errno));
}

static void
leave_terminal(struct daemon *d)
{
	close(d->ready_fd);
	d->ready_fd = -1;
	dup2(STDOUT_FILENO, STDERR_FILENO);	/* /dev/null */
}

void
daemon_ready(struct daemon *d)
{
	if (d->ready_fd >= 0) {
		if (write(d->ready_fd, "", 1) != 1)
			log_warn("parent_gone", "error=%s", err_name(-errno));
		leave_terminal(d);
	}
	notify(d, "READY=1\n");
}

void
daemon_forked(struct daemon *d)
{
	if (d->ready_fd >= 0)
		leave_terminal(d);
	if (d->notify_fd >= 0)
		close(d->notify_fd);
	d->notify_fd = -1;
}

void
daemon_stopping(struct daemon *d)
{
	notify(d, "STOPPING=1\n");
}

enum daemon_exit
daemon_fail(const struct daemon *d, enum daemon_exit status, const struct err *e)
{
	log_err("start_failed", "error=%s", LOG_Q(e->text));
	if (d->ready_fd >= 0)	/* the log went elsewhere; the terminal is still there */
		dprintf(STDERR_FILENO, "%s: %s\n", d->name, e->text);
	return status;
}

enum daemon_exit
daemon_status(int rc)
{
	return rc == -EPERM || rc == -EACCES ? DAEMON_NOPERM : DAEMON_OS;
}
