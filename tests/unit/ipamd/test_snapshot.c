/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/snapshot.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/unit/ipamd/shelf.h"
#include "tests/unit/kit.h"

/* Files beside KIT_DIR/s.db; the test removes what the one before it has left. */

static char path[KIT_PATH_MAX];

static void
set_up(void)
{
	char command[2 * KIT_PATH_MAX];

	kit_path("s.db", path);
	snprintf(command, sizeof(command), "rm -f %s*", path);
	ck_assert_int_eq(system(command), 0);
}

static const char *
put(const char *name)
{
	static char file[DBFILE_PATH_MAX];
	FILE *f;

	snprintf(file, sizeof(file), "%s%s", path, name);
	ck_assert_ptr_nonnull(f = fopen(file, "w"));
	fclose(f);
	return file;
}

static bool
there_is(const char *name)
{
	char file[DBFILE_PATH_MAX];

	snprintf(file, sizeof(file), "%s%s", path, name);
	return access(file, F_OK) == 0;
}

static const char *
found(int64_t version)
{
	static char out[DBFILE_PATH_MAX];

	snapshot_find(path, version, out);
	return out[0] == '\0' ? "" : out + strlen(path);
}

START_TEST(the_newest_that_can_be_read_is_found)
{
	set_up();
	ck_assert_str_eq(found(9), "");
	put(".step1-20250101T000000.000Z");
	put(".step2-20250101T000000.500Z");
	put(".step2-20240101T000000.000Z");
	put(".step3-20250102T000000.000Z");
	put(".step4-20230102T000000.000Z");
	ck_assert_str_eq(found(9), ".step3-20250102T000000.000Z");
	ck_assert_str_eq(found(2), ".step3-20250102T000000.000Z");
	ck_assert_str_eq(found(1), ".step2-20250101T000000.500Z");
	ck_assert_str_eq(found(0), ".step1-20250101T000000.000Z");
}
END_TEST

/* Names that look a little like it. */
static const char *const others[] = {
	"", "-wal", ".part", ".step1-20250101T000000.000Z.part", ".step1-20250101T000000.00Z",
	".step1-2025O101T000000.000Z", "x.step1-20250101T000000.000Z", ".step1-", ".20250101T000000.000Z",
	".stepx-20250101T000000.000Z", ".step0-20250101T000000.000Z", ".restore-20250101T000000.000Z",
};

START_TEST(other_files_are_none)
{
	set_up();
	put(others[_i]);
	ck_assert_str_eq(found(INT64_MAX), "");
}
END_TEST

START_TEST(the_oldest_make_room)
{
	char name[64];

	set_up();
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]) - 3; i++)
		put(others[i]);
	for (unsigned i = 0; i < SNAPSHOTS_MAX + 3; i++) {
		snprintf(name, sizeof(name), ".%s-20250101T0000%02u.000Z",
		    i % 2 == 0 ? "restore" : "step7", 59 - i);
		put(name);
	}
	snapshot_prune(path);
	for (unsigned i = 0; i < SNAPSHOTS_MAX + 3; i++) {
		snprintf(name, sizeof(name), ".%s-20250101T0000%02u.000Z",
		    i % 2 == 0 ? "restore" : "step7", 59 - i);
		ck_assert_int_eq(there_is(name), i < SNAPSHOTS_MAX);
	}
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]) - 3; i++)
		ck_assert(there_is(others[i]));
}
END_TEST

START_TEST(one_is_taken_and_bounded)
{
	char out[DBFILE_PATH_MAX], first[DBFILE_PATH_MAX] = "";
	struct dbfile *db;
	struct err e;

	set_up();
	put(".part");	/* of one that was cut short */
	shelf_run(path, "pragma journal_mode=wal; create table t(a); insert into t values(7)");
	ck_assert_int_eq(dbfile_open(path, DBFILE_READ, &db, &e), 0);
	for (unsigned i = 0; i < SNAPSHOTS_MAX + 1; i++) {
		ck_assert_msg(snapshot_take(db, path, "step2", out, &e) == 0, "%s", e.text);
		if (i == 0)
			snprintf(first, sizeof(first), "%s", out);
		ck_assert_str_eq(shelf_look(out, "select a from t"), "7");
		/* Their names have milliseconds. */
		for (int64_t now = clock_utc_ms(); clock_utc_ms() == now;)
			;
	}
	dbfile_close(db);
	ck_assert_int_ne(access(first, F_OK), 0);
	ck_assert(!there_is(".part"));
	ck_assert_str_eq(found(1), out + strlen(path));
}
END_TEST

START_TEST(a_place_that_cannot_be_written_is_told)
{
	char out[DBFILE_PATH_MAX];
	struct dbfile *db;
	struct err e = { .text = "" };

	set_up();
	shelf_run(path, "create table t(a)");
	ck_assert_int_eq(dbfile_open(path, DBFILE_READ, &db, &e), 0);
	ck_assert_int_lt(snapshot_take(db, "/dev/full/s.db", "step2", out, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.text, "no snapshot can be taken"));
	dbfile_close(db);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("snapshot");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_newest_that_can_be_read_is_found);
	KIT_ROWS(tc, other_files_are_none, others);
	tcase_add_test(tc, the_oldest_make_room);
	tcase_add_test(tc, one_is_taken_and_bounded);
	tcase_add_test(tc, a_place_that_cannot_be_written_is_told);
	return kit_run("ipamd/snapshot", tc);
}
