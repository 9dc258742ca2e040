/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "tests/unit/dice.h"
#include "tests/unit/ipamd/play.h"

/*
 * The game of test_play.c with bytes that libFuzzer chooses: the ledger and its operations over the
 * store in memory, whose calls fail now and then, against the model.
 */

#define BYTES_MIN 1000	/* a shorter game ends before a network is full */

static struct store *
open_memory(void *arg)
{
	return memory_open(arg);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct memory *memory = memory_new();
	struct play_stage stage = { .open = open_memory, .arg = memory, .memory = memory };

	setenv("TZ", "Europe/Berlin", 1);
	play(&stage, bytes, len);
	memory_free(memory);
	return 0;
}

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t len, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t len, size_t max, unsigned seed);

/* Left to itself libFuzzer begins with single bytes, and gets to games of that length never. */
size_t
LLVMFuzzerCustomMutator(uint8_t *bytes, size_t len, size_t max, unsigned seed)
{
	struct dice dice = dice_new(seed);

	if (len >= BYTES_MIN || max < BYTES_MIN)
		return LLVMFuzzerMutate(bytes, len, max);
	dice_fill(&dice, bytes, BYTES_MIN);
	return BYTES_MIN;
}
