/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/attempts.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 * A bucket that leaks: `clear_ms` is when all that the source has failed is forgiven. Each failure
 * moves it by an interval; as long as it is less than a burst ahead the source may try.
 */
struct entry {
	struct guest_source source;
	int64_t clear_ms;	/* in the past: the place is free */
};

struct attempts {
	struct entry list[ATTEMPTS_SOURCES_MAX];
};

struct attempts *
attempts_new(void)
{
	return calloc(1, sizeof(struct attempts));
}

void
attempts_free(struct attempts *a)
{
	free(a);
}

static const struct entry *
find(const struct attempts *a, const struct guest_source *source)
{
	for (size_t i = 0; i < ATTEMPTS_SOURCES_MAX; i++) {
		if (memcmp(&a->list[i].source, source, sizeof(*source)) == 0)
			return &a->list[i];
	}
	return NULL;
}

int64_t
attempts_wait_ms(const struct attempts *a, const struct guest_source *source, int64_t now_ms)
{
	const struct entry *e = find(a, source);
	int64_t open_ms;

	if (e == NULL)
		return 0;
	open_ms = e->clear_ms - (ATTEMPTS_BURST - 1) * ATTEMPTS_INTERVAL_MS;
	return open_ms > now_ms ? open_ms - now_ms : 0;
}

/* The source's own place, or the one that is forgiven first. */
static struct entry *
place_for(struct attempts *a, const struct guest_source *source)
{
	struct entry *e = (struct entry *) find(a, source);

	if (e != NULL)
		return e;
	e = &a->list[0];
	for (size_t i = 1; i < ATTEMPTS_SOURCES_MAX; i++) {
		if (a->list[i].clear_ms < e->clear_ms)
			e = &a->list[i];
	}
	*e = (struct entry){ .source = *source };
	return e;
}

void
attempts_failed(struct attempts *a, const struct guest_source *source, int64_t now_ms)
{
	const int64_t latest_ms = now_ms + ATTEMPTS_WAIT_MAX_MS;
	struct entry *e = place_for(a, source);

	e->clear_ms = (e->clear_ms > now_ms ? e->clear_ms : now_ms) + ATTEMPTS_INTERVAL_MS;
	if (e->clear_ms > latest_ms)
		e->clear_ms = latest_ms;
}
