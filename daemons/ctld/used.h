/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_USED_H
#define LV_CTLD_USED_H

#include <stddef.h>
#include <stdint.h>

/*
 * Ids of grants that were used, until they expire by themselves: a grant is good once. Pure.
 *
 * The bound is what may be signed within the life of a grant, 60 s: above 500 enrolments a second,
 * two grants each. When it is full nothing is signed; forgetting one would let it be used again.
 */

#define USED_ID_LEN 16
#define USED_MAX 65536

struct used;

struct used *used_new(void);	/* NULL: out of memory */
void used_free(struct used *u);	/* NULL is fine */

/*
 * Notes an id that nobody has used until `expires` (UTC seconds). Returns 0, -EEXIST when it was
 * used before, -ENOSPC when the table is full of ids that are still alive at `now`.
 */
int used_add(struct used *u, const uint8_t id[USED_ID_LEN], int64_t expires, int64_t now);

#endif
