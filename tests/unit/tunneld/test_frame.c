/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/frame.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/dice.h"
#include "tests/unit/kit.h"

#define STREAM_MAX (256 * 1024)
#define STOP (-77)

/* What has been read: each frame as its type, its length, and a sum over its body. */
struct seen {
	unsigned n, stop_at;	/* stop_at: the frame at which the reading is ended; 0: none */
	struct {
		uint8_t type;
		size_t len;
		uint64_t sum;
	} frames[64];
};

static uint64_t
sum(const uint8_t *p, size_t n)
{
	uint64_t s = n;

	for (size_t i = 0; i < n; i++)
		s = s * 31 + p[i];
	return s;
}

static int
on_frame(void *arg, uint8_t type, const uint8_t *body, size_t len)
{
	struct seen *s = arg;

	ck_assert_uint_lt(s->n, 64);
	s->frames[s->n].type = type;
	s->frames[s->n].len = len;
	s->frames[s->n++].sum = sum(body, len);
	return s->n == s->stop_at ? STOP : 0;
}

/* Frames of these lengths one after another; types 1, 2, 3, ... The stream's length. */
static size_t
build(uint8_t *stream, const size_t *lens, unsigned n)
{
	size_t at = 0;

	for (unsigned i = 0; i < n; i++) {
		frame_head(stream + at, (enum frame_type) (i + 1), lens[i]);
		for (size_t k = 0; k < lens[i]; k++)
			stream[at + FRAME_HEAD + k] = (uint8_t) (k * 3 + i);
		at += FRAME_HEAD + lens[i];
	}
	return at;
}

static void
check_seen(const struct seen *s, const uint8_t *stream, const size_t *lens, unsigned n)
{
	ck_assert_uint_eq(s->n, n);
	for (unsigned i = 0; i < n; i++) {
		ck_assert_uint_eq(s->frames[i].type, i + 1);
		ck_assert_uint_eq(s->frames[i].len, lens[i]);
		ck_assert_uint_eq(s->frames[i].sum, sum(stream + FRAME_HEAD, lens[i]));
		stream += FRAME_HEAD + lens[i];
	}
}

/* A piece in a block of its own, so that reading beyond it is seen. */
static int
read_piece(struct frame_reader *r, const uint8_t *data, size_t n, struct seen *s)
{
	uint8_t *copy = malloc(n + 1);
	int rc;

	memcpy(copy + 1, data, n);
	rc = frame_read(r, copy + 1, n, on_frame, s);
	free(copy);
	return rc;
}

static const size_t lens[] = { 0, 1, 5, 0, 0, 40, 3, 0 };
#define LENS (sizeof(lens) / sizeof(lens[0]))

START_TEST(the_head_is_type_zero_length)
{
	uint8_t head[FRAME_HEAD] = { 9, 9, 9, 9 };

	frame_head(head, FRAME_DATA, 0x1234);
	ck_assert_mem_eq(head, ((uint8_t[]){ 2, 0, 0x12, 0x34 }), 4);
}
END_TEST

START_TEST(many_arrive_in_one_piece)
{
	uint8_t stream[256];
	size_t n = build(stream, lens, LENS);
	struct frame_reader r;
	struct seen s = { 0 };

	frame_reader_init(&r, 40);
	ck_assert_int_eq(read_piece(&r, stream, n, &s), 0);
	check_seen(&s, stream, lens, LENS);
	ck_assert_ptr_null(r.buf);	/* nothing was copied */
	frame_reader_fini(&r);
}
END_TEST

START_TEST(they_are_cut_anywhere_twice)
{
	uint8_t stream[256];
	size_t n = build(stream, lens, LENS);

	for (size_t a = 0; a <= n; a++) {
		for (size_t b = a; b <= n; b++) {
			struct frame_reader r;
			struct seen s = { 0 };

			frame_reader_init(&r, 40);
			ck_assert_int_eq(read_piece(&r, stream, a, &s), 0);
			ck_assert_int_eq(read_piece(&r, stream + a, b - a, &s), 0);
			ck_assert_int_eq(read_piece(&r, stream + b, n - b, &s), 0);
			check_seen(&s, stream, lens, LENS);
			frame_reader_fini(&r);
		}
	}
}
END_TEST

START_TEST(they_come_byte_by_byte)
{
	uint8_t stream[256];
	size_t n = build(stream, lens, LENS);
	struct frame_reader r;
	struct seen s = { 0 };

	frame_reader_init(&r, 40);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(read_piece(&r, stream + i, 1, &s), 0);
	check_seen(&s, stream, lens, LENS);
	frame_reader_fini(&r);
}
END_TEST

START_TEST(the_longest_come_in_pieces)
{
	static const size_t big[] = { FRAME_BODY_MAX, 0, FRAME_BODY_MAX, 1500, 9000 };
	uint8_t *stream = malloc(STREAM_MAX);
	size_t n = build(stream, big, 5);
	struct dice d = dice_new((uint64_t) _i);
	struct frame_reader r;
	struct seen s = { 0 };

	frame_reader_init(&r, FRAME_BODY_MAX);
	for (size_t at = 0; at < n;) {
		size_t piece = 1 + dice_below(&d, _i % 2 == 0 ? 16384 : 100);

		piece = piece < n - at ? piece : n - at;
		ck_assert_int_eq(read_piece(&r, stream + at, piece, &s), 0);
		ck_assert_uint_le(r.cap, FRAME_HEAD + FRAME_BODY_MAX);
		at += piece;
	}
	check_seen(&s, stream, big, 5);
	frame_reader_fini(&r);
	free(stream);
}
END_TEST

/* Refused as soon as the head is there, whatever the cut, and before room is made for it. */
START_TEST(a_frame_that_is_too_long_ends_it)
{
	static const size_t longer[] = { 7, 41 };
	uint8_t stream[256];

	build(stream, longer, 2);
	for (size_t cut = 0; cut <= 2 * FRAME_HEAD + 7; cut++) {
		size_t rest = 2 * FRAME_HEAD + 7 - cut;
		struct frame_reader r;
		struct seen s = { 0 };
		int rc;

		frame_reader_init(&r, 40);
		rc = read_piece(&r, stream, cut, &s);
		ck_assert_int_eq(rc, rest == 0 ? -EMSGSIZE : 0);
		if (rc == 0)
			rc = read_piece(&r, stream + cut, rest, &s);
		ck_assert_int_eq(rc, -EMSGSIZE);
		ck_assert_uint_eq(s.n, 1);
		ck_assert_uint_le(r.cap, FRAME_HEAD + 7);
		frame_reader_fini(&r);
	}
}
END_TEST

/* What the reader of a frame says ends the reading there, whether the frame was whole or not. */
START_TEST(the_callback_ends_it)
{
	uint8_t stream[256];
	size_t n = build(stream, lens, LENS), first = 3 * FRAME_HEAD + 0 + 1 + 5;

	for (size_t cut = 0; cut <= first; cut++) {
		struct frame_reader r;
		struct seen s = { .stop_at = 3 };
		int rc;

		frame_reader_init(&r, 40);
		rc = read_piece(&r, stream, cut, &s);
		ck_assert_int_eq(rc, cut == first ? STOP : 0);
		if (rc == 0)
			rc = read_piece(&r, stream + cut, n - cut, &s);
		ck_assert_int_eq(rc, STOP);
		ck_assert_uint_eq(s.n, 3);
		frame_reader_fini(&r);
	}
}
END_TEST

/* A stranger becomes trusted in the middle of what came at once. */
static int
raise_limit(void *arg, uint8_t type, const uint8_t *body, size_t len)
{
	struct frame_reader *r = arg;

	(void) body, (void) len;
	r->max = FRAME_BODY_MAX;
	return type == 2 ? STOP : 0;
}

START_TEST(the_limit_may_rise_on_the_way)
{
	static const size_t two[] = { 5, 200 };
	uint8_t stream[256];
	size_t n = build(stream, two, 2);

	for (size_t cut = 0; cut <= n; cut++) {
		struct frame_reader r;
		int rc;

		frame_reader_init(&r, 5);
		rc = frame_read(&r, stream, cut, raise_limit, &r);
		if (rc == 0)
			rc = frame_read(&r, stream + cut, n - cut, raise_limit, &r);
		ck_assert_int_eq(rc, STOP);
		frame_reader_fini(&r);
	}
}
END_TEST

START_TEST(a_reader_is_freed_half_way)
{
	struct frame_reader r;
	struct seen s = { 0 };

	frame_reader_init(&r, 40);
	ck_assert_int_eq(read_piece(&r, (const uint8_t[]){ 1, 0, 0, 9, 1, 2 }, 6, &s), 0);
	ck_assert_ptr_nonnull(r.buf);
	frame_reader_fini(&r);
	frame_reader_fini(&r);
	ck_assert_uint_eq(s.n, 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("frame");

	tcase_add_test(tc, the_head_is_type_zero_length);
	tcase_add_test(tc, many_arrive_in_one_piece);
	tcase_add_test(tc, they_are_cut_anywhere_twice);
	tcase_add_test(tc, they_come_byte_by_byte);
	tcase_add_loop_test(tc, the_longest_come_in_pieces, 0, 4);
	tcase_add_test(tc, a_frame_that_is_too_long_ends_it);
	tcase_add_test(tc, the_callback_ends_it);
	tcase_add_test(tc, the_limit_may_rise_on_the_way);
	tcase_add_test(tc, a_reader_is_freed_half_way);
	return kit_run("tunneld/frame", tc);
}
