/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/exposition.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemons/ctld/meter.h"
#include "tests/unit/kit.h"

static char *
show(struct metrics *m)
{
	size_t len = 0;
	char *text = exposition_write(m, &len);

	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(len, strlen(text));
	metrics_fini(m);
	return text;
}

static unsigned
count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

START_TEST(families_stand_together)
{
	struct metrics m = { 0 };
	char *text;

	metrics_add(&m, METRIC_NODES, "b", "", 2.5);
	metrics_add(&m, METRIC_UP, "ipamd", "", 1);
	metrics_add(&m, METRIC_NODES, "a\"\\\n", "", 4503599627370497.0);
	metrics_add(&m, METRIC_MTU_BYTES, "", "", 1400);
	text = show(&m);
	ck_assert_str_eq(text,
	    "# HELP litevpn_up Whether the daemon answers.\n"
	    "# TYPE litevpn_up gauge\n"
	    "litevpn_up{daemon=\"ipamd\"} 1\n"
	    "# HELP litevpn_mtu_bytes MTU of the TUN devices.\n"
	    "# TYPE litevpn_mtu_bytes gauge\n"
	    "litevpn_mtu_bytes 1400\n"
	    "# HELP litevpn_nodes Registered nodes.\n"
	    "# TYPE litevpn_nodes gauge\n"
	    "litevpn_nodes{network=\"b\"} 2.5\n"
	    "litevpn_nodes{network=\"a\\\"\\\\\\n\"} 4503599627370497\n");
	free(text);
}
END_TEST

START_TEST(nothing_is_an_empty_page)
{
	struct metrics m = { 0 };
	char *text = show(&m);

	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

#define TIME "litevpn_api_call_duration_seconds"

START_TEST(calls_are_counted_by_method_code_and_time)
{
	static const char get[] = "/s.S/Get", list[] = "/s.S/List";
	struct meter *meter = meter_new();
	struct metrics m = { 0 };
	char *text;

	ck_assert_ptr_nonnull(meter);
	for (int i = 0; i < 3; i++)
		meter_began(meter);
	meter_ended(meter);
	meter_answered(meter, get, REASON_NONE);
	meter_took(meter, get, 700);
	meter_answered(meter, get, REASON_NODE_UNKNOWN);
	meter_took(meter, get, 6000000);
	meter_answered(meter, list, REASON_NONE);
	meter_answered(meter, NULL, REASON_METHOD_UNKNOWN);
	meter_show(meter, &m);
	text = show(&m);
	ck_assert_ptr_nonnull(strstr(text, "{method=\"s.S/Get\",code=\"OK\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "{method=\"s.S/Get\",code=\"NOT_FOUND\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "{method=\"s.S/List\",code=\"OK\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "{method=\"other\",code=\"UNIMPLEMENTED\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, TIME "_bucket{method=\"s.S/Get\",le=\"0.0005\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(text, TIME "_bucket{method=\"s.S/Get\",le=\"0.001\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, TIME "_bucket{method=\"s.S/Get\",le=\"5\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, TIME "_bucket{method=\"s.S/Get\",le=\"+Inf\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(text, TIME "_sum{method=\"s.S/Get\"} 6.0007\n"));
	ck_assert_ptr_nonnull(strstr(text, TIME "_count{method=\"s.S/Get\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(text, "litevpn_api_calls_under_way 2\n"));
	ck_assert_ptr_nonnull(strstr(text, "{daemon=\"ctld\",reason=\"NODE_UNKNOWN\"} 1\n"));
	free(text);
	meter_free(meter);
}
END_TEST

START_TEST(methods_beyond_the_maximum_are_others)
{
	static char paths[METER_METHODS_MAX + 2][16];
	struct meter *meter = meter_new();
	struct metrics m = { 0 };
	char *text;

	for (int i = 0; i < METER_METHODS_MAX + 2; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/s/m%d", i);
		meter_answered(meter, paths[i], REASON_NONE);
	}
	meter_show(meter, &m);
	text = show(&m);
	ck_assert_uint_eq(count(text, ",code=\"OK\"} 1\n"), METER_METHODS_MAX);
	ck_assert_ptr_nonnull(strstr(text, "{method=\"other\",code=\"OK\"} 2\n"));
	free(text);
	meter_free(meter);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("exposition");

	tcase_add_test(tc, families_stand_together);
	tcase_add_test(tc, nothing_is_an_empty_page);
	tcase_add_test(tc, calls_are_counted_by_method_code_and_time);
	tcase_add_test(tc, methods_beyond_the_maximum_are_others);
	return kit_run("exposition", tc);
}
