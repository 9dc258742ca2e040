/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_WIRE_H
#define LV_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A cursor over bytes with a sticky error: read (or write) field after field and ask once at the
 * end. After the first access past the end every further one fails, reads give zero, and nothing
 * moves. Integers are big endian ("network order"). Pure; owns nothing.
 */
struct wire {
	uint8_t *base;	/* borrowed until the last use of the cursor */
	size_t len;	/* of base */
	size_t pos;	/* pos <= len always */
	bool failed;
};

/* For reading; the bytes are not written to. */
struct wire wire_reader(const void *buf, size_t len);

/* For writing into buf. */
struct wire wire_writer(void *buf, size_t len);

uint8_t wire_get_u8(struct wire *w);
uint16_t wire_get_u16(struct wire *w);
uint32_t wire_get_u32(struct wire *w);
uint64_t wire_get_u64(struct wire *w);

/* The next n bytes, inside of the buffer; NULL when fewer are left. */
const uint8_t *wire_get_bytes(struct wire *w, size_t n);

void wire_put_u8(struct wire *w, uint8_t v);
void wire_put_u16(struct wire *w, uint16_t v);
void wire_put_u32(struct wire *w, uint32_t v);
void wire_put_u64(struct wire *w, uint64_t v);
void wire_put_bytes(struct wire *w, const void *src, size_t n);

/* True when nothing failed and nothing is left over: a whole message was read. */
bool wire_done(const struct wire *w);

#endif
