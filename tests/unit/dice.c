/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/dice.h"

#include <stdlib.h>

/* xorshift64* */
struct dice
dice_new(uint64_t seed)
{
	return (struct dice){ seed * UINT64_C(0x9e3779b97f4a7c15) + 1 };
}

uint64_t
dice_roll(struct dice *d)
{
	d->x ^= d->x >> 12;
	d->x ^= d->x << 25;
	d->x ^= d->x >> 27;
	return d->x * UINT64_C(0x2545f4914f6cdd1d);
}

unsigned
dice_below(struct dice *d, unsigned n)
{
	return (unsigned) ((dice_roll(d) >> 32) % n);
}

void
dice_fill(struct dice *d, uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t) (dice_roll(d) >> 56);
}

uint64_t
dice_seed(void)
{
	const char *text = getenv("LV_SEED");

	return text == NULL ? 1 : strtoull(text, NULL, 10);
}
