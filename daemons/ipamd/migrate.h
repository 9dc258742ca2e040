/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_MIGRATE_H
#define LV_IPAMD_MIGRATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "daemons/ipamd/dbfile.h"

/*
 * Brings a database to the newest schema by numbered steps, forward only, each in a transaction of
 * its own; PRAGMA user_version holds the number of the last one. Before each a snapshot is taken
 * (snapshot.h) where the caller wants it. What fails or is cut short leaves the database as it was
 * before that step.
 *
 * An empty file becomes a new database; tables of the seed become one with their nodes. A database
 * of a newer ipamd is refused (-ENOTSUP). The path is that of a file that exists, which the caller
 * has locked.
 */
int migrate(const char *path, bool snapshots, struct err *e);

/* Makes the newest schema in an empty database. */
int migrate_schema(struct dbfile *db, struct err *e);

extern const int64_t migrate_version;	/* of the newest schema */

#endif
