/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/dbfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ip.h"
#include "common/secret.h"

#define BUSY_MS 5000	/* who else writes is ipamd's commit, or an administrator's sqlite3 */
#define COLUMNS_MAX 16

struct dbfile {
	sqlite3 *db;
};

/* --- functions for scripts -------------------------------------------------------------------- */

static void
address_text(sqlite3_context *ctx, int n, sqlite3_value **args)
{
	const char *text = (const char *) sqlite3_value_text(args[0]);
	char buf[IP_TEXT_MAX] = "";
	struct ip_addr addr;

	(void) n;
	if (text != NULL && ip_parse(text, &addr) == 0)
		ip_format(&addr, buf);
	sqlite3_result_text(ctx, buf, -1, SQLITE_TRANSIENT);
}

static void
hash_secret(sqlite3_context *ctx, int n, sqlite3_value **args)
{
	const char *text = (const char *) sqlite3_value_text(args[0]);
	uint8_t hash[SECRET_HASH_LEN];

	(void) n;
	secret_hash(text == NULL ? "" : text, hash);
	sqlite3_result_blob(ctx, hash, sizeof(hash), SQLITE_TRANSIENT);
}

static int
add_functions(sqlite3 *db)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
	int code = sqlite3_create_function(db, "address_text", 1, flags, NULL, address_text, NULL,
	    NULL);

	return code != SQLITE_OK ? code
	    : sqlite3_create_function(db, "secret_hash", 1, flags, NULL, hash_secret, NULL, NULL);
}

/* --- one connection --------------------------------------------------------------------------- */

static int
fail(const struct dbfile *db, struct err *e)
{
	int code = db->db == NULL ? SQLITE_NOMEM : sqlite3_errcode(db->db), rc = -EIO;

	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		rc = -EUCLEAN;
	else if (code == SQLITE_BUSY)
		rc = -EBUSY;
	return err_set(e, rc, "%s", db->db == NULL ? "out of memory" : sqlite3_errmsg(db->db));
}

int
dbfile_open(const char *path, enum dbfile_mode mode, struct dbfile **out, struct err *e)
{
	int flags = mode == DBFILE_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	struct dbfile *db = calloc(1, sizeof(*db));
	int rc;

	if (db == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	if (sqlite3_open_v2(path, &db->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
	    sqlite3_busy_timeout(db->db, BUSY_MS) != SQLITE_OK ||
	    add_functions(db->db) != SQLITE_OK) {
		rc = fail(db, e);
		dbfile_close(db);
		return rc;
	}
	/* Sorting in memory, since there is no other place where the process may write. */
	if ((rc = dbfile_run(db, "pragma temp_store=memory; pragma synchronous=full", e)) < 0) {
		dbfile_close(db);
		return rc;
	}
	*out = db;
	return 0;
}

void
dbfile_close(struct dbfile *db)
{
	if (db == NULL)
		return;
	sqlite3_close(db->db);
	free(db);
}

int
dbfile_run(struct dbfile *db, const char *sql, struct err *e)
{
	return sqlite3_exec(db->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(db, e);
}

static int
give_row(sqlite3_stmt *s, int (*fn)(void *arg, int n, const char *const *columns), void *arg)
{
	const char *columns[COLUMNS_MAX];
	int n = sqlite3_column_count(s) < COLUMNS_MAX ? sqlite3_column_count(s) : COLUMNS_MAX;

	for (int i = 0; i < n; i++) {
		columns[i] = (const char *) sqlite3_column_text(s, i);
		if (columns[i] == NULL)
			columns[i] = "";
	}
	return fn(arg, n, columns);
}

int
dbfile_each(struct dbfile *db, const char *sql,
    int (*fn)(void *arg, int n, const char *const *columns), void *arg, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int code = sqlite3_prepare_v2(db->db, sql, -1, &s, NULL), rc = 0;

	while (code == SQLITE_OK || code == SQLITE_ROW) {
		if ((code = sqlite3_step(s)) == SQLITE_ROW && (rc = give_row(s, fn, arg)) != 0)
			break;
	}
	if (rc == 0 && code != SQLITE_DONE)
		rc = fail(db, e);
	sqlite3_finalize(s);
	return rc;
}

static int
read_number(void *arg, int n, const char *const *columns)
{
	*(int64_t *) arg = n > 0 ? strtoll(columns[0], NULL, 10) : 0;
	return 1;	/* the first row is enough */
}

int
dbfile_number(struct dbfile *db, const char *sql, int64_t *out, struct err *e)
{
	int64_t number = 0;	/* for a query without rows */
	int rc = dbfile_each(db, sql, read_number, &number, e);

	if (rc < 0)
		return rc;
	*out = number;
	return 0;
}

/* --- copies ----------------------------------------------------------------------------------- */

int
dbfile_sync(const char *path, struct err *e)
{
	char copy[DBFILE_PATH_MAX];
	const char *what[2] = { path, copy };

	snprintf(copy, sizeof(copy), "%s", path);
	what[1] = dirname(copy);
	for (unsigned i = 0; i < 2; i++) {
		int fd = open(what[i], O_RDONLY | O_CLOEXEC), rc;

		if (fd < 0)
			return err_set(e, -errno, "%s: %s", what[i], strerror(errno));
		rc = fsync(fd) < 0 ? -errno : 0;
		close(fd);
		if (rc < 0)
			return err_set(e, rc, "%s: %s", what[i], strerror(-rc));
	}
	return 0;
}

/* The pages, in one piece: a writer meanwhile costs nothing, it writes into its log. */
static int
copy_pages(struct dbfile *from, struct dbfile *to, struct err *e)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): who calls has opened both */
	sqlite3_backup *b = sqlite3_backup_init(to->db, "main", from->db, "main");

	if (b == NULL)
		return fail(to, e);
	sqlite3_backup_step(b, -1);
	if (sqlite3_backup_finish(b) != SQLITE_OK)
		return fail(to, e);
	/* As in the original, readers would need a log beside it. */
	return dbfile_run(to, "pragma journal_mode=delete", e);
}

static int
fill(struct dbfile *db, const char *path, struct err *e)
{
	struct dbfile *to = NULL;
	int rc = dbfile_open(path, DBFILE_WRITE, &to, e);

	if (rc < 0)
		return rc;
	rc = copy_pages(db, to, e);
	dbfile_close(to);
	return rc < 0 ? rc : dbfile_sync(path, e);
}

void
dbfile_remove(const char *path)
{
	static const char *const ends[] = { "-journal", "-wal", "-shm", "" };
	char file[DBFILE_PATH_MAX + 8];

	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(file, sizeof(file), "%s%s", path, ends[i]);
		unlink(file);
	}
}

static int
make_empty(const char *path, struct err *e)
{
	int fd;

	dbfile_remove(path);
	if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	close(fd);
	return 0;
}

int
dbfile_copy(struct dbfile *db, const char *path, struct err *e)
{
	int rc;

	if ((rc = make_empty(path, e)) < 0)
		return rc;
	if ((rc = fill(db, path, e)) < 0)
		dbfile_remove(path);
	return rc;
}

/* --- copies by slices ------------------------------------------------------------------------- */

struct dbfile_copy {
	struct dbfile *from, *to;
	sqlite3_backup *b;
};

/* A transaction that only reads keeps the pages as they are: the copy never begins anew. */
int
dbfile_copy_begin(const char *path, const char *to, struct dbfile_copy **out, struct err *e)
{
	struct dbfile_copy *c = calloc(1, sizeof(*c));
	int64_t any;
	int rc;

	if (c == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	if ((rc = make_empty(to, e)) < 0 ||
	    (rc = dbfile_open(path, DBFILE_READ, &c->from, e)) < 0 ||
	    (rc = dbfile_open(to, DBFILE_WRITE, &c->to, e)) < 0 ||
	    (rc = dbfile_run(c->to, "pragma synchronous=off", e)) < 0 ||
	    (rc = dbfile_run(c->from, "begin", e)) < 0 ||
	    (rc = dbfile_number(c->from, "select count(*) from sqlite_schema", &any, e)) < 0)
		goto out;
	if ((c->b = sqlite3_backup_init(c->to->db, "main", c->from->db, "main")) == NULL) {
		rc = fail(c->to, e);
		goto out;
	}
	*out = c;
	c = NULL;
out:
	dbfile_copy_end(c);
	return rc;
}

int
dbfile_copy_step(struct dbfile_copy *c, int pages, struct err *e)
{
	int code = sqlite3_backup_step(c->b, pages);

	if (code == SQLITE_OK)
		return 1;
	code = sqlite3_backup_finish(c->b);
	c->b = NULL;
	if (code != SQLITE_OK)
		return fail(c->to, e);
	return dbfile_run(c->to, "pragma journal_mode=delete", e);
}

void
dbfile_copy_end(struct dbfile_copy *c)
{
	if (c == NULL)
		return;
	sqlite3_backup_finish(c->b);
	dbfile_close(c->to);
	dbfile_close(c->from);
	free(c);
}

/* --- the lock --------------------------------------------------------------------------------- */

int
dbfile_lock(const char *path, int *fd_out, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	struct stat s;
	int rc = 0;

	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	if (fstat(fd, &s) < 0)
		rc = err_set(e, -errno, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(s.st_mode))
		rc = err_set(e, -EINVAL, "%s: not a regular file", path);
	else if ((s.st_mode & 077) != 0 && fchmod(fd, 0600) < 0)
		rc = err_set(e, -errno, "%s: cannot close it to others: %s", path, strerror(errno));
	else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		rc = err_set(e, -EBUSY, "%s: another ipamd has it open", path);
	if (rc < 0)
		close(fd);
	else
		*fd_out = fd;
	return rc;
}
