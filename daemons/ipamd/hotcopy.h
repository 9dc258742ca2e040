/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_HOTCOPY_H
#define LV_IPAMD_HOTCOPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/digest.h"
#include "common/err.h"
#include "common/ev.h"
#include "daemons/ipamd/dbfile.h"

/*
 * A backup of the database while ipamd runs, for somebody who fetches it by requests. Each request
 * does a slice of the work, so that others wait for a millisecond at most: first of copying it, as
 * it was when the first request came, to a file beside it; then of reading that. One at a time; who
 * does not ask for HOTCOPY_IDLE_MS has gone.
 */

#define HOTCOPY_PART_MAX (64 * 1024)
#define HOTCOPY_PAGES 256		/* copied by one request: a megabyte */
#define HOTCOPY_IDLE_MS 30000

struct hotcopy_part {
	uint64_t id;
	bool copied;		/* else it is still being made */
	bool whole;		/* that was all of it */
	size_t len;
	uint64_t size;		/* of the whole */
	uint8_t sha256[DIGEST_LEN];	/* of the whole, where that was all */
	uint64_t revision;	/* of the last event in it */
	uint8_t data[HOTCOPY_PART_MAX];
};

struct hotcopy;

/* Deletes what an ipamd that was killed may have left. */
int hotcopy_new(struct ev *ev, const char *db_path, struct hotcopy **out, struct err *e);
void hotcopy_free(struct hotcopy *h);	/* NULL is fine */

/*
 * id 0 begins a new one, with its last event's revision: BACKUP_BUSY. Offsets follow each other:
 * another one is FIELD_INVALID; one that has ended is DEADLINE. *out is borrowed until the next call.
 * After the part that says that it was all, and after STORE_FAILED, it has ended.
 */
int hotcopy_read(struct hotcopy *h, uint64_t id, uint64_t offset, uint64_t revision,
    const struct hotcopy_part **out, struct err *e);

/* It is not wanted any more. One that has ended is fine. */
void hotcopy_drop(struct hotcopy *h, uint64_t id);

#endif
