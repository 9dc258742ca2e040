/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/peers.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 256

/* FNV-1a. */
static size_t
bucket_of(const char *id, size_t nbuckets)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (const char *c = id; *c != '\0'; c++)
		h = (h ^ (unsigned char) *c) * 0x100000001b3u;
	return (size_t) h & (nbuckets - 1);
}

int
peers_init(struct peers *p, struct grave *grave)
{
	*p = (struct peers){ .nbuckets = BUCKETS_MIN, .grave = grave };
	p->buckets = calloc(p->nbuckets, sizeof(*p->buckets));
	return p->buckets == NULL ? -ENOMEM : 0;
}

void
peers_fini(struct peers *p)
{
	free(p->buckets);
	*p = (struct peers){ 0 };
}

struct peer *
peers_find(const struct peers *p, const char *id)
{
	struct peer *peer;

	LIST_FOREACH(peer, &p->buckets[bucket_of(id, p->nbuckets)], link) {
		if (strcmp(peer->id, id) == 0)
			return peer;
	}
	return NULL;
}

/* Four to a bucket are still quick: without memory for more it stays as it is. */
static void
grow(struct peers *p)
{
	size_t n = p->nbuckets * 4;
	struct peer_list *buckets = calloc(n, sizeof(*buckets));
	struct peer *peer;

	if (buckets == NULL)
		return;
	for (size_t i = 0; i < p->nbuckets; i++) {
		while ((peer = LIST_FIRST(&p->buckets[i])) != NULL) {
			LIST_REMOVE(peer, link);
			LIST_INSERT_HEAD(&buckets[bucket_of(peer->id, n)], peer, link);
		}
	}
	free(p->buckets);
	p->buckets = buckets;
	p->nbuckets = n;
}

struct peer *
peers_add(struct peers *p, const char *id)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL)
		return NULL;
	strncpy(peer->id, id, sizeof(peer->id) - 1);
	LIST_INIT(&peer->sessions);
	if (p->n >= 4 * p->nbuckets)
		grow(p);
	LIST_INSERT_HEAD(&p->buckets[bucket_of(peer->id, p->nbuckets)], peer, link);
	p->n++;
	return peer;
}

static void
bury_peer(struct grace_item *item)
{
	free((char *) item - offsetof(struct peer, grace));
}

void
peers_remove(struct peers *p, struct peer *peer)
{
	LIST_REMOVE(peer, link);
	p->n--;
	grave_put(p->grave, &peer->grace, bury_peer);
}

struct peer *
peers_next(const struct peers *p, const struct peer *peer)
{
	size_t i = 0;

	if (peer != NULL) {
		if (LIST_NEXT(peer, link) != NULL)
			return LIST_NEXT(peer, link);
		i = bucket_of(peer->id, p->nbuckets) + 1;
	}
	for (; i < p->nbuckets; i++) {
		if (!LIST_EMPTY(&p->buckets[i]))
			return LIST_FIRST(&p->buckets[i]);
	}
	return NULL;
}
