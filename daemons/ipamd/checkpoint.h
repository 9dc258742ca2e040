/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_CHECKPOINT_H
#define LV_IPAMD_CHECKPOINT_H

#include <stdbool.h>

#include "common/err.h"

/*
 * Checkpoints of the WAL (https://www.sqlite.org/wal.html) beside the one who writes: what is
 * committed is copied into the database by a thread with a connection of its own, while commits go
 * on. Done by the writer itself, as sqlite does it otherwise, a thousand pages kept every request
 * waiting for 10 to 30 ms.
 *
 * sqlite begins at the front of its WAL again only when all of it was copied, and while commits go
 * on a few pages always came after. Those few the writer copies itself, when it is told to.
 */

struct checkpointer;

/* Starts the thread. -EIO: the database cannot be opened; -errno: there is no thread. */
int checkpointer_new(const char *path, struct checkpointer **out, struct err *e);

/*
 * After a commit: the WAL has so many pages now (the number that sqlite3_wal_hook gives). True when
 * the writer should make a passive checkpoint itself. Called by the writer only.
 */
bool checkpointer_grown(struct checkpointer *c, int pages);

/* Waits for the checkpoint that is being made. NULL is fine. */
void checkpointer_free(struct checkpointer *c);

#endif
