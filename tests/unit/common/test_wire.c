/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire.h"

#include <check.h>
#include <string.h>

#include "tests/unit/kit.h"

static const uint8_t sample[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 'a', 'b' };

/* All kinds of fields, in the order of `sample`. Returns a sum that depends on every one. */
static uint64_t
read_all(struct wire *w)
{
	uint64_t sum = wire_get_u8(w);
	const uint8_t *p;

	sum = sum * 31 + wire_get_u16(w);
	sum = sum * 31 + wire_get_u32(w);
	sum = sum * 31 + wire_get_u64(w);
	p = wire_get_bytes(w, 2);
	return sum * 31 + (p == NULL ? 0 : p[0] * 256u + p[1]);
}

START_TEST(integers_are_big_endian)
{
	struct wire w = wire_reader(sample, sizeof(sample));

	ck_assert(!wire_done(&w));
	ck_assert_uint_eq(wire_get_u8(&w), 0x01);
	ck_assert_uint_eq(wire_get_u16(&w), 0x0203);
	ck_assert_uint_eq(wire_get_u32(&w), 0x04050607);
	ck_assert_uint_eq(wire_get_u64(&w), 0x08090a0b0c0d0e0full);
	ck_assert(!wire_done(&w));
	ck_assert_mem_eq(wire_get_bytes(&w, 2), "ab", 2);
	ck_assert(wire_done(&w));
}
END_TEST

START_TEST(every_truncation_fails_for_good)
{
	size_t len = (size_t) _i;
	struct wire w = wire_reader(sample, len);

	read_all(&w);
	ck_assert(w.failed);
	ck_assert(!wire_done(&w));
	/* Sticky: a field that would fit is not read any more. */
	ck_assert_uint_eq(wire_get_u8(&w), 0);
	ck_assert_ptr_null(wire_get_bytes(&w, 0));
	ck_assert_uint_le(w.pos, w.len);
}
END_TEST

START_TEST(a_trailing_byte_is_seen)
{
	uint8_t longer[sizeof(sample) + 1] = { 0 };
	struct wire w = wire_reader(longer, sizeof(longer));

	read_all(&w);
	ck_assert(!w.failed);
	ck_assert(!wire_done(&w));
	ck_assert(!wire_done(&w));
}
END_TEST

START_TEST(what_is_written_reads_back)
{
	uint8_t buf[sizeof(sample)];
	struct wire w = wire_writer(buf, sizeof(buf));

	wire_put_u8(&w, 0x01);
	wire_put_u16(&w, 0x0203);
	wire_put_u32(&w, 0x04050607);
	wire_put_u64(&w, 0x08090a0b0c0d0e0full);
	wire_put_bytes(&w, "ab", 2);
	ck_assert(wire_done(&w));
	ck_assert_mem_eq(buf, sample, sizeof(sample));
}
END_TEST

START_TEST(writing_past_the_end_leaves_it_alone)
{
	uint8_t buf[4] = { 9, 9, 9, 9 };
	struct wire w = wire_writer(buf, 3);

	wire_put_u16(&w, 0x0102);
	wire_put_u32(&w, 0xffffffff);
	wire_put_u8(&w, 0xff);	/* would fit, but the cursor has failed */
	wire_put_bytes(&w, "x", 1);
	ck_assert(w.failed);
	ck_assert_mem_eq(buf, ((uint8_t[]){ 1, 2, 9, 9 }), 4);
}
END_TEST

START_TEST(a_huge_length_does_not_wrap_around)
{
	struct wire w = wire_reader(sample, sizeof(sample));

	wire_get_u8(&w);
	ck_assert_ptr_null(wire_get_bytes(&w, SIZE_MAX));
	ck_assert(w.failed);
}
END_TEST

START_TEST(nothing_is_a_whole_message)
{
	struct wire w = wire_reader(NULL, 0);

	ck_assert(wire_done(&w));
	wire_put_bytes(&w, NULL, 0);
	ck_assert(wire_done(&w));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("wire");

	tcase_add_test(tc, integers_are_big_endian);
	tcase_add_loop_test(tc, every_truncation_fails_for_good, 0, (int) sizeof(sample));
	tcase_add_test(tc, a_trailing_byte_is_seen);
	tcase_add_test(tc, what_is_written_reads_back);
	tcase_add_test(tc, writing_past_the_end_leaves_it_alone);
	tcase_add_test(tc, a_huge_length_does_not_wrap_around);
	tcase_add_test(tc, nothing_is_a_whole_message);
	return kit_run("common/wire", tc);
}
