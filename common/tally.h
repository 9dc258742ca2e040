/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TALLY_H
#define LV_TALLY_H

#include <stdatomic.h>

#include "common/metric.h"
#include "common/reason.h"

/* How often something was refused, by reason. One thread counts, any may look. Zeroed at first. */
struct tally {
	atomic_uint_fast64_t count[REASONS];
};

/* A number that is no reason counts as INTERNAL. */
void tally_add(struct tally *t, int reason);

/* All of them, also those that never came, as litevpn_refusals_total of that daemon. */
void tally_show(const struct tally *t, const char *daemon, struct metrics *m);

#endif
