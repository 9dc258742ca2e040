/* SPDX-License-Identifier: Apache-2.0 */
#include "common/tally.h"

#include <stdint.h>

static unsigned
place_of(int reason)
{
	unsigned i = 0;

	while (i < REASONS && (int) reason_at(i) != reason)
		i++;
	return i < REASONS ? i : place_of(REASON_INTERNAL);
}

void
tally_add(struct tally *t, int reason)
{
	atomic_fetch_add_explicit(&t->count[place_of(reason)], 1, memory_order_relaxed);
}

void
tally_show(const struct tally *t, const char *daemon, struct metrics *m)
{
	for (unsigned i = 0; i < REASONS; i++) {
		uint64_t n = atomic_load_explicit(&t->count[i], memory_order_relaxed);

		metrics_add(m, METRIC_REFUSALS, daemon, reason_name((int) reason_at(i)),
		    (double) n);
	}
}
