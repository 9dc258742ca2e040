/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/sa.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORKER_BITS 4
#define INDEX_BITS  16
#define SIZE_MIN    64

static size_t
index_of(uint32_t spi)
{
	return (spi >> WORKER_BITS) & (SA_MAX - 1);
}

void
sa_table_init(struct sa_table *t)
{
	*t = (struct sa_table){ 0 };
}

void
sa_table_fini(struct sa_table *t)
{
	free(t->slots);
	*t = (struct sa_table){ 0 };
}

/* Twice the room; the new half is where the search goes on. */
static int
grow(struct sa_table *t)
{
	size_t size = t->size == 0 ? SIZE_MIN : t->size * 2;
	struct esp_rx **slots;

	if (size > SA_MAX)
		return -ENOSPC;
	if ((slots = reallocarray(t->slots, size, sizeof(*slots))) == NULL)
		return -ENOMEM;
	memset(slots + t->size, 0, (size - t->size) * sizeof(*slots));
	t->slots = slots;
	t->next = t->size;
	t->size = size;
	return 0;
}

int
sa_add(struct sa_table *t, struct esp_rx *rx, unsigned worker, uint32_t random)
{
	uint32_t high = random % 0xfff + 1;
	size_t n = 0;
	int rc;

	while (n < t->size && t->slots[(t->next + n) % t->size] != NULL)
		n++;
	if (n == t->size) {
		if ((rc = grow(t)) < 0)
			return rc;
		n = 0;
	}
	n = (t->next + n) % t->size;
	t->next = n + 1;
	t->slots[n] = rx;
	rx->spi = high << (INDEX_BITS + WORKER_BITS) | (uint32_t) n << WORKER_BITS | (worker & 15);
	return 0;
}

void
sa_remove(struct sa_table *t, struct esp_rx *rx)
{
	if (rx->spi == 0)
		return;
	t->slots[index_of(rx->spi)] = NULL;
	rx->spi = 0;
}

struct esp_rx *
sa_find(const struct sa_table *t, uint32_t spi)
{
	size_t i = index_of(spi);

	if (i >= t->size || t->slots[i] == NULL || t->slots[i]->spi != spi)
		return NULL;
	return t->slots[i];
}
