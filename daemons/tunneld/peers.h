/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_PEERS_H
#define TUNNELD_PEERS_H

#include <stddef.h>

#include "daemons/tunneld/session.h"

/* The server's nodes that have a session, by id. Ids come from ipamd, so nobody outside chooses them. */
LIST_HEAD(peer_list, peer);

struct peers {
	struct peer_list *buckets;
	size_t nbuckets;	/* a power of two */
	size_t n;
	struct grave *grave;	/* borrowed: workers may be looking at what is removed */
};

int peers_init(struct peers *p, struct grave *grave);
void peers_fini(struct peers *p);	/* must be empty */

struct peer *peers_find(const struct peers *p, const char *id);

/* Makes one that is not there yet. NULL when out of memory. */
struct peer *peers_add(struct peers *p, const char *id);

/* Takes it out and frees it; it has no sessions any more. */
void peers_remove(struct peers *p, struct peer *peer);

/* Walks all: the first one for NULL, NULL after the last. The one given may not be removed meanwhile. */
struct peer *peers_next(const struct peers *p, const struct peer *peer);

#endif
