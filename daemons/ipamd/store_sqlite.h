/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_STORE_SQLITE_H
#define LV_IPAMD_STORE_SQLITE_H

#include "common/err.h"
#include "daemons/ipamd/store.h"

/*
 * The store in a file of sqlite. Opens the database, made with mode 0600 where it is missing,
 * brings its schema up to date, and keeps every other ipamd out (-EBUSY).
 */
int store_sqlite_open(const char *path, struct store **out, struct err *e);

/*
 * From now on checkpoints of the WAL are made beside the store, by a thread (checkpoint.h), instead
 * of in its commits, as before. Once; -EIO, -errno: e says why.
 */
int store_sqlite_checkpoint_beside(struct store *st, struct err *e);

/* Reads the column `exclude` of a network, prefixes with spaces between them; how many. */
size_t store_sqlite_exclude(const char *text, struct ip_prefix out[STORE_EXCLUDE_MAX]);

#endif
