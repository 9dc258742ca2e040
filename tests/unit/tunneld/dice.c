/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tunneld/dice.h"

uint64_t
dice_roll(struct dice *d)
{
	uint64_t z = d->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t
dice_below(struct dice *d, uint64_t n)
{
	return dice_roll(d) % n;
}
