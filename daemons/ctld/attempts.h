/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_ATTEMPTS_H
#define LV_CTLD_ATTEMPTS_H

#include <stdint.h>

#include "daemons/ctld/guests.h"

/*
 * Who has tried secrets that were wrong, so that guessing is slow: each source may fail so often
 * at once, and once more after each interval. Success costs nothing. Pure.
 */

#define ATTEMPTS_BURST 10
#define ATTEMPTS_INTERVAL_MS 6000
#define ATTEMPTS_WAIT_MAX_MS (10 * 60 * 1000)	/* whatever was tried */
#define ATTEMPTS_SOURCES_MAX 1024	/* remembered; the one that has failed least is forgotten */

struct attempts;

struct attempts *attempts_new(void);
void attempts_free(struct attempts *a);	/* NULL is fine */

/* How long the source has to wait before it may try; 0: it may. */
int64_t attempts_wait_ms(const struct attempts *a, const struct guest_source *source,
    int64_t now_ms);

void attempts_failed(struct attempts *a, const struct guest_source *source, int64_t now_ms);

#endif
