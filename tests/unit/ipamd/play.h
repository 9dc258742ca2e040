/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_PLAY_H
#define LV_TEST_PLAY_H

#include <stddef.h>
#include <stdint.h>

#include "common/conf_server.h"
#include "daemons/ipamd/store.h"
#include "tests/unit/ipamd/memory.h"

/*
 * Plays with a ledger and its operations, and with the model beside it: bytes become operations,
 * and after each both must be in the same state. Where they are not, it says what it did, and
 * abort(3)s: for check, and for a fuzzer.
 */

struct play_stage {
	struct store *(*open)(void *arg);	/* anew, after its store was closed */
	void *arg;
	struct memory *memory;	/* where calls are to fail; NULL: they are not */
	/* Before a commit, and when it is done: answers leave then. A start has one. NULL: nobody. */
	void (*commits)(void *arg), (*committed)(void *arg);
	struct conf_server conf;	/* filled by the game: the last configuration of it */
};

/* Plays until the bytes are used up. Returns how many operations that were. */
size_t play(struct play_stage *stage, const uint8_t *bytes, size_t len);

#endif
