/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/used.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define BUCKETS 4096	/* chains of 16 when full; ids are random, so their first bytes spread */

struct entry {
	uint8_t id[USED_ID_LEN];
	int64_t expires;
	SLIST_ENTRY(entry) next;
};

SLIST_HEAD(chain, entry);

/* Every entry is in one chain: that of its id's bucket, or the spare one. */
struct used {
	struct chain buckets[BUCKETS];
	struct chain spare;
	struct entry entries[USED_MAX];
};

struct used *
used_new(void)
{
	struct used *u = calloc(1, sizeof(*u));

	for (size_t i = 0; u != NULL && i < USED_MAX; i++)
		SLIST_INSERT_HEAD(&u->spare, &u->entries[i], next);
	return u;
}

void
used_free(struct used *u)
{
	free(u);
}

static struct chain *
bucket_of(struct used *u, const uint8_t *id)
{
	return &u->buckets[(id[0] | id[1] << 8) % BUCKETS];
}

/* Back to the spare ones with what has expired. */
static void
sweep(struct used *u, struct chain *bucket, int64_t now)
{
	struct chain kept = SLIST_HEAD_INITIALIZER(kept);
	struct entry *e;

	while ((e = SLIST_FIRST(bucket)) != NULL) {
		SLIST_REMOVE_HEAD(bucket, next);
		SLIST_INSERT_HEAD(e->expires <= now ? &u->spare : &kept, e, next);
	}
	*bucket = kept;
}

int
used_add(struct used *u, const uint8_t id[USED_ID_LEN], int64_t expires, int64_t now)
{
	struct chain *bucket = bucket_of(u, id);
	struct entry *e;

	sweep(u, bucket, now);
	SLIST_FOREACH(e, bucket, next) {
		if (memcmp(e->id, id, USED_ID_LEN) == 0)
			return -EEXIST;
	}
	for (size_t i = 0; SLIST_EMPTY(&u->spare) && i < BUCKETS; i++)
		sweep(u, &u->buckets[i], now);
	if ((e = SLIST_FIRST(&u->spare)) == NULL)
		return -ENOSPC;
	SLIST_REMOVE_HEAD(&u->spare, next);
	memcpy(e->id, id, USED_ID_LEN);
	e->expires = expires;
	SLIST_INSERT_HEAD(bucket, e, next);
	return 0;
}
