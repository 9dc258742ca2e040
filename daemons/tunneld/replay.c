/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/replay.h"

#define WORD(seq) (((seq) / 64) % REPLAY_WORDS)
#define BIT(seq)  ((uint64_t) 1 << ((seq) % 64))

bool
replay_fresh(const struct replay *r, uint64_t seq)
{
	if (seq == 0)
		return false;	/* RFC 4303, 3.3.3: the first number is 1 */
	if (seq > r->top)
		return true;
	if (r->top - seq >= REPLAY_WINDOW)
		return false;
	return (r->bits[WORD(seq)] & BIT(seq)) == 0;
}

void
replay_accept(struct replay *r, uint64_t seq)
{
	if (seq > r->top) {
		uint64_t ahead = seq / 64 - r->top / 64;

		for (uint64_t i = 1; i <= ahead && i <= REPLAY_WORDS; i++)
			r->bits[(r->top / 64 + i) % REPLAY_WORDS] = 0;
		r->top = seq;
	}
	r->bits[WORD(seq)] |= BIT(seq);
}
