/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/seen.h"

#include <errno.h>
#include <stdbool.h>

static bool
has(const struct seen *seen, uint32_t spi)
{
	for (unsigned i = 0; i < seen->n; i++) {
		if (seen->spis[i] == spi)
			return true;
	}
	return false;
}

int
seen_add(struct seen *seen, const uint32_t *spis, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (has(seen, spis[i]))
			return -EEXIST;
		if (seen->n == SEEN_MAX)
			return -ENOSPC;
		seen->spis[seen->n++] = spis[i];
	}
	return 0;
}
