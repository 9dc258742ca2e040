/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_SA_H
#define TUNNELD_SA_H

#include <stddef.h>
#include <stdint.h>

#include "daemons/tunneld/esp.h"

/*
 * The receiving SAs by their SPI. The receiver chooses the SPI: 12 random bits (never 0, so that
 * 0..255 do not occur), 16 bits of index into the table, 4 bits that name the worker. A datagram
 * thus finds its SA by one array access, and an old SPI does not hit a new SA in the same place.
 */
#define SA_MAX 65536

struct sa_table {
	struct esp_rx **slots;	/* by index; borrowed from the sessions; grows to SA_MAX */
	size_t size;
	size_t next;		/* where the search for a free slot begins */
};

void sa_table_init(struct sa_table *t);
void sa_table_fini(struct sa_table *t);

/* Puts rx into the table and sets rx->spi. `random`: any 12 bits. 0, -ENOSPC or -ENOMEM. */
int sa_add(struct sa_table *t, struct esp_rx *rx, unsigned worker, uint32_t random);

/* Takes it out; one that is not in (spi 0) is fine. */
void sa_remove(struct sa_table *t, struct esp_rx *rx);

/* NULL when no SA has this SPI. */
struct esp_rx *sa_find(const struct sa_table *t, uint32_t spi);

#endif
