/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/guests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_MS 100	/* a full house is not searched for those that are gone more often */

struct guest {
	struct guest_source source;
	struct guest_id id;
};

struct guests {
	size_t total_max, source_max;
	bool (*is_gone)(struct guest_id id);
	int64_t swept_ms;
	size_t n;
	struct guest list[];	/* in no order: a walk over all is a few microseconds */
};

struct guest_source
guests_source_ip(const struct ip_addr *addr)
{
	struct guest_source s = { .kind = addr->family };

	memcpy(s.bytes, addr->b, addr->family == AF_INET ? 4 : 8);
	return s;
}

struct guest_source
guests_source_uid(uid_t uid)
{
	struct guest_source s = { .kind = AF_UNIX };

	memcpy(s.bytes, &uid, sizeof(uid));
	return s;
}

struct guests *
guests_new(size_t total_max, size_t source_max, bool (*is_gone)(struct guest_id id))
{
	struct guests *g = calloc(1, sizeof(*g) + total_max * sizeof(g->list[0]));

	if (g == NULL)
		return NULL;
	g->total_max = total_max;
	g->source_max = source_max;
	g->is_gone = is_gone;
	g->swept_ms = INT64_MIN / 2;	/* subtracting it overflows nothing */
	return g;
}

void
guests_free(struct guests *g)
{
	free(g);
}

static bool
is_from(const struct guest *guest, const struct guest_source *source)
{
	return source == NULL || memcmp(&guest->source, source, sizeof(*source)) == 0;
}

/* Of that source; NULL: of all. */
static void
sweep(struct guests *g, const struct guest_source *source)
{
	for (size_t i = g->n; i-- > 0;) {
		if (is_from(&g->list[i], source) && g->is_gone(g->list[i].id))
			g->list[i] = g->list[--g->n];
	}
}

static size_t
count(const struct guests *g, const struct guest_source *source)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++)
		n += is_from(&g->list[i], source);
	return n;
}

/* Whoever had this number before has left. */
static void
forget(struct guests *g, int fd)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->list[i].id.fd == fd) {
			g->list[i] = g->list[--g->n];
			return;
		}
	}
}

int
guests_admit(struct guests *g, const struct guest_source *source, struct guest_id id,
    int64_t now_ms)
{
	forget(g, id.fd);
	if (count(g, source) >= g->source_max) {
		sweep(g, source);
		if (count(g, source) >= g->source_max)
			return -EUSERS;
	}
	if (g->n == g->total_max && now_ms - g->swept_ms >= SWEEP_MS) {
		g->swept_ms = now_ms;
		sweep(g, NULL);
	}
	if (g->n == g->total_max)
		return -ENOSPC;
	g->list[g->n++] = (struct guest){ *source, id };
	return 0;
}
