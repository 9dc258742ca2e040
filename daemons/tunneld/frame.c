/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
frame_reader_init(struct frame_reader *r, size_t max)
{
	*r = (struct frame_reader){ .max = max };
}

void
frame_reader_fini(struct frame_reader *r)
{
	free(r->buf);
	*r = (struct frame_reader){ 0 };
}

void
frame_head(uint8_t out[FRAME_HEAD], enum frame_type type, size_t body_len)
{
	out[0] = (uint8_t) type;
	out[1] = 0;
	out[2] = (uint8_t) (body_len >> 8);
	out[3] = (uint8_t) body_len;
}

static size_t
body_len(const uint8_t *head)
{
	return (size_t) head[2] << 8 | head[3];
}

/* Grows the buffer to hold `need` bytes. */
static int
reserve(struct frame_reader *r, size_t need)
{
	uint8_t *buf;

	if (need <= r->cap)
		return 0;
	if ((buf = realloc(r->buf, need)) == NULL)
		return -ENOMEM;
	r->buf = buf;
	r->cap = need;
	return 0;
}

/* Moves up to `want` bytes in all into the buffer; returns how many of data it took. */
static size_t
fill(struct frame_reader *r, const uint8_t *data, size_t n, size_t want)
{
	size_t take = want - r->have < n ? want - r->have : n;

	memcpy(r->buf + r->have, data, take);
	r->have += take;
	return take;
}

/* Frames that lie whole in data need no copy. Returns how many bytes they took, or an error. */
static int
read_direct(struct frame_reader *r, const uint8_t *data, size_t n, frame_fn *fn, void *arg,
    size_t *used_out)
{
	size_t used = 0;
	int rc = 0;

	while (rc == 0 && n - used >= FRAME_HEAD) {
		size_t len = body_len(data + used);

		if (len > r->max)
			rc = -EMSGSIZE;
		else if (n - used < FRAME_HEAD + len)
			break;
		else {
			rc = fn(arg, data[used], data + used + FRAME_HEAD, len);
			used += FRAME_HEAD + len;
		}
	}
	*used_out = used;
	return rc;
}

int
frame_read(struct frame_reader *r, const uint8_t *data, size_t n, frame_fn *fn, void *arg)
{
	size_t used, whole;
	int rc;

	while (n > 0) {
		if (r->have == 0) {
			if ((rc = read_direct(r, data, n, fn, arg, &used)) != 0)
				return rc;
			data += used;
			n -= used;
			if (n == 0)
				break;
		}
		if ((rc = reserve(r, FRAME_HEAD)) < 0)
			return rc;
		if (r->have < FRAME_HEAD) {
			used = fill(r, data, n, FRAME_HEAD);
			data += used;
			n -= used;
			if (r->have < FRAME_HEAD)
				break;
		}
		if (body_len(r->buf) > r->max)
			return -EMSGSIZE;
		whole = FRAME_HEAD + body_len(r->buf);
		if ((rc = reserve(r, whole)) < 0)
			return rc;
		used = fill(r, data, n, whole);
		data += used;
		n -= used;
		if (r->have < whole)
			break;
		r->have = 0;
		if ((rc = fn(arg, r->buf[0], r->buf + FRAME_HEAD, whole - FRAME_HEAD)) != 0)
			return rc;
	}
	return 0;
}
