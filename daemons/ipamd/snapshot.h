/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_SNAPSHOT_H
#define LV_IPAMD_SNAPSHOT_H

#include <stdint.h>

#include "common/err.h"
#include "daemons/ipamd/dbfile.h"

/*
 * Copies of a database from before something that cannot be taken back: beside it, as
 * PATH.WHAT-TIME ("litevpn.db.step2-20231114T221320.123Z"). The newest SNAPSHOTS_MAX are kept. Who
 * makes one holds the database's lock.
 */

#define SNAPSHOTS_MAX 8
#define SNAPSHOT_WHAT_MAX 32

/* The path of a snapshot that is made now. -ENAMETOOLONG. */
int snapshot_name(const char *path, const char *what, char out[DBFILE_PATH_MAX], struct err *e);

/* Copies the database that `db` has open; out is its path then. Older ones make room. */
int snapshot_take(struct dbfile *db, const char *path, const char *what,
    char out[DBFILE_PATH_MAX], struct err *e);

/* Deletes the oldest ones but SNAPSHOTS_MAX. What cannot be deleted stays. */
void snapshot_prune(const char *path);

/*
 * The newest snapshot from before a schema step whose schema has at most that version; "" where
 * there is none.
 */
void snapshot_find(const char *path, int64_t version, char out[DBFILE_PATH_MAX]);

#endif
