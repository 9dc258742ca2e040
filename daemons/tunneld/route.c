/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/route.h"

#include <errno.h>
#include <stdlib.h>

#define SIZE_MIN 16

void
route_init(struct route_table *t)
{
	*t = (struct route_table){ 0 };
}

void
route_fini(struct route_table *t)
{
	free(t->slots);
	*t = (struct route_table){ 0 };
}

/* The slot of addr, or the first one where it could go. There is always a free slot: see `used`. */
static struct route_slot *
probe_slot(const struct route_table *t, const struct ip_addr *addr)
{
	size_t i = ip_hash(addr) & (t->size - 1);

	while ((t->slots[i].value != NULL || t->slots[i].gone) &&
	    !ip_equal(&t->slots[i].addr, addr))
		i = (i + 1) & (t->size - 1);
	return &t->slots[i];
}

/* Makes room for one more; what is gone does not come along. */
static int
reserve(struct route_table *t)
{
	struct route_table bigger = { 0 };
	size_t size = t->size == 0 ? SIZE_MIN : t->size;

	if (t->size > 0 && t->used + 1 <= t->size / 2)
		return 0;
	if (t->entries + 1 > size / 4)
		size *= 2;
	if ((bigger.slots = calloc(size, sizeof(*bigger.slots))) == NULL)
		return -ENOMEM;
	bigger.size = size;
	for (size_t i = 0; i < t->size; i++) {
		if (t->slots[i].value == NULL)
			continue;
		*probe_slot(&bigger, &t->slots[i].addr) = t->slots[i];
		bigger.used++;
		bigger.entries++;
	}
	free(t->slots);
	*t = bigger;
	return 0;
}

int
route_set(struct route_table *t, const struct ip_addr *addr, void *value)
{
	struct route_slot *s;
	int rc;

	if ((rc = reserve(t)) < 0)
		return rc;
	s = probe_slot(t, addr);
	if (s->value == NULL)
		t->entries++;
	if (s->value == NULL && !s->gone)
		t->used++;
	*s = (struct route_slot){ .addr = *addr, .value = value };
	return 0;
}

void
route_remove(struct route_table *t, const struct ip_addr *addr)
{
	struct route_slot *s;

	if (t->size == 0)
		return;
	s = probe_slot(t, addr);
	if (s->value == NULL)
		return;
	s->value = NULL;
	s->gone = true;
	t->entries--;
}

void *
route_find(const struct route_table *t, const struct ip_addr *addr)
{
	return t->size == 0 ? NULL : probe_slot(t, addr)->value;
}
