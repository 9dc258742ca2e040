/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/sa.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemons/tunneld/atom.h"

#define WORKER_BITS 4
#define INDEX_BITS  16
#define SIZE_MIN    64

static size_t
index_of(uint32_t spi)
{
	return (spi >> WORKER_BITS) & (SA_MAX - 1);
}

unsigned
sa_worker(uint32_t spi)
{
	return spi & (SA_WORKERS - 1);
}

void
sa_table_init(struct sa_table *t, struct grave *grave)
{
	*t = (struct sa_table){ .grave = grave };
}

void
sa_table_fini(struct sa_table *t)
{
	free(t->slots);
	t->slots = NULL;
}

static void
bury_slots(struct grace_item *item)
{
	free((char *) item - offsetof(struct sa_slots, grace));
}

/* Twice the room; the new half is where the search goes on. */
static int
grow(struct sa_table *t)
{
	struct sa_slots *old = t->slots, *slots;
	size_t used = old == NULL ? 0 : old->size, size = used == 0 ? SIZE_MIN : used * 2;

	if (size > SA_MAX)
		return -ENOSPC;
	if ((slots = calloc(1, sizeof(*slots) + size * sizeof(slots->at[0]))) == NULL)
		return -ENOMEM;
	slots->size = size;
	if (used > 0)
		memcpy(slots->at, old->at, used * sizeof(slots->at[0]));
	t->next = used;
	atom_publish(&t->slots, slots);
	if (old != NULL)
		grave_put(t->grave, &old->grace, bury_slots);
	return 0;
}

/* The index of a free slot, or where there are none their number. */
static size_t
find_free(const struct sa_table *t)
{
	size_t size = t->slots == NULL ? 0 : t->slots->size;

	for (size_t n = 0; n < size; n++) {
		if (t->slots->at[(t->next + n) % size] == NULL)
			return (t->next + n) % size;
	}
	return size;
}

int
sa_add(struct sa_table *t, struct esp_rx *rx, unsigned worker, uint32_t random)
{
	uint32_t high = random % 0xfff + 1;
	size_t n = find_free(t);
	int rc;

	if ((t->slots == NULL || n == t->slots->size) && (rc = grow(t)) < 0)
		return rc;
	t->next = n + 1;
	rx->spi = high << (INDEX_BITS + WORKER_BITS) | (uint32_t) n << WORKER_BITS |
	    (worker & (SA_WORKERS - 1));
	atom_publish(&t->slots->at[n], rx);
	return 0;
}

void
sa_remove(struct sa_table *t, const struct esp_rx *rx)
{
	size_t i = index_of(rx->spi);

	if (t->slots != NULL && i < t->slots->size && t->slots->at[i] == rx)
		atom_publish(&t->slots->at[i], NULL);
}

struct esp_rx *
sa_find(const struct sa_table *t, uint32_t spi)
{
	struct sa_slots *slots = atom_take(&t->slots);
	size_t i = index_of(spi);
	struct esp_rx *rx = slots == NULL || i >= slots->size ? NULL : atom_take(&slots->at[i]);

	return rx == NULL || rx->spi != spi ? NULL : rx;
}
