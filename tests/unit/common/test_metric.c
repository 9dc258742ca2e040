/* SPDX-License-Identifier: Apache-2.0 */
#include "common/metric.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include "common/codec_stats.h"
#include "common/tally.h"
#include "tests/unit/kit.h"

START_TEST(names_are_what_prometheus_wants)
{
	for (enum metric id = 0; id < METRIC_COUNT; id++) {
		const char *name = metric_name(id), *end = strrchr(name, '_');

		ck_assert_int_eq(metric_by_name(name), id);
		ck_assert_int_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
		ck_assert_msg((strcmp(end, "_total") == 0) == (metric_type(id) == METRIC_COUNTER),
		    "%s", name);
		ck_assert_int_eq(metric_help(id)[strlen(metric_help(id)) - 1], '.');
	}
	ck_assert_int_eq(metric_by_name("litevpn_none"), METRIC_COUNT);
}
END_TEST

START_TEST(a_set_holds_so_many_and_counts_the_rest)
{
	struct metrics m = { 0 };

	for (int i = 0; i < METRICS_MAX + 3; i++)
		metrics_add(&m, METRIC_NODES, "default", "", i);
	ck_assert_uint_eq(m.n, METRICS_MAX);
	ck_assert_uint_eq(m.left_out, 3);
	ck_assert_double_eq(m.samples[METRICS_MAX - 1].value, METRICS_MAX - 1);
	metrics_fini(&m);
	ck_assert_uint_eq(m.n, 0);
	metrics_fini(&m);
}
END_TEST

START_TEST(a_set_comes_over_whole)
{
	struct metrics m = { 0 }, got = { 0 };
	Litevpn__Stats__Stats *msg;

	metrics_add(&m, METRIC_UP, "ipamd", "", 1);
	metrics_add(&m, METRIC_REFUSALS, "ipamd", "INTERNAL", 1e12 + 1);
	metrics_add(&m, METRIC_MTU_BYTES, "", "", 1400);
	msg = codec_stats_pack(&m);
	ck_assert_ptr_nonnull(msg);
	codec_stats_read(msg, "ipamd", &got);
	codec_stats_free(msg);
	ck_assert_uint_eq(got.n, 3);
	ck_assert_uint_eq(got.left_out, 0);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(memcmp(&got.samples[i], &m.samples[i], sizeof(m.samples[i])), 0);
	metrics_fini(&m);
	metrics_fini(&got);
}
END_TEST

/* From a process that is not trusted: one that is wrong hides no other one. */
static const struct {
	const char *name;
	size_t n;
	const char *labels[3];
	double value;
} wrong[] = {
	{ "litevpn_none", 0, { 0 }, 1 },
	{ "", 0, { 0 }, 1 },
	{ "litevpn_nodes", 0, { 0 }, 1 },
	{ "litevpn_nodes", 2, { "a", "b" }, 1 },
	{ "litevpn_refusals_total", 3, { "ipamd", "b", "c" }, 1 },
	{ "litevpn_nodes", 1, { "\xc3" }, 1 },
	{ "litevpn_nodes", 1, { "12345678901234567890123456789012345678901234567890123456789012345" },
	    1 },
	{ "litevpn_nodes", 1, { "a" }, INFINITY },
	{ "litevpn_nodes", 1, { "a" }, NAN },
	{ "litevpn_up", 1, { "ctld" }, 1 },
	{ "litevpn_api_call_duration_seconds", 2, { "a", "1" }, 1 },
};

START_TEST(what_cannot_be_shown_is_left_out)
{
	Litevpn__Stats__Sample bad = LITEVPN__STATS__SAMPLE__INIT;
	Litevpn__Stats__Sample good = LITEVPN__STATS__SAMPLE__INIT;
	Litevpn__Stats__Sample *list[] = { &bad, &good };
	Litevpn__Stats__Stats msg = LITEVPN__STATS__STATS__INIT;
	struct metrics got = { 0 };
	char *label = (char *) "default";

	bad.name = (char *) wrong[_i].name;
	bad.n_labels = wrong[_i].n;
	bad.labels = (char **) wrong[_i].labels;
	bad.value = wrong[_i].value;
	good.name = (char *) "litevpn_nodes";
	good.n_labels = 1;
	good.labels = &label;
	msg.samples = list;
	msg.n_samples = 2;
	codec_stats_read(&msg, "ipamd", &got);
	ck_assert_uint_eq(got.left_out, 1);
	ck_assert_uint_eq(got.n, 1);
	ck_assert_str_eq(got.samples[0].labels[0], "default");
	metrics_fini(&got);
}
END_TEST

static double
refused(const struct tally *t, const char *reason)
{
	struct metrics m = { 0 };
	double value = -1;

	tally_show(t, "ctld", &m);
	ck_assert_uint_eq(m.n, REASONS);
	for (size_t i = 0; i < m.n; i++) {
		if (strcmp(m.samples[i].labels[1], reason) == 0)
			value = m.samples[i].value;
	}
	metrics_fini(&m);
	return value;
}

START_TEST(a_tally_knows_each_reason)
{
	struct tally t = { 0 };

	tally_add(&t, REASON_TOKEN_UNKNOWN);
	tally_add(&t, REASON_TOKEN_UNKNOWN);
	tally_add(&t, 5);
	tally_add(&t, -7);
	ck_assert_double_eq(refused(&t, "TOKEN_UNKNOWN"), 2);
	ck_assert_double_eq(refused(&t, "INTERNAL"), 2);
	ck_assert_double_eq(refused(&t, "POOL_EXHAUSTED"), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("metric");

	tcase_add_test(tc, names_are_what_prometheus_wants);
	tcase_add_test(tc, a_set_holds_so_many_and_counts_the_rest);
	tcase_add_test(tc, a_set_comes_over_whole);
	KIT_ROWS(tc, what_cannot_be_shown_is_left_out, wrong);
	tcase_add_test(tc, a_tally_knows_each_reason);
	return kit_run("metric", tc);
}
