/* SPDX-License-Identifier: Apache-2.0 */
#include "common/dirwatch.h"

#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/unit/kit.h"

#define SOON_MS (4 * DIRWATCH_SETTLE_MS)

static struct ev *ev;
static struct dirwatch w;
static unsigned nchanges;

static void
on_changed(void *arg)
{
	ck_assert_ptr_eq(arg, &w);
	nchanges++;
	ev_stop(ev, 1);
}

static void
on_late(void *arg)
{
	(void) arg;
	ev_stop(ev, 0);
}

/* Whether something is said within that time. */
static bool
says(int64_t ms)
{
	struct ev_timer late = { 0 };
	int said;

	ck_assert_int_eq(ev_timer_start(ev, &late, ms, on_late, NULL), 0);
	said = ev_run(ev);
	ev_timer_stop(ev, &late);
	return said == 1;
}

static void
begin(const char *dir)
{
	nchanges = 0;
	ck_assert_int_eq(ev_new(&ev), 0);
	dirwatch_init(&w, dir);
	ck_assert_int_eq(dirwatch_start(&w, ev, on_changed, &w), 0);
}

static void
end(void)
{
	dirwatch_fini(&w);
	ev_free(ev);
}

START_TEST(what_is_written_or_renamed_is_seen)
{
	begin(kit_dir());
	kit_write("server.pem", "one", 0644);
	ck_assert(says(SOON_MS));
	ck_assert_int_eq(rename(KIT_PATH("server.pem"), KIT_PATH("other.pem")), 0);
	ck_assert(says(SOON_MS));
	end();
}
END_TEST

/* Once for all of them, and only when they have settled. */
START_TEST(files_that_come_together_are_one_change)
{
	int64_t begun = clock_mono_ms();

	begin(kit_dir());
	kit_write("server-key.pem", "one", 0600);
	ck_assert(!says(DIRWATCH_SETTLE_MS / 2));
	kit_write("server.pem", "two", 0644);
	ck_assert(says(SOON_MS));
	ck_assert_int_ge(clock_mono_ms() - begun, DIRWATCH_SETTLE_MS * 3 / 2);
	ck_assert(!says(DIRWATCH_SETTLE_MS * 2));
	ck_assert_uint_eq(nchanges, 1);
	end();
}
END_TEST

START_TEST(what_cannot_be_watched_is_silent)
{
	begin(KIT_PATH("missing"));
	ck_assert_int_eq(w.fd, -1);
	kit_write("server.pem", "one", 0644);
	ck_assert(!says(DIRWATCH_SETTLE_MS * 2));
	end();
}
END_TEST

START_TEST(it_can_end_before_it_has_begun)
{
	dirwatch_init(&w, kit_dir());
	dirwatch_fini(&w);
	ck_assert_int_eq(w.fd, -1);
	/* And with a change that has not settled. */
	begin(kit_dir());
	kit_write("server.pem", "one", 0644);
	ck_assert(!says(DIRWATCH_SETTLE_MS / 2));
	end();
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("dirwatch");

	tcase_add_test(tc, what_is_written_or_renamed_is_seen);
	tcase_add_test(tc, files_that_come_together_are_one_change);
	tcase_add_test(tc, what_cannot_be_watched_is_silent);
	tcase_add_test(tc, it_can_end_before_it_has_begun);
	return kit_run("common/dirwatch", tc);
}
