/* SPDX-License-Identifier: Apache-2.0 */
#include "common/verbosity.h"

#include <check.h>

#include "common/reason.h"
#include "tests/unit/kit.h"

static struct ev *ev;
static struct verbosity v;

static void
on_changed(void *arg, enum log_level now)
{
	*(enum log_level *) arg = now;
	if (now == v.configured)
		ev_stop(ev, 0);
}

static void
begin(enum log_level *told)
{
	ck_assert_int_eq(ev_new(&ev), 0);
	verbosity_init(&v, ev, LOG_LV_INFO);
	v.changed = on_changed;
	v.arg = told;
}

static void
finish(void)
{
	verbosity_fini(&v);
	ev_free(ev);
}

START_TEST(what_was_wanted_for_a_while_ends)
{
	enum log_level told = LOG_LV_INFO;

	begin(&told);
	verbosity_want(&v, LOG_LV_DEBUG, 20);
	ck_assert_int_eq(told, LOG_LV_DEBUG);
	ck_assert_int_eq(ev_run(ev), 0);
	ck_assert_int_eq(told, LOG_LV_INFO);
	ck_assert_int_eq(v.now, LOG_LV_INFO);
	finish();
}
END_TEST

START_TEST(what_is_configured_ends_what_was_wanted)
{
	enum log_level told = LOG_LV_INFO;

	begin(&told);
	verbosity_want(&v, LOG_LV_DEBUG, 60000);
	verbosity_want(&v, LOG_LV_ERR, 0);
	ck_assert_uint_eq(v.end.slot, 0);
	verbosity_want(&v, LOG_LV_WARN, 60000);
	verbosity_configure(&v, LOG_LV_NOTICE);
	ck_assert_uint_eq(v.end.slot, 0);
	ck_assert_int_eq(told, LOG_LV_NOTICE);
	finish();
}
END_TEST

START_TEST(a_file_with_mistakes_changes_nothing)
{
	enum log_level told = LOG_LV_INFO;
	struct err e;

	begin(&told);
	verbosity_want(&v, LOG_LV_DEBUG, 60000);
	ck_assert_int_eq(verbosity_reload(&v, kit_write("bad.yml", "mtu: x\n", 0600), &e),
	    -REASON_CONFIG_INVALID);
	ck_assert_int_eq(v.now, LOG_LV_DEBUG);
	ck_assert_int_eq(verbosity_reload(&v, kit_write("good.yml", "log: {level: warning}\n", 0600),
	    &e), 0);
	ck_assert_int_eq(v.now, LOG_LV_WARN);
	ck_assert_int_eq(v.configured, LOG_LV_WARN);
	finish();
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("verbosity");

	tcase_add_test(tc, what_was_wanted_for_a_while_ends);
	tcase_add_test(tc, what_is_configured_ends_what_was_wanted);
	tcase_add_test(tc, a_file_with_mistakes_changes_nothing);
	return kit_run("verbosity", tc);
}
