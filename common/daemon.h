/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_DAEMON_H
#define LV_DAEMON_H

#include <limits.h>
#include <stdbool.h>

#include "common/err.h"
#include "common/log.h"
#include "common/sandbox.h"

/* How a daemon starts: options, detaching, readiness. The three share it word for word. */

/* Exit statuses (sysexits.h). */
enum daemon_exit {
	DAEMON_OK = 0,
	DAEMON_FAILED = 1,	/* it ran, and had to give up */
	DAEMON_USAGE = 64,	/* the command line is wrong */
	DAEMON_OS = 71,		/* the system lacks something: device, port, memory */
	DAEMON_NOPERM = 77,	/* must be started as root; a file has the wrong rights */
	DAEMON_CONFIG = 78,	/* the configuration, or what a file of it holds, is wrong */
};

/*
 * What a daemon's program can do instead of running: a long option and a file, "ipamd --check
 * [file]". Tables end with a row without a name.
 */
struct daemon_errand {
	const char *name;
	const char *what;	/* a line for -h */
	bool may_omit;		/* the file */
};

#define DAEMON_ERRANDS_MAX 8

/* What a program can be, said by a word: "tunneld node". Tables end like those of errands. */
struct daemon_role {
	const char *name;
	const char *default_conf;
};

struct daemon_program {
	const char *name;
	const char *default_conf;	/* where no role is said */
	const struct daemon_errand *errands;	/* NULL: none */
	const struct daemon_role *roles;	/* NULL: none */
};

struct daemon {
	const char *name;
	const char *conf_path;	/* as given; from daemon_begin on the same everywhere */
	char conf_real[PATH_MAX];	/* what it points to then */
	const char *pid_path;	/* NULL: none */
	bool check_only;	/* -n */
	bool detach;		/* -d */
	enum sandbox_mode sandbox;
	const struct daemon_role *role;	/* as said; NULL: none was */
	const struct daemon_errand *errand;	/* NULL: none, it runs */
	const char *file;	/* of the errand; NULL: left out */
	int ready_fd;	/* the waiting parent's pipe; -1: none */
	int notify_fd;	/* of systemd's $NOTIFY_SOCKET; -1: none */
};

/*
 * Reads the options that all daemons have (see DAEMON_OPTIONS) and one of the roles and errands
 * (borrowed) into *d. Returns -1 to go on, or the exit status: after -h, -V and mistakes, which it
 * has explained.
 */
#define DAEMON_OPTIONS "c:dhnp:S:V"
int daemon_options(struct daemon *d, const struct daemon_program *program, int argc, char **argv);

/*
 * Opens the log, and with -d puts the process into the background: the parent stays until
 * daemon_ready, or exits with the child's status when that ends before. From here on SIGPIPE is
 * ignored, and SIGTERM, SIGINT and SIGHUP wait for ev_signal, in children too. conf_path becomes absolute and free of symbolic links: it is read again
 * on SIGHUP, from / with -d, and by then only its own directory may be within reach.
 * Call it while still root, with nothing open. Returns an exit status, or -1 to go on.
 */
int daemon_begin(struct daemon *d, const struct log_conf *log);

/*
 * Allows this process, and those it forks from here on, as many descriptors as it may have: the
 * soft limit, which for select(2)'s sake is low, becomes the hard one. Where that is below `need`
 * it is logged: the daemon goes on, and has to refuse some.
 */
void daemon_raise_descriptors(unsigned need);

/* Says "ready" to whoever waits: the parent of -d, systemd. Once. */
void daemon_ready(struct daemon *d);

/*
 * In a forked helper process: gives up what only the main process uses, and the terminal where
 * that runs in the background (or whoever waits for the terminal's end waits for the helper).
 */
void daemon_forked(struct daemon *d);

/* Says "stopping" to systemd. */
void daemon_stopping(struct daemon *d);

/* Says what went wrong at start: one line to the log, and to the terminal when that is another. */
enum daemon_exit daemon_fail(const struct daemon *d, enum daemon_exit status, const struct err *e);

/*
 * The exit status for an error of the start: DAEMON_NOPERM for rights that are missing or too wide
 * (-EPERM, -EACCES), DAEMON_CONFIG for a file with the wrong contents (-EBADMSG, -EFBIG), else
 * DAEMON_OS.
 */
enum daemon_exit daemon_status(int rc);

#endif
