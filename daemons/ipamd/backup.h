/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_BACKUP_H
#define LV_IPAMD_BACKUP_H

#include "common/err.h"
#include "daemons/ipamd/check.h"
#include "daemons/ipamd/dbfile.h"

/*
 * Databases that leave and that come. The process has no rights but ipamd's: files elsewhere are
 * descriptors that were opened before, and sqlite only sees what lies beside the database. One at a
 * time works there (-EBUSY).
 */

/* A database from elsewhere, with what a process that died may have left beside it. */
struct backup_source {
	int fd, wal_fd, journal_fd;	/* -1: there is none */
};

/* Opens them to read. -EBUSY: a running ipamd writes to it. */
int backup_open(const char *path, struct backup_source *out, struct err *e);
void backup_close(struct backup_source *s);

/*
 * Writes a copy of the database, as it was last committed, to fd, and forces it to the disk. ipamd
 * may run. One of an older schema stays so, and is checked as the next start would make it. Where it
 * fails, what is in fd is no backup. -EUCLEAN: a check found something serious; -ENOTSUP: it is of a
 * newer ipamd.
 */
int backup_write(const char *db_path, int fd, const struct check *check, struct err *e);

/*
 * Checks the database itself, or the one from elsewhere; a copy of it, where that has to be brought
 * to the newest schema first.
 */
int backup_check(const char *db_path, const struct backup_source *from, const struct check *check,
    struct check_result *out, struct err *e);

/*
 * Puts the one from elsewhere in place of the database, which becomes the snapshot `before` ("":
 * there was none). Numbers that must never come again go on above those of the old one. Until the
 * last moment nothing has changed. -EBUSY: ipamd runs, or somebody else reads the database.
 * -EUCLEAN: a check found something serious.
 */
int backup_restore(const char *db_path, const struct backup_source *from,
    const struct check *check, char before[DBFILE_PATH_MAX], struct err *e);

#endif
