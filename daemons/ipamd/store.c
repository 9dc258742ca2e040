/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/reason.h"
#include "daemons/ipamd/migrate.h"
#include "daemons/ipamd/store_sql.h"

/*
 * The keeper of sqlite: opens, commits, runs statements. What they say is in store_sql.c, what
 * they mean in store_node.c and store_token.c.
 */

#define FAILURE_MAX 256
#define BUSY_MS 1000	/* an administrator's sqlite3 may hold the write lock for a moment */

struct store {
	sqlite3 *db;
	sqlite3_stmt *stmts[SQL_STATEMENTS];
	int lock_fd;		/* the database file, locked against a second ipamd */
	bool in_tx;		/* a transaction is open */
	bool doomed;		/* it can only be thrown away */
	bool broken;
	enum store_due due;
	char newest[STORE_STAMP_MAX];	/* not below any update_time; seq likewise for lru_seq */
	int64_t seq;
	uint64_t highest_epoch;
	char failure[FAILURE_MAX];
};

/* --- failure ---------------------------------------------------------------------------------- */

/* Errors of sqlite may have rolled the transaction back already: the whole of it is given up. */
static int
fail(struct store *st)
{
	int code = sqlite3_errcode(st->db);

	snprintf(st->failure, sizeof(st->failure), "%s", sqlite3_errmsg(st->db));
	st->doomed = true;
	if (code == SQLITE_IOERR || code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		st->broken = true;
	return -REASON_STORE_FAILED;
}

const char *
store_failure(const struct store *st)
{
	return st->failure;
}

bool
store_broken(const struct store *st)
{
	return st->broken;
}

/* --- statements ------------------------------------------------------------------------------- */

static int
set_arg(sqlite3_stmt *s, int at, const struct sql_arg *a)
{
	switch (a->kind) {
	case ARG_INT:
		return sqlite3_bind_int64(s, at, a->number);
	case ARG_TEXT:
		return sqlite3_bind_text(s, at, a->bytes, -1, SQLITE_STATIC);
	case ARG_BLOB:
		return sqlite3_bind_blob(s, at, a->bytes, (int) a->len, SQLITE_STATIC);
	default:
		return sqlite3_bind_null(s, at);
	}
}

int
store_query(struct store *st, enum store_stmt which, const struct sql_arg *args, size_t nargs)
{
	if (st->doomed)
		return -REASON_STORE_FAILED;
	for (size_t i = 0; i < nargs; i++) {
		if (set_arg(st->stmts[which], (int) i + 1, &args[i]) != SQLITE_OK)
			return fail(st);
	}
	return 0;
}

int
store_next(struct store *st, enum store_stmt which)
{
	int code = sqlite3_step(st->stmts[which]), rc = 0;

	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_CONSTRAINT &&
	    sqlite3_extended_errcode(st->db) == SQLITE_CONSTRAINT_UNIQUE)
		rc = -EEXIST;	/* undoes this statement only */
	else if (code != SQLITE_DONE)
		rc = fail(st);
	sqlite3_reset(st->stmts[which]);
	return rc;
}

void
store_done(struct store *st, enum store_stmt which)
{
	sqlite3_reset(st->stmts[which]);
}

int
store_run(struct store *st, enum store_stmt which, const struct sql_arg *args, size_t nargs)
{
	int rc = store_query(st, which, args, nargs);

	return rc < 0 ? rc : store_next(st, which);
}

int64_t
store_int(struct store *st, enum store_stmt which, int column)
{
	return sqlite3_column_int64(st->stmts[which], column);
}

const char *
store_text(struct store *st, enum store_stmt which, int column)
{
	const unsigned char *text = sqlite3_column_text(st->stmts[which], column);

	return text == NULL ? "" : (const char *) text;
}

void
store_blob(struct store *st, enum store_stmt which, int column, void *out, size_t len)
{
	const void *bytes = sqlite3_column_blob(st->stmts[which], column);

	memset(out, 0, len);
	if (bytes != NULL && (size_t) sqlite3_column_bytes(st->stmts[which], column) == len)
		memcpy(out, bytes, len);
}

int
store_script(struct store *st, const char *sql)
{
	return sqlite3_exec(st->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(st);
}

int
store_pragma(struct store *st, const char *sql, int64_t *out)
{
	sqlite3_stmt *s = NULL;
	int rc = 0;

	if (sqlite3_prepare_v2(st->db, sql, -1, &s, NULL) != SQLITE_OK ||
	    sqlite3_step(s) != SQLITE_ROW)
		rc = fail(st);
	else
		*out = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return rc;
}

int64_t
store_changes(struct store *st)
{
	return sqlite3_changes64(st->db);
}

int64_t
store_added(struct store *st)
{
	return sqlite3_last_insert_rowid(st->db);
}

/* --- transactions ----------------------------------------------------------------------------- */

int
store_request(struct store *st)
{
	int rc;

	if (!st->in_tx) {
		if ((rc = store_run(st, SQL_BEGIN, NULL, 0)) < 0)
			return rc;
		st->in_tx = true;
	}
	return store_run(st, SQL_SAVEPOINT, NULL, 0);
}

int
store_accept(struct store *st)
{
	return store_run(st, SQL_RELEASE, NULL, 0);
}

int
store_refuse(struct store *st)
{
	int rc = store_run(st, SQL_ROLLBACK_TO, NULL, 0);

	return rc < 0 ? rc : store_run(st, SQL_RELEASE, NULL, 0);
}

void
store_wants(struct store *st, enum store_due due)
{
	if (due > st->due)
		st->due = due;
}

enum store_due
store_due(const struct store *st)
{
	return st->doomed ? STORE_NOW : st->due;
}

int
store_commit(struct store *st)
{
	int rc = st->doomed ? -REASON_STORE_FAILED : 0;

	if (rc == 0 && st->in_tx)
		rc = store_run(st, SQL_COMMIT, NULL, 0);
	st->doomed = false;
	if (sqlite3_get_autocommit(st->db) == 0 && store_run(st, SQL_ROLLBACK, NULL, 0) < 0)
		st->broken = true;
	st->in_tx = false;
	st->doomed = false;
	st->due = STORE_NOTHING;
	return rc;
}

/* --- the order of use ------------------------------------------------------------------------- */

void
store_local(int64_t now_s, char out[STORE_STAMP_MAX])
{
	time_t t = (time_t) now_s;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL || strftime(out, STORE_STAMP_MAX, "%F %T", &tm) == 0)
		out[0] = '\0';
}

struct store_use
store_use(struct store *st, int64_t now_s)
{
	char local[STORE_STAMP_MAX];

	store_local(now_s, local);
	if (strcmp(local, st->newest) > 0)
		memcpy(st->newest, local, sizeof(st->newest));
	return (struct store_use){ st->newest, ++st->seq };
}

void
store_used(struct store *st, int64_t n)
{
	st->seq += n;
}

uint64_t
store_highest_epoch(const struct store *st)
{
	return st->highest_epoch;
}

static int
read_highest(struct store *st)
{
	int rc = store_query(st, SQL_HIGHEST, NULL, 0);

	if (rc < 0 || (rc = store_next(st, SQL_HIGHEST)) <= 0)
		return rc;
	snprintf(st->newest, sizeof(st->newest), "%s", store_text(st, SQL_HIGHEST, 0));
	st->seq = store_int(st, SQL_HIGHEST, 1);
	st->highest_epoch = (uint64_t) store_int(st, SQL_HIGHEST, 2);
	store_done(st, SQL_HIGHEST);
	return 0;
}

/* --- opening ---------------------------------------------------------------------------------- */

/*
 * Makes the file and locks it. flock(2), since closing any descriptor of a file ends the fcntl(2)
 * locks that sqlite has on it: this one is closed last.
 */
static int
lock_file(const char *path, int *fd_out, struct err *e)
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

/*
 * synchronous=FULL: with NORMAL a commit may be lost with the power after it was answered. Sorting
 * in memory, since there is no other place where the process may write. 16 MiB of cache hold the
 * indexes of a hundred thousand nodes.
 */
static const char settings[] =
    "pragma journal_mode=wal; pragma synchronous=full; pragma temp_store=memory;"
    "pragma cache_size=-16384";

static int
open_db(struct store *st, const char *path, struct err *e)
{
	if (sqlite3_open_v2(path, &st->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return err_set(e, -EIO, "%s",
		    st->db == NULL ? "out of memory" : sqlite3_errmsg(st->db));
	sqlite3_busy_timeout(st->db, BUSY_MS);
	/* Foreign keys come last: while they hold, a column that refers cannot be added. */
	if (store_script(st, settings) < 0)
		return err_set(e, -EIO, "%s", st->failure);
	if (migrate(st, e) < 0)
		return e->rc;
	if (store_script(st, "pragma foreign_keys=on") < 0)
		return err_set(e, -EIO, "%s", st->failure);
	for (unsigned i = 0; i < SQL_STATEMENTS; i++) {
		if (sqlite3_prepare_v3(st->db, store_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
		    &st->stmts[i], NULL) != SQLITE_OK)
			return err_set(e, -EIO, "%s: %s", sqlite3_errmsg(st->db), store_sql[i]);
	}
	return read_highest(st) < 0 ? err_set(e, -EIO, "%s", st->failure) : 0;
}

int
store_open(const char *path, struct store **out, struct err *e)
{
	struct store *st = calloc(1, sizeof(*st));
	int rc;

	if (st == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	st->lock_fd = -1;
	rc = lock_file(path, &st->lock_fd, e);
	if (rc == 0 && (rc = open_db(st, path, e)) < 0)
		err_prefix(e, "%s", path);
	if (rc < 0) {
		store_close(st);
		return rc;
	}
	*out = st;
	return 0;
}

void
store_close(struct store *st)
{
	if (st == NULL)
		return;
	for (unsigned i = 0; i < SQL_STATEMENTS; i++)
		sqlite3_finalize(st->stmts[i]);
	sqlite3_close(st->db);
	if (st->lock_fd >= 0)
		close(st->lock_fd);
	free(st);
}
