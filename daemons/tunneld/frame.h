/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_FRAME_H
#define TUNNELD_FRAME_H

#include <stddef.h>
#include <stdint.h>

/*
 * Frames of the control stream (proto/tunnel.proto): type 1, flags 1, length 2 (big endian), body.
 * The reader puts them together again from the pieces in which they arrive. Pure.
 */
enum frame_type { FRAME_CONTROL = 1, FRAME_DATA = 2 };

#define FRAME_HEAD 4
#define FRAME_BODY_MAX 65535
/* Before a peer is authenticated it can make us hold this much, no more. */
#define FRAME_BODY_STRANGER 4096

/*
 * Invariant: buf holds the first `have` bytes of the current frame, head included, and has room for
 * `cap`; cap never exceeds FRAME_HEAD + max.
 */
struct frame_reader {
	uint8_t *buf;
	size_t have, cap;
	size_t max;	/* longest body that is accepted */
};

void frame_reader_init(struct frame_reader *r, size_t max);
void frame_reader_fini(struct frame_reader *r);

/* One whole frame; body is borrowed for the call. Returns 0 to go on, or what ends the reading. */
typedef int frame_fn(void *arg, uint8_t type, const uint8_t *body, size_t len);

/*
 * Takes n bytes and calls fn for each frame that they complete. Returns 0, what fn returned when
 * that was not 0, -EMSGSIZE for a frame longer than max, -ENOMEM.
 */
int frame_read(struct frame_reader *r, const uint8_t *data, size_t n, frame_fn *fn, void *arg);

/* Writes a frame's head. */
void frame_head(uint8_t out[FRAME_HEAD], enum frame_type type, size_t body_len);

#endif
