/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_DICE_H
#define LV_TEST_DICE_H

#include <stdint.h>

/* Random numbers that are the same in every run: 64 bits at a time (SplitMix64). */
struct dice {
	uint64_t state;		/* begins as the seed */
};

uint64_t dice_roll(struct dice *d);

/* One of 0 .. n - 1. */
uint64_t dice_below(struct dice *d, uint64_t n);

#endif
