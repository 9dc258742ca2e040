/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_STORE_INSIDE_H
#define LV_IPAMD_STORE_INSIDE_H

#include "common/reason.h"
#include "daemons/ipamd/store_ops.h"

/* What the files of store.h's intents share. */

/* Calls an operation of the store: one that reads, or one whose change is due then. */
#define WRITE(st, due, op, ...)                                                                    \
	((st)->doomed ? -REASON_STORE_FAILED :                                                     \
	    store_note((st), (due), (st)->ops->op((st), __VA_ARGS__)))
#define READ(st, op, ...) WRITE(st, STORE_NOTHING, op, __VA_ARGS__)

/*
 * Notes what an operation has come to: a failure dooms what waits for the commit, a change is due
 * then. Returns rc.
 */
int store_note(struct store *st, enum store_due due, int rc);

/*
 * The next use. The clock may have been set back, and local time repeats in autumn: the newest
 * stamp stays.
 */
struct store_use store_use_next(struct store *st, int64_t now_s);

#endif
