/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/route.h"

#include <errno.h>
#include <stdlib.h>

#include "daemons/tunneld/atom.h"

#define SIZE_MIN 16

/* In the place of an entry that was removed: those behind it must still be found. */
static const struct route_entry gone_entry = { .addr = { .family = UINT8_MAX } };
#define GONE ((struct route_entry *) (uintptr_t) &gone_entry)

void
route_init(struct route_table *t, struct grave *grave)
{
	*t = (struct route_table){ .grave = grave };
}

void
route_fini(struct route_table *t)
{
	for (size_t i = 0; t->slots != NULL && i < t->slots->size; i++) {
		if (t->slots->at[i] != GONE)
			free(t->slots->at[i]);
	}
	free(t->slots);
	*t = (struct route_table){ .grave = t->grave };
}

static void
bury_entry(struct grace_item *item)
{
	free((char *) item - offsetof(struct route_entry, grace));
}

static void
bury_slots(struct grace_item *item)
{
	free((char *) item - offsetof(struct route_slots, grace));
}

/*
 * The slot of addr, or the first free one behind where it would be, with what is in it. There is
 * always a free one: see `used`.
 */
static struct route_entry **
find_slot(struct route_slots *slots, const struct ip_addr *addr, struct route_entry **entry_out)
{
	size_t i = ip_hash(addr) & (slots->size - 1);
	struct route_entry *e;

	while ((e = atom_take(&slots->at[i])) != NULL && !ip_equal(&e->addr, addr))
		i = (i + 1) & (slots->size - 1);
	*entry_out = e;
	return &slots->at[i];
}

/* The entries of the old slots; what is gone does not come along. */
static size_t
fill(struct route_slots *slots, const struct route_slots *old)
{
	struct route_entry *none;
	size_t n = 0;

	for (size_t i = 0; old != NULL && i < old->size; i++) {
		if (old->at[i] == NULL || old->at[i] == GONE)
			continue;
		*find_slot(slots, &old->at[i]->addr, &none) = old->at[i];
		n++;
	}
	return n;
}

/* Makes room for one more. */
static int
reserve(struct route_table *t)
{
	struct route_slots *old = t->slots, *slots;
	size_t size = old == NULL ? SIZE_MIN : old->size;

	if (old != NULL && t->used + 1 <= size / 2)
		return 0;
	if (t->entries + 1 > size / 4)
		size *= 2;
	if ((slots = calloc(1, sizeof(*slots) + size * sizeof(slots->at[0]))) == NULL)
		return -ENOMEM;
	slots->size = size;
	t->used = fill(slots, old);
	atom_publish(&t->slots, slots);
	if (old != NULL)
		grave_put(t->grave, &old->grace, bury_slots);
	return 0;
}

int
route_set(struct route_table *t, const struct ip_addr *addr, void *value)
{
	struct route_entry *e, *old, **slot;
	int rc;

	if ((rc = reserve(t)) < 0)
		return rc;
	if ((e = calloc(1, sizeof(*e))) == NULL)
		return -ENOMEM;
	e->addr = *addr;
	e->value = value;
	slot = find_slot(t->slots, addr, &old);
	atom_publish(slot, e);
	if (old != NULL) {
		grave_put(t->grave, &old->grace, bury_entry);
		return 0;
	}
	t->entries++;
	t->used++;
	return 0;
}

void
route_remove(struct route_table *t, const struct ip_addr *addr)
{
	struct route_entry *old, **slot;

	if (t->slots == NULL)
		return;
	slot = find_slot(t->slots, addr, &old);
	if (old == NULL)
		return;
	atom_publish(slot, GONE);
	t->entries--;
	grave_put(t->grave, &old->grace, bury_entry);
}

void *
route_find(const struct route_table *t, const struct ip_addr *addr)
{
	struct route_slots *slots = atom_take(&t->slots);
	struct route_entry *e;

	if (slots == NULL)
		return NULL;
	find_slot(slots, addr, &e);
	return e == NULL ? NULL : e->value;
}
