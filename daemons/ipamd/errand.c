/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/priv.h"
#include "daemons/ipamd/backup.h"
#include "daemons/ipamd/check.h"

enum { ERRAND_CHECK, ERRAND_BACKUP, ERRAND_RESTORE };

const struct daemon_errand errands[] = {
	[ERRAND_CHECK] = { "check", "look for what is wrong with the database, or with that file",
	    true },
	[ERRAND_BACKUP] = { "backup", "write a copy of the database to a new file; ipamd may run",
	    false },
	[ERRAND_RESTORE] = { "restore", "put the database in that file in place of ipamd's own",
	    false },
	{ 0 },
};

#define FINDINGS DAEMON_FAILED	/* the exit status when something is wrong with a database */

static int
fail(const struct errand *a, int rc, const struct err *e)
{
	fflush(stdout);		/* findings come before what follows from them */
	fprintf(stderr, "%s: --%s: %s\n", a->daemon->name, a->daemon->errand->name, e->text);
	return rc == -EUCLEAN ? FINDINGS : daemon_status(rc);
}

static void
print_finding(void *arg, const struct check_finding *f)
{
	(void) arg;
	printf("%s: %s%s%s; %s\n", f->check, f->where, f->where[0] == '\0' ? "" : ": ", f->what,
	    f->todo);
}

static struct check
printing_check(const struct errand *a)
{
	return (struct check){ .conf = a->conf, .found = print_finding };
}

/* --- check ------------------------------------------------------------------------------------ */

/* ipamd's own database is looked at where it is, since ipamd may be writing to it. */
static bool
is_own(const struct errand *a, const char *path)
{
	struct stat own, other;

	return stat(a->db_path, &own) == 0 && stat(path, &other) == 0 &&
	    own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

static int
check(const struct errand *a)
{
	const char *file = a->daemon->file;
	bool own = file == NULL || is_own(a, file);
	struct check c = printing_check(a);
	struct check_result result;
	struct backup_source from;
	struct err e;
	int rc;

	if (!own && (rc = backup_open(file, &from, &e)) < 0)
		return fail(a, rc, &e);
	if ((rc = a->confine(a->arg)) >= 0)
		return rc;
	rc = backup_check(a->db_path, own ? NULL : &from, &c, &result, &e);
	if (!own)
		backup_close(&from);
	if (rc < 0) {
		err_prefix(&e, "%s", own ? a->db_path : file);
		return fail(a, rc, &e);
	}
	if (result.findings == 0)
		printf("%s: ok\n", own ? a->db_path : file);
	else
		printf("%s: %u findings, %u of them serious\n", own ? a->db_path : file,
		    result.findings, result.serious);
	return result.findings == 0 ? DAEMON_OK : FINDINGS;
}

/* --- backup ----------------------------------------------------------------------------------- */

/* The child that gives up the caller's rights; it writes what it says to the caller's terminal. */
static int
write_confined(const struct errand *a, int fd)
{
	struct check c = printing_check(a);
	struct err e;
	int rc;

	if ((rc = a->confine(a->arg)) >= 0)
		return rc;
	if ((rc = backup_write(a->db_path, fd, &c, &e)) < 0)
		return fail(a, rc, &e);
	return DAEMON_OK;
}

/* The exit status of the child. */
static int
fork_writer(const struct errand *a, int fd)
{
	struct err e;
	int status;
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == 0) {
		status = write_confined(a, fd);
		fflush(stdout);
		_exit(status);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		err_set(&e, -errno, "no process can be made to write it: %s", strerror(errno));
		return fail(a, e.rc, &e);
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	err_set(&e, -ECHILD, "the process that writes it was killed by signal %d", WTERMSIG(status));
	return fail(a, e.rc, &e);
}

/* It gets its name when it is whole, and only where nothing has it. */
static int
name_backup(const char *part, const char *file, struct err *e)
{
	if (link(part, file) < 0)
		return err_set(e, -errno, "%s: %s", file, strerror(errno));
	return dbfile_sync(file, e);
}

static int
backup(const struct errand *a)
{
	const char *file = a->daemon->file;
	char part[PATH_MAX];
	struct err e;
	int fd, rc;

	if (snprintf(part, sizeof(part), "%s.XXXXXX", file) >= (int) sizeof(part)) {
		err_set(&e, -ENAMETOOLONG, "%s: the path is too long", file);
		return fail(a, e.rc, &e);
	}
	if (access(file, F_OK) == 0) {
		err_set(&e, -EEXIST, "%s: exists already", file);
		return fail(a, e.rc, &e);
	}
	if ((fd = mkostemp(part, O_CLOEXEC)) < 0) {	/* mode 0600 */
		err_set(&e, -errno, "%s: %s", file, strerror(errno));
		return fail(a, e.rc, &e);
	}
	rc = fork_writer(a, fd);
	close(fd);
	if (rc == DAEMON_OK && name_backup(part, file, &e) < 0)
		rc = fail(a, e.rc, &e);
	unlink(part);
	if (rc == DAEMON_OK)
		printf("%s: a backup of %s\n", file, a->db_path);
	return rc;
}

/* --- restore ---------------------------------------------------------------------------------- */

static int
restore(const struct errand *a)
{
	const char *file = a->daemon->file;
	struct check c = printing_check(a);
	char before[DBFILE_PATH_MAX];
	struct backup_source from;
	struct err e;
	int rc;

	if ((rc = backup_open(file, &from, &e)) < 0)
		return fail(a, rc, &e);
	if ((rc = a->confine(a->arg)) >= 0)
		return rc;
	rc = backup_restore(a->db_path, &from, &c, before, &e);
	backup_close(&from);
	if (rc < 0) {
		err_prefix(&e, "%s", file);
		return fail(a, rc, &e);
	}
	printf("%s: restored from %s\n", a->db_path, file);
	if (before[0] != '\0')
		printf("%s: what was there before\n", before);
	return DAEMON_OK;
}

/* ---------------------------------------------------------------------------------------------- */

int
errand_run(const struct errand *a)
{
	static int (*const run[])(const struct errand *a) = {
		[ERRAND_CHECK] = check,
		[ERRAND_BACKUP] = backup,
		[ERRAND_RESTORE] = restore,
	};

	umask(077);
	return run[a->daemon->errand - errands](a);
}
