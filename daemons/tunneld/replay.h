/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_REPLAY_H
#define TUNNELD_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The anti-replay window of one SA (RFC 4303, 3.4.3) over 64-bit sequence numbers, as a ring of
 * words (RFC 6479): moving it clears whole words and shifts nothing. Pure.
 *
 * Invariant: bit s of the ring says "s was accepted" for every s in (top - REPLAY_WINDOW, top];
 * all older numbers count as seen.
 */
#define REPLAY_WORDS 128
#define REPLAY_WINDOW ((REPLAY_WORDS - 1) * 64)	/* 8128 packets: 3 ms at 2.5 Mpps */

struct replay {
	uint64_t top;	/* highest accepted number; 0: none yet */
	uint64_t bits[REPLAY_WORDS];
};

/* Would seq be accepted? Asked before the packet is authenticated; changes nothing. */
bool replay_fresh(const struct replay *r, uint64_t seq);

/* Notes that seq was accepted; only after authentication, and only where replay_fresh is true. */
void replay_accept(struct replay *r, uint64_t seq);

#endif
