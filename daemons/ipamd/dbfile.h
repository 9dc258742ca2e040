/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_DBFILE_H
#define LV_IPAMD_DBFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/*
 * A database file as a whole, for what happens beside the store: schema steps, checks, copies. A
 * connection of its own, that may read while ipamd writes. Errors are texts for people, without the
 * path: -EUCLEAN where the file is damaged, -EBUSY where another process holds it, else -EIO.
 *
 * Scripts and queries may use address_text(X), the usual form of an IP address or "" where X is
 * none, and secret_hash(X), as secrets are kept.
 */
struct dbfile;

#define DBFILE_PATH_MAX 512	/* a path of places.h with a snapshot's name behind it */

enum dbfile_mode { DBFILE_READ, DBFILE_WRITE };

/* Opens a file that exists. */
int dbfile_open(const char *path, enum dbfile_mode mode, struct dbfile **out, struct err *e);
void dbfile_close(struct dbfile *db);	/* NULL is fine */

/* Runs statements separated by semicolons. */
int dbfile_run(struct dbfile *db, const char *sql, struct err *e);

/* The number in the first row of a query; 0 where it has no row. */
int dbfile_number(struct dbfile *db, const char *sql, int64_t *out, struct err *e);

/*
 * Calls fn for each row; its columns as text, "" for null, valid until it returns. A result of fn
 * other than 0 ends that and is returned.
 */
int dbfile_each(struct dbfile *db, const char *sql,
    int (*fn)(void *arg, int n, const char *const *columns), void *arg, struct err *e);

/*
 * Copies it, as it was last committed, into a file of mode 0600, which needs no others beside it
 * and is on the disk when this returns. Replaces what stands there; nothing does after a failure.
 */
int dbfile_copy(struct dbfile *db, const char *path, struct err *e);

/*
 * The same a slice at a time, of the database as it was when it began, whoever writes meanwhile; the
 * file is not forced to the disk. Each step does up to so many pages: 1, or 0 when all is there.
 * Ending one that is not complete leaves a file that is none.
 */
struct dbfile_copy;
int dbfile_copy_begin(const char *path, const char *to, struct dbfile_copy **out, struct err *e);
int dbfile_copy_step(struct dbfile_copy *c, int pages, struct err *e);
void dbfile_copy_end(struct dbfile_copy *c);	/* NULL is fine */

/* Deletes a database with the files beside it, which nobody may have open. */
void dbfile_remove(const char *path);

/*
 * Makes the file, with mode 0600, where it is missing, and locks it against every ipamd (-EBUSY).
 * Whoever has it open with dbfile_open closes that first: closing a descriptor of a file ends the
 * locks that the library has on it.
 */
int dbfile_lock(const char *path, int *fd_out, struct err *e);

/* Forces a file and its name to the disk. */
int dbfile_sync(const char *path, struct err *e);

#endif
