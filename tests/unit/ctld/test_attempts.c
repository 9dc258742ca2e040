/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/attempts.h"

#include <check.h>

#include "tests/unit/kit.h"

static struct guest_source
user(unsigned n)
{
	return guests_source_uid(n);
}

START_TEST(a_burst_then_one_per_interval)
{
	struct attempts *a = attempts_new();
	struct guest_source s = user(1), other = user(2);
	int64_t now = 1000;

	for (int i = 0; i < ATTEMPTS_BURST; i++) {
		ck_assert_int_eq(attempts_wait_ms(a, &s, now), 0);
		attempts_failed(a, &s, now);
	}
	ck_assert_int_eq(attempts_wait_ms(a, &s, now), ATTEMPTS_INTERVAL_MS);
	ck_assert_int_eq(attempts_wait_ms(a, &other, now), 0);
	now += ATTEMPTS_INTERVAL_MS;
	ck_assert_int_eq(attempts_wait_ms(a, &s, now), 0);
	attempts_failed(a, &s, now);
	ck_assert_int_eq(attempts_wait_ms(a, &s, now), ATTEMPTS_INTERVAL_MS);
	now += ATTEMPTS_BURST * ATTEMPTS_INTERVAL_MS;
	for (int i = 0; i < ATTEMPTS_BURST; i++) {
		ck_assert_int_eq(attempts_wait_ms(a, &s, now), 0);
		attempts_failed(a, &s, now);
	}
	ck_assert_int_gt(attempts_wait_ms(a, &s, now), 0);
	attempts_free(a);
}
END_TEST

START_TEST(the_wait_has_an_end)
{
	struct attempts *a = attempts_new();
	struct guest_source s = user(1);

	for (int i = 0; i < 100000; i++)
		attempts_failed(a, &s, 0);
	ck_assert_int_gt(attempts_wait_ms(a, &s, 0), 0);
	ck_assert_int_le(attempts_wait_ms(a, &s, 0), ATTEMPTS_WAIT_MAX_MS);
	ck_assert_int_eq(attempts_wait_ms(a, &s, ATTEMPTS_WAIT_MAX_MS), 0);
	attempts_free(a);
}
END_TEST

START_TEST(a_crowd_does_not_wash_out_who_has_failed_most)
{
	struct attempts *a = attempts_new();
	struct guest_source s = user(0);

	for (int i = 0; i < 2 * ATTEMPTS_BURST; i++)
		attempts_failed(a, &s, 0);
	for (unsigned n = 1; n < 3 * ATTEMPTS_SOURCES_MAX; n++) {
		struct guest_source one = user(n);

		attempts_failed(a, &one, 0);
	}
	ck_assert_int_gt(attempts_wait_ms(a, &s, 0), 0);
	attempts_free(a);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("attempts");

	tcase_add_test(tc, a_burst_then_one_per_interval);
	tcase_add_test(tc, the_wait_has_an_end);
	tcase_add_test(tc, a_crowd_does_not_wash_out_who_has_failed_most);
	return kit_run("attempts", tc);
}
