/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemons/ipamd/migrate.h"
#include "daemons/ipamd/snapshot.h"
#include "daemons/ipamd/store.h"

#define BLOCK (16 * 1024)

/* --- the place beside the database ------------------------------------------------------------ */

/* Where one works on a copy that is checked or comes in. What a kill leaves there is replaced. */
struct desk {
	char path[DBFILE_PATH_MAX];
	int lock_fd;
};

static int
desk_take(struct desk *d, const char *db_path, struct err *e)
{
	char dir[DBFILE_PATH_MAX];
	int rc = 0;

	if (snprintf(d->path, sizeof(d->path), "%s.desk", db_path) >= (int) sizeof(d->path))
		return err_set(e, -ENAMETOOLONG, "%s: the path is too long", db_path);
	snprintf(dir, sizeof(dir), "%s", db_path);
	if ((d->lock_fd = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return err_set(e, -errno, "%s: %s", dir, strerror(errno));
	if (flock(d->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		rc = err_set(e, -EBUSY, "another check, backup or restore is under way");
		close(d->lock_fd);
		return rc;
	}
	dbfile_remove(d->path);
	return 0;
}

static void
desk_leave(struct desk *d)
{
	dbfile_remove(d->path);
	close(d->lock_fd);
}

/* --- bytes ------------------------------------------------------------------------------------ */

static int
copy_bytes(int from, int to)
{
	char block[BLOCK];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from, block, sizeof(block), at)) > 0) {
		for (ssize_t done = 0, m; done < n; done += m) {
			if ((m = write(to, block + done, (size_t) (n - done))) < 0)
				return -errno;
		}
		at += n;
	}
	if (n < 0)
		return -errno;
	return fsync(to) < 0 ? -errno : 0;
}

static int
copy_in(int from, const char *path, const char *end, struct err *e)
{
	char file[DBFILE_PATH_MAX + 8];
	int fd, rc;

	if (from < 0)
		return 0;
	snprintf(file, sizeof(file), "%s%s", path, end);
	if ((fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0)
		return err_set(e, -errno, "%s: %s", file, strerror(errno));
	rc = copy_bytes(from, fd);
	close(fd);
	return rc < 0 ? err_set(e, rc, "%s: %s", file, strerror(-rc)) : 0;
}

static int
copy_out(const char *path, int to, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	rc = copy_bytes(fd, to);
	close(fd);
	return rc < 0 ? err_set(e, rc, "the backup cannot be written: %s", strerror(-rc)) : 0;
}

/* --- databases from elsewhere ----------------------------------------------------------------- */

static int
open_beside(const char *path, const char *end)
{
	char file[PATH_MAX];

	if (snprintf(file, sizeof(file), "%s%s", path, end) >= (int) sizeof(file))
		return -1;
	return open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

int
backup_open(const char *path, struct backup_source *out, struct err *e)
{
	struct backup_source s = { open_beside(path, ""), -1, -1 };
	struct stat st;
	int rc = 0;

	if (s.fd < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	if (fstat(s.fd, &st) < 0 || !S_ISREG(st.st_mode))
		rc = err_set(e, -EINVAL, "%s: not a regular file", path);
	else if (flock(s.fd, LOCK_SH | LOCK_NB) < 0)
		rc = err_set(e, -EBUSY, "%s: an ipamd that runs writes to it; make a backup and "
		    "use that", path);
	if (rc < 0) {
		close(s.fd);
		return rc;
	}
	s.wal_fd = open_beside(path, "-wal");
	s.journal_fd = open_beside(path, "-journal");
	*out = s;
	return 0;
}

void
backup_close(struct backup_source *s)
{
	if (s->journal_fd >= 0)
		close(s->journal_fd);
	if (s->wal_fd >= 0)
		close(s->wal_fd);
	close(s->fd);
}

/* A copy on the desk, of the newest schema. */
static int
receive(const struct backup_source *s, const struct desk *d, struct err *e)
{
	int rc;

	if ((rc = copy_in(s->fd, d->path, "", e)) < 0 ||
	    (rc = copy_in(s->wal_fd, d->path, "-wal", e)) < 0 ||
	    (rc = copy_in(s->journal_fd, d->path, "-journal", e)) < 0)
		return rc;
	return migrate(d->path, false, e);
}

/* --- checking --------------------------------------------------------------------------------- */

static int
check_file(const char *path, const struct check *check, struct check_result *out, struct err *e)
{
	struct dbfile *db = NULL;
	int rc = dbfile_open(path, DBFILE_READ, &db, e);

	if (rc == 0)
		rc = check_run(check, db, out, e);
	dbfile_close(db);
	return rc;
}

static int
must_be_fit(const char *path, const struct check *check, struct err *e)
{
	struct check_result result;
	int rc = check_file(path, check, &result, e);

	if (rc == 0 && result.serious > 0)
		return err_set(e, -EUCLEAN, "%u findings are serious", result.serious);
	return rc;
}

/* Of an older schema: a copy shows what the next start will make of it. */
static int
check_own(const char *db_path, const struct desk *d, const struct check *check,
    struct check_result *out, struct err *e)
{
	struct dbfile *db = NULL;
	int64_t version;
	int rc;

	if ((rc = dbfile_open(db_path, DBFILE_READ, &db, e)) < 0 ||
	    (rc = dbfile_number(db, "pragma user_version", &version, e)) < 0)
		goto out;
	if (version == migrate_version)
		rc = check_run(check, db, out, e);
	else if ((rc = dbfile_copy(db, d->path, e)) == 0 &&
	    (rc = migrate(d->path, false, e)) == 0)
		rc = check_file(d->path, check, out, e);
out:
	dbfile_close(db);
	return rc;
}

int
backup_check(const char *db_path, const struct backup_source *from, const struct check *check,
    struct check_result *out, struct err *e)
{
	struct desk d = { .lock_fd = -1 };
	int rc;

	if ((rc = desk_take(&d, db_path, e)) < 0)
		return rc;
	if (from == NULL)
		rc = check_own(db_path, &d, check, out, e);
	else if ((rc = receive(from, &d, e)) == 0)
		rc = check_file(d.path, check, out, e);
	desk_leave(&d);
	return rc;
}

/* --- out -------------------------------------------------------------------------------------- */

int
backup_write(const char *db_path, int fd, const struct check *check, struct err *e)
{
	struct dbfile *db = NULL;
	struct desk d = { .lock_fd = -1 };
	int rc;

	if ((rc = desk_take(&d, db_path, e)) < 0)
		return rc;
	if ((rc = dbfile_open(db_path, DBFILE_READ, &db, e)) == 0 &&
	    (rc = dbfile_copy(db, d.path, e)) == 0 &&
	    (rc = copy_out(d.path, fd, e)) == 0 &&
	    (rc = migrate(d.path, false, e)) == 0)
		rc = must_be_fit(d.path, check, e);
	dbfile_close(db);
	desk_leave(&d);
	return rc;
}

/* --- in --------------------------------------------------------------------------------------- */

/*
 * What must not go back with a restore: starts, which are the high half of epochs, since nodes and
 * tunneld know newer ones; and revisions, since listeners do. Where the old database cannot tell,
 * it is taken for having been so much further.
 */
#define BOOT_MARGIN (1 << 16)
#define REVISION_MARGIN (INT64_C(1) << 32)

struct numbers {
	int64_t boot, revision;
};

static int
read_numbers(struct dbfile *db, struct numbers *out, struct err *e)
{
	struct numbers n;
	int rc;

	if ((rc = dbfile_number(db, "select max(value, coalesce((select max(epoch)>>32 from vpn_mgr),"
	    " 0)) from counters where name='boot'", &n.boot, e)) < 0 ||
	    (rc = dbfile_number(db, "select max(revision) from events", &n.revision, e)) < 0)
		return rc;
	*out = n;
	return 0;
}

/*
 * Old events get new revisions: who follows them has seen others with these numbers, and must find
 * that it has missed something.
 */
static int
raise_numbers(struct dbfile *db, const struct numbers *n, const char *before, struct err *e)
{
	const char *name = strrchr(before, '/');
	char sql[1024];
	int64_t oldest;
	int rc;

	if ((rc = dbfile_number(db, "select min(revision) from events", &oldest, e)) < 0)
		return rc;
	snprintf(sql, sizeof(sql), "begin immediate;"
	    "update counters set value=max(value, %" PRId64 ") where name='boot';"
	    "update events set revision=revision+%" PRId64 ";"
	    "insert into events(revision, kind, time_s, node_id, network, address, detail)"
	    " select coalesce(max(revision)+1, %" PRId64 "), %d, %" PRId64 ", '', '', '', 'before=%s'"
	    " from events; commit", n->boot, n->revision + 2 - oldest, n->revision + 2,
	    (int) EVENT_RESTORE, clock_utc_s(), name == NULL ? before : name + 1);
	return dbfile_run(db, sql, e);
}

/* The numbers that both have not passed. */
static int
prepare(const char *path, const struct numbers *old, const char *before, struct err *e)
{
	struct dbfile *db = NULL;
	struct numbers n;
	int rc;

	if ((rc = dbfile_open(path, DBFILE_WRITE, &db, e)) < 0 ||
	    (rc = read_numbers(db, &n, e)) < 0)
		goto out;
	if (old == NULL) {
		n.boot += BOOT_MARGIN;
		n.revision += REVISION_MARGIN;
	} else {
		n.boot = n.boot > old->boot ? n.boot : old->boot;
		n.revision = n.revision > old->revision ? n.revision : old->revision;
	}
	if ((rc = raise_numbers(db, &n, before, e)) == 0)
		rc = dbfile_run(db, "pragma journal_mode=delete", e);
out:
	dbfile_close(db);
	return rc < 0 ? rc : dbfile_sync(path, e);
}

/*
 * Looks at the old database and makes one file of it. -EUCLEAN: it cannot be read; -EBUSY: somebody
 * else does. known: whether *out was filled, which a database of another schema may not allow.
 */
static int
close_old(const char *db_path, struct numbers *out, bool *known, struct err *e)
{
	struct dbfile *db = NULL;
	int rc = dbfile_open(db_path, DBFILE_WRITE, &db, e);

	if (rc == 0) {
		*known = read_numbers(db, out, e) == 0;
		rc = dbfile_run(db, "pragma journal_mode=delete", e);
	}
	dbfile_close(db);
	return rc;
}

/* The old one keeps its name until the new one takes it over. */
static int
swap(const char *db_path, const char *new_path, const char *before, struct err *e)
{
	static const char *const ends[] = { "-wal", "-journal", "-shm" };
	char old[DBFILE_PATH_MAX + 8], kept[DBFILE_PATH_MAX + 8];

	if (before[0] != '\0' && link(db_path, before) < 0)
		return err_set(e, -errno, "%s: %s", before, strerror(errno));
	/* Only a damaged one still has these, and they would be taken for the new one's. */
	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(old, sizeof(old), "%s%s", db_path, ends[i]);
		snprintf(kept, sizeof(kept), "%s%s", before, ends[i]);
		if (before[0] != '\0' && rename(old, kept) < 0 && errno != ENOENT)
			return err_set(e, -errno, "%s: %s", kept, strerror(errno));
	}
	if (rename(new_path, db_path) < 0)
		return err_set(e, -errno, "%s: %s", db_path, strerror(errno));
	snapshot_prune(db_path);
	return dbfile_sync(db_path, e);
}

static int
replace(const char *db_path, const struct desk *d, int lock_fd, char before[DBFILE_PATH_MAX],
    struct err *e)
{
	struct numbers old;
	bool known = false;
	struct stat st;
	int rc = 0;

	before[0] = '\0';
	if (fstat(lock_fd, &st) < 0)
		return err_set(e, -errno, "%s: %s", db_path, strerror(errno));
	if (st.st_size > 0) {
		rc = close_old(db_path, &old, &known, e);
		if (rc < 0 && rc != -EUCLEAN)
			return rc == -EBUSY ? err_prefix(e, "%s: somebody reads it", db_path) : rc;
		if ((rc = snapshot_name(db_path, "restore", before, e)) < 0)
			return rc;
	}
	if ((rc = prepare(d->path, known ? &old : NULL, before, e)) < 0)
		return rc;
	return swap(db_path, d->path, before, e);
}

int
backup_restore(const char *db_path, const struct backup_source *from,
    const struct check *check, char before[DBFILE_PATH_MAX], struct err *e)
{
	struct desk d = { .lock_fd = -1 };
	int lock_fd, rc;

	if ((rc = dbfile_lock(db_path, &lock_fd, e)) < 0)
		return rc;
	if ((rc = desk_take(&d, db_path, e)) < 0) {
		close(lock_fd);
		return rc;
	}
	if ((rc = receive(from, &d, e)) == 0 && (rc = must_be_fit(d.path, check, e)) == 0)
		rc = replace(db_path, &d, lock_fd, before, e);
	desk_leave(&d);
	close(lock_fd);
	return rc;
}
