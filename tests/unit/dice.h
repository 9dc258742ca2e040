/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_DICE_H
#define LV_TEST_DICE_H

#include <stddef.h>
#include <stdint.h>

/* Chance that can be had again: a small generator of our own, so that a seed means the same
 * everywhere. */
struct dice {
	uint64_t x;
};

struct dice dice_new(uint64_t seed);

uint64_t dice_roll(struct dice *d);
unsigned dice_below(struct dice *d, unsigned n);	/* 0 ... n - 1; n is not 0 */
void dice_fill(struct dice *d, uint8_t *bytes, size_t n);

/* $LV_SEED, or 1 without it. */
uint64_t dice_seed(void);

#endif
