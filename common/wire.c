/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire.h"

#include <string.h>

struct wire
wire_reader(const void *buf, size_t len)
{
	return (struct wire){ .base = (uint8_t *) buf, .len = len };
}

struct wire
wire_writer(void *buf, size_t len)
{
	return (struct wire){ .base = buf, .len = len };
}

/* Moves over n bytes; NULL, and failed for good, where they are not there. */
static uint8_t *
take(struct wire *w, size_t n)
{
	uint8_t *p;

	if (w->failed || n > w->len - w->pos) {
		w->failed = true;
		return NULL;
	}
	p = w->base + w->pos;
	w->pos += n;
	return p;
}

static uint64_t
get(struct wire *w, size_t n)
{
	const uint8_t *p = take(w, n);
	uint64_t v = 0;

	if (p == NULL)
		return 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static void
put(struct wire *w, uint64_t v, size_t n)
{
	uint8_t *p = take(w, n);

	if (p == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t) (v >> (8 * (n - 1 - i)));
}

uint8_t
wire_get_u8(struct wire *w)
{
	return (uint8_t) get(w, 1);
}

uint16_t
wire_get_u16(struct wire *w)
{
	return (uint16_t) get(w, 2);
}

uint32_t
wire_get_u32(struct wire *w)
{
	return (uint32_t) get(w, 4);
}

uint64_t
wire_get_u64(struct wire *w)
{
	return get(w, 8);
}

const uint8_t *
wire_get_bytes(struct wire *w, size_t n)
{
	return take(w, n);
}

void
wire_put_u8(struct wire *w, uint8_t v)
{
	put(w, v, 1);
}

void
wire_put_u16(struct wire *w, uint16_t v)
{
	put(w, v, 2);
}

void
wire_put_u32(struct wire *w, uint32_t v)
{
	put(w, v, 4);
}

void
wire_put_u64(struct wire *w, uint64_t v)
{
	put(w, v, 8);
}

void
wire_put_bytes(struct wire *w, const void *src, size_t n)
{
	uint8_t *p = take(w, n);

	if (p != NULL && n > 0)
		memcpy(p, src, n);
}

bool
wire_done(const struct wire *w)
{
	return !w->failed && w->pos == w->len;
}
