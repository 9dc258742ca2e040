/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_ASK_UPKEEP_H
#define LV_CTLD_ASK_UPKEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/digest.h"
#include "common/log.h"
#include "daemons/ctld/backend.h"

/* What the other daemons are asked to do with themselves; `next` tells how it ended (backend.h). */

/* CONFIG_INVALID: nothing has changed. */
void upkeep_reload(struct backend *b, enum backend_peer peer, struct call *c, backend_next *next);

struct upkeep_level {
	enum log_level level;
	int64_t for_ms;		/* 0: until the next reload */
	bool reset;		/* as it is configured; the others do not count */
};
void upkeep_set_level(struct backend *b, enum backend_peer peer, struct call *c,
    const struct upkeep_level *want, backend_next *next);

#define UPKEEP_PART_MAX (64 * 1024)

struct upkeep_part {
	uint64_t id;
	bool copied;		/* else it is still being made: ask again */
	bool whole;		/* that was all */
	uint64_t size;		/* of the whole */
	uint64_t revision;
	uint8_t sha256[DIGEST_LEN];	/* where that was all */
	size_t len;
	uint8_t data[UPKEEP_PART_MAX];
};

/* id 0: a new one, BACKUP_BUSY. */
void upkeep_read_backup(struct backend *b, struct call *c, uint64_t id, uint64_t offset,
    struct upkeep_part *out, backend_next *next);
void upkeep_end_backup(struct backend *b, struct call *c, uint64_t id, backend_next *next);

#endif
