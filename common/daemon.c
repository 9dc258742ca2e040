/* SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/priv.h"
#include "common/suggest.h"
#include "config.h"

/* --- options ---------------------------------------------------------------------------------- */

static const char *
file_word(const struct daemon_errand *errand)
{
	return errand->may_omit ? "[file]" : "file";
}

/* The synopsis, for running: "[server|node] " where there are roles. */
static void
print_roles(const struct daemon_program *p, FILE *to)
{
	for (const struct daemon_role *r = p->roles; r->name != NULL; r++)
		fprintf(to, "%s%s%s", r == p->roles ? "[" : "|", r->name,
		    r[1].name == NULL ? "] " : "");
}

static void
usage(const struct daemon_program *p, FILE *to)
{
	fprintf(to, "usage: %s ", p->name);
	print_roles(p, to);
	fprintf(to, "[-dn] [-c file] [-p file] [-S errno|kill]\n");
	for (const struct daemon_errand *a = p->errands; a->name != NULL; a++)
		fprintf(to, "       %s [-c file] [-S errno|kill] --%s %s\n", p->name, a->name,
		    file_word(a));
	fprintf(to, "  -c file   configuration (default %s", p->default_conf);
	for (const struct daemon_role *r = p->roles; r->name != NULL; r++) {
		if (strcmp(r->default_conf, p->default_conf) != 0)
			fprintf(to, ", as %s %s", r->name, r->default_conf);
	}
	fprintf(to, ")\n"
	    "  -d        run in the background; return when ready\n"
	    "  -n        check the configuration and exit\n"
	    "  -p file   write the process id there\n"
	    "  -S mode   an unlisted system call fails (errno) or ends the process (kill)\n"
	    "  -V        print the version\n");
	for (const struct daemon_errand *a = p->errands; a->name != NULL; a++)
		fprintf(to, "  --%s %s\n            %s\n", a->name, file_word(a), a->what);
	fprintf(to, "See %s(8).\n", p->name);
}

/* One option; an errand's is ERRAND + its place in the table. 0, or -1 for a mistake. */
#define ERRAND 256

static int
take(struct daemon *d, int option, const struct daemon_errand *errands)
{
	switch (option) {
	case 'c':
		d->conf_path = optarg;
		return 0;
	case 'd':
		d->detach = true;
		return 0;
	case 'n':
		d->check_only = true;
		return 0;
	case 'p':
		d->pid_path = optarg;
		return 0;
	case 'S':
		if (strcmp(optarg, "kill") != 0 && strcmp(optarg, "errno") != 0) {
			fprintf(stderr, "%s: -S takes errno or kill\n", d->name);
			return -1;
		}
		d->sandbox = optarg[0] == 'k' ? SANDBOX_KILL : SANDBOX_ERRNO;
		return 0;
	default:
		if (option < ERRAND)
			return -1;
		if (d->errand != NULL) {
			fprintf(stderr, "%s: --%s and --%s exclude each other\n", d->name,
			    d->errand->name, errands[option - ERRAND].name);
			return -1;
		}
		d->errand = &errands[option - ERRAND];
		return 0;
	}
}

static void
refuse_word(const struct daemon *d, const struct daemon_program *p, const char *word)
{
	struct suggest s = suggest_for(word);

	for (const struct daemon_role *r = p->roles; d->role == NULL && r->name != NULL; r++)
		suggest_try(&s, r->name);
	fprintf(stderr, "%s: unexpected argument \"%s\"", d->name, word);
	if (s.found != NULL)
		fprintf(stderr, "; did you mean \"%s\"?", s.found);
	fputc('\n', stderr);
}

/* The words that are left: a role, or an errand's file, nothing else. */
static int
take_words(struct daemon *d, const struct daemon_program *p, int n, char **words)
{
	if (d->errand != NULL && (d->detach || d->check_only || d->pid_path != NULL)) {
		fprintf(stderr, "%s: --%s excludes -d, -n and -p\n", d->name, d->errand->name);
		return -1;
	}
	for (const struct daemon_role *r = p->roles; n > 0 && r->name != NULL; r++) {
		if (strcmp(*words, r->name) == 0) {
			d->role = r;
			words++;
			n--;
			break;
		}
	}
	if (d->errand != NULL && n > 0) {
		d->file = *words++;
		n--;
	} else if (d->errand != NULL && !d->errand->may_omit) {
		fprintf(stderr, "%s: --%s needs a file\n", d->name, d->errand->name);
		return -1;
	}
	if (n > 0)
		refuse_word(d, p, *words);
	return n > 0 ? -1 : 0;
}

static void
list_errands(const struct daemon_errand *errands, struct option longs[DAEMON_ERRANDS_MAX + 1])
{
	for (int i = 0; errands[i].name != NULL; i++) {
		assert(i < DAEMON_ERRANDS_MAX);
		longs[i] = (struct option){ errands[i].name, no_argument, NULL, ERRAND + i };
	}
}

int
daemon_options(struct daemon *d, const struct daemon_program *program, int argc, char **argv)
{
	static const struct daemon_errand no_errands[1];
	static const struct daemon_role no_roles[1];
	struct option longs[DAEMON_ERRANDS_MAX + 1] = { 0 };
	struct daemon_program p = *program;
	int c, rc = 0;

	p.errands = p.errands == NULL ? no_errands : p.errands;
	p.roles = p.roles == NULL ? no_roles : p.roles;
	list_errands(p.errands, longs);
	*d = (struct daemon){ .name = p.name, .ready_fd = -1, .notify_fd = -1 };
	while (rc == 0 && (c = getopt_long(argc, argv, DAEMON_OPTIONS, longs, NULL)) != -1) {
		if (c == 'V') {
			printf("%s %s\n", p.name, PACKAGE_VERSION);
			return DAEMON_OK;
		}
		if (c == 'h') {
			usage(&p, stdout);
			return DAEMON_OK;
		}
		rc = take(d, c, p.errands);
	}
	if (rc == 0)
		rc = take_words(d, &p, argc - optind, argv + optind);
	if (rc < 0) {
		usage(&p, stderr);
		return DAEMON_USAGE;
	}
	if (d->conf_path == NULL)
		d->conf_path = d->role == NULL ? p.default_conf : d->role->default_conf;
	return -1;
}

/* --- starting --------------------------------------------------------------------------------- */

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

/* A start that is cut in the middle leaves what its end would have removed. */
static void
hold_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
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
	hold_signals();		/* not those of the waiting parent */
	/* The pid file's path may be a relative one too. */
	if ((d->pid_path != NULL && write_pid(d->pid_path, &e) < 0) ||
	    (d->detach && leave_directory(&e) < 0))
		return daemon_fail(d, DAEMON_OS, &e);
	return -1;
}

void
daemon_raise_descriptors(unsigned need)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return;
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < need)
		log_warn("descriptors_few", "have=%llu need=%u",
		    (unsigned long long) lim.rlim_cur, need);
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
	switch (rc) {
	case -EPERM:
	case -EACCES:
		return DAEMON_NOPERM;
	case -EBADMSG:
	case -EFBIG:
		return DAEMON_CONFIG;
	default:
		return DAEMON_OS;
	}
}
