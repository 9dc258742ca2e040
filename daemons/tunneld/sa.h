/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_SA_H
#define TUNNELD_SA_H

#include <stddef.h>
#include <stdint.h>

#include "daemons/tunneld/esp.h"
#include "daemons/tunneld/grace.h"

/*
 * The receiving SAs by their SPI. The receiver chooses the SPI: 12 random bits (never 0, so that
 * 0..255 do not occur), 16 bits of index into the table, 4 bits that name the worker. A datagram
 * thus finds its SA by one array access, and an old SPI does not hit a new SA in the same place.
 *
 * The control thread changes the table, every thread may look at it meanwhile (grace.h).
 */
#define SA_MAX 65536
#define SA_WORKERS 16

struct sa_slots {
	struct grace_item grace;
	size_t size;
	struct esp_rx *at[];	/* by index; borrowed from the sessions */
};

struct sa_table {
	struct grave *grave;	/* borrowed: where slots go that were too few */
	struct sa_slots *slots;	/* NULL: none yet; grows to SA_MAX */
	size_t next;		/* where the search for a free slot begins */
};

void sa_table_init(struct sa_table *t, struct grave *grave);
void sa_table_fini(struct sa_table *t);

/*
 * Puts rx, which is all there but for its SPI, into the table and sets rx->spi. `random`: any 12
 * bits. 0, -ENOSPC or -ENOMEM.
 */
int sa_add(struct sa_table *t, struct esp_rx *rx, unsigned worker, uint32_t random);

/*
 * Takes it out; one that is not in is fine. Its SPI stays as it is, and its memory is for the grave:
 * a worker may be looking at it.
 */
void sa_remove(struct sa_table *t, const struct esp_rx *rx);

/* NULL when no SA has this SPI. */
struct esp_rx *sa_find(const struct sa_table *t, uint32_t spi);

/* The worker whose SA it is. */
unsigned sa_worker(uint32_t spi);

#endif
