/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_MEMORY_H
#define LV_TEST_MEMORY_H

#include <stdbool.h>

#include "daemons/ipamd/store.h"

/*
 * The store in memory: arrays and linear search, so that it can be seen to be right, and failures
 * on demand. What was committed lives in a struct memory and outlives the store, as a file would.
 */
struct memory;

struct memory *memory_new(void);
void memory_free(struct memory *m);	/* after its store was closed; NULL is fine */

/* Opens it: one store at a time. */
struct store *memory_open(struct memory *m);

/*
 * The nth call from now on fails, each call of the table of functions counts (1: the next one; 0:
 * none does). With `broken` the store cannot be trusted afterwards.
 */
void memory_fail(struct memory *m, unsigned nth, bool broken);

/* Has the failure that was asked for happened? */
bool memory_failed(const struct memory *m);

/* More than that is a test that has outgrown it. */
#define MEMORY_NODES_MAX 512
#define MEMORY_TOKENS_MAX 512
#define MEMORY_HOLDS_MAX 512
#define MEMORY_NETWORKS_MAX 80

/* Of these the oldest make room. */
#define MEMORY_EVENTS_MAX 512
#define MEMORY_TOMBSTONES_MAX 512
#define MEMORY_REPLIES_MAX 64

#endif
