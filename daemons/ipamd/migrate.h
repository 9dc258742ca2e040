/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_MIGRATE_H
#define LV_IPAMD_MIGRATE_H

#include "common/err.h"

struct store;

/*
 * Brings a database to the newest schema by numbered steps, forward only, each in a transaction of
 * its own; PRAGMA user_version holds the number of the last one. A database of a newer ipamd is
 * refused (-ENOTSUP).
 */
int migrate(struct store *st, struct err *e);

#endif
