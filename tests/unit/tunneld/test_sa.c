/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/sa.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/dice.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/graves.h"

static void
add(struct sa_table *t, struct esp_rx *rx, unsigned worker, uint32_t random)
{
	ck_assert_int_eq(sa_add(t, rx, worker, random), 0);
	ck_assert_ptr_eq(sa_find(t, rx->spi), rx);
}

START_TEST(an_empty_table_has_none)
{
	struct sa_table t;
	struct esp_rx rx = { 0 };

	sa_table_init(&t, graves_new());
	ck_assert_ptr_null(sa_find(&t, 0));
	ck_assert_ptr_null(sa_find(&t, 0x12345678));
	sa_remove(&t, &rx);	/* not in it */
	sa_table_fini(&t);
	graves_free();
}
END_TEST

/* The random part at its ends. RFC 4303, 2.1 reserves 0 to 255. */
START_TEST(an_spi_is_never_reserved)
{
	static const uint32_t randoms[] = { 0, 1, 0xffe, 0xfff, 0x1000, 0x7fffffff, UINT32_MAX };
	struct sa_table t;
	struct esp_rx rx = { 0 };

	sa_table_init(&t, graves_new());
	for (unsigned worker = 0; worker < 16; worker++) {
		for (size_t i = 0; i < sizeof(randoms) / sizeof(randoms[0]); i++) {
			add(&t, &rx, worker, randoms[i]);
			ck_assert_uint_gt(rx.spi, 255);
			ck_assert_uint_eq(rx.spi & 15, worker);
			sa_remove(&t, &rx);
			ck_assert_ptr_null(sa_find(&t, rx.spi));
		}
	}
	sa_table_fini(&t);
	graves_free();
}
END_TEST

START_TEST(only_the_whole_number_is_found)
{
	struct sa_table t;
	struct esp_rx rx = { 0 };

	sa_table_init(&t, graves_new());
	add(&t, &rx, 3, 0x5a5);
	for (unsigned bit = 0; bit < 32; bit++)
		ck_assert_ptr_null(sa_find(&t, rx.spi ^ (uint32_t) 1 << bit));
	sa_table_fini(&t);
	graves_free();
}
END_TEST

/* An old number must not reach whoever has the place now. */
START_TEST(a_place_is_taken_again_under_another_number)
{
	struct dice d = dice_new(1);
	struct sa_table t;
	struct esp_rx rx = { 0 };
	uint32_t last[64] = { 0 };
	unsigned same = 0;

	sa_table_init(&t, graves_new());
	for (unsigned i = 0; i < 64 * 200; i++) {
		uint32_t *before;

		add(&t, &rx, 0, (uint32_t) dice_roll(&d));
		before = &last[rx.spi >> 4 & 63];
		same += *before == rx.spi;
		ck_assert(*before == rx.spi || sa_find(&t, *before) == NULL);
		*before = rx.spi;
		sa_remove(&t, &rx);
		ck_assert_ptr_null(sa_find(&t, *before));
	}
	ck_assert_uint_eq(t.slots->size, 64);
	ck_assert_uint_le(same, 12);	/* of 12,800, at 1 to 4095 each */
	sa_table_fini(&t);
	graves_free();
}
END_TEST

/* The place that was left a moment ago is the last one to be taken. */
START_TEST(places_are_taken_in_turn)
{
	struct sa_table t;
	struct esp_rx rx[3] = { 0 };
	uint32_t first;

	sa_table_init(&t, graves_new());
	add(&t, &rx[0], 0, 7);
	first = rx[0].spi;
	for (unsigned i = 0; i < 63; i++) {
		sa_remove(&t, &rx[1]);
		add(&t, &rx[1], 0, 7);
		if (i == 0)
			sa_remove(&t, &rx[0]);
		ck_assert_uint_ne(rx[1].spi, first);
	}
	sa_remove(&t, &rx[1]);
	add(&t, &rx[2], 0, 7);
	ck_assert_uint_eq(rx[2].spi, first);
	sa_table_fini(&t);
	graves_free();
}
END_TEST

START_TEST(it_is_full_at_its_limit)
{
	struct esp_rx *all = calloc(SA_MAX + 1, sizeof(*all));
	unsigned added = 0, found = 0;
	struct sa_table t;

	sa_table_init(&t, graves_new());
	for (unsigned i = 0; i < SA_MAX; i++)
		added += sa_add(&t, &all[i], i, i * 2654435761u) == 0;
	ck_assert_uint_eq(added, SA_MAX);
	ck_assert_int_eq(sa_add(&t, &all[SA_MAX], 0, 1), -ENOSPC);
	ck_assert_uint_eq(all[SA_MAX].spi, 0);
	for (unsigned i = 0; i < SA_MAX; i++)
		found += sa_find(&t, all[i].spi) == &all[i];
	ck_assert_uint_eq(found, SA_MAX);
	sa_remove(&t, &all[12345]);
	add(&t, &all[SA_MAX], 5, 9);
	ck_assert_int_eq(sa_add(&t, &all[12345], 0, 1), -ENOSPC);
	sa_table_fini(&t);
	graves_free();
	free(all);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("sa");

	tcase_add_test(tc, an_empty_table_has_none);
	tcase_add_test(tc, an_spi_is_never_reserved);
	tcase_add_test(tc, only_the_whole_number_is_found);
	tcase_add_test(tc, a_place_is_taken_again_under_another_number);
	tcase_add_test(tc, places_are_taken_in_turn);
	tcase_add_test(tc, it_is_full_at_its_limit);
	return kit_run("tunneld/sa", tc);
}
