/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_SEEN_H
#define TUNNELD_SEEN_H

#include <stdint.h>

#include "daemons/tunneld/control.h"

/*
 * The SPIs that a peer has named in a session. None may come twice: it would mean a key used twice,
 * for keys are derived from them. Pure.
 */
#define SEEN_MAX (CONTROL_SPIS_MAX * 4)

struct seen {
	unsigned n;
	uint32_t spis[SEEN_MAX];
};

/* 0, -EEXIST for one that was there, among themselves too, or -ENOSPC. */
int seen_add(struct seen *seen, const uint32_t *spis, unsigned n);

#endif
