/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/stats.h"

#include <check.h>
#include <string.h>

#include "tests/unit/kit.h"

/* They become labels of metrics and fields of answers. */
START_TEST(each_verdict_has_a_name_of_its_own)
{
	ck_assert_str_eq(verdict_name(VERDICT_OK), "delivered");
	ck_assert_str_eq(verdict_name(VERDICT_ESP_REPLAYED), "esp_replayed");
	for (unsigned v = 0; v < VERDICT_COUNT; v++) {
		const char *name = verdict_name((enum verdict) v);

		ck_assert_ptr_nonnull(name);
		ck_assert_uint_gt(strlen(name), 0);
		ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
		for (unsigned other = 0; other < v; other++)
			ck_assert_str_ne(name, verdict_name((enum verdict) other));
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("stats");

	tcase_add_test(tc, each_verdict_has_a_name_of_its_own);
	return kit_run("tunneld/stats", tc);
}
