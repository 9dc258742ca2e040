/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_PEER_H
#define TUNNELD_PEER_H

#include <stdint.h>

#include "daemons/tunneld/session.h"

/*
 * The sessions of one node on a server, and which of them goes on. A node has three at most,
 * whatever it does: one that is up, a newer one that begins, and one that was replaced a moment ago.
 */

/* The one that counts: of the highest epoch, and not replaced; NULL: there is none. */
struct session *peer_newest(const struct peer *peer);

/*
 * s begins: ends those that began before and are of no use any more, since they have not come far
 * enough, or have an address that is the node's no longer.
 */
void peer_end_older(const struct session *s);

/* s is up: packets take it; the one before receives for a moment more. */
void peer_take_over(struct session *s);

/* Ends all up to the epoch. Returns how many; the peer may be gone afterwards. */
unsigned peer_cut(struct peer *peer, uint64_t epoch, int reason);

#endif
