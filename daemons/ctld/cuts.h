/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_CUTS_H
#define LV_CTLD_CUTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/pki.h"

/*
 * Nodes that ipamd has deleted and whose session tunneld has not yet said to have cut: a repeated
 * DeleteNode finds no node any more, but only repeats the cut. Pure.
 */

#define CUTS_MAX 256	/* deletions while tunneld hangs; the oldest is forgotten, and logged */

struct cut {
	char node_id[PKI_ID_MAX + 1];
	uint64_t epoch;
};

struct cuts {	/* the first n are in use, the oldest first */
	struct cut rows[CUTS_MAX];
	unsigned n;
};

/* Remembers one, a known node with its newest epoch. False: the oldest had to go for it. */
bool cuts_add(struct cuts *cuts, const char *node_id, uint64_t epoch);

/* Fills in the epoch; false: none is outstanding. */
bool cuts_find(const struct cuts *cuts, const char *node_id, uint64_t *epoch_out);

/* It is cut. An unknown one is fine. */
void cuts_remove(struct cuts *cuts, const char *node_id);

#endif
