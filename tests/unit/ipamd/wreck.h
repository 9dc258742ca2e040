/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_WRECK_H
#define LV_TEST_WRECK_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/unit/dice.h"
#include "tests/unit/ipamd/disk.h"

/*
 * What a power failure leaves of a database. Goes through the stream of a disk once; wherever it
 * stands the power may fail: what was synced is there, of the rest whatever the disk has managed to
 * write by then, in any order, cut between any two sectors.
 */
struct wreck;

enum wreck_kind {
	WRECK_NOTHING,		/* nothing that was not synced is there */
	WRECK_TORN,		/* of each file, what came first, the last piece of it in part */
	WRECK_SCATTERED,	/* any sectors of any writes */
	WRECK_KINDS
};

struct wreck *wreck_new(const struct disk *d);	/* d has to outlive it, and to stay as it is */
void wreck_free(struct wreck *w);		/* NULL is fine */

/* One event on; false at the end. */
bool wreck_step(struct wreck *w);

/* The last note that was come by; 0: none yet. */
uint64_t wreck_note(const struct wreck *w);

/* Makes the files at `path`, and removes others that belong to that database. */
void wreck_image(const struct wreck *w, enum wreck_kind kind, struct dice *dice, const char *path);

#define WRECK_SECTOR 512

#endif
