/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/checkpoint.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "tests/unit/kit.h"

#define ROWS 20000
#define ROW_BYTES 3000		/* one a page */
#define PAGE 4096
#define PATIENCE_MS 20000

/* The writer: a database in WAL mode that has no checkpoints of its own. */
struct writer {
	sqlite3 *db;
	struct checkpointer *c;
	int pages;		/* of the WAL, after the last commit */
	int itself;		/* how often it was told to */
	int begun;		/* how often it was at the front of its WAL again */
};

static char path[KIT_PATH_MAX];

static int
on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct writer *w = arg;

	w->begun += pages < w->pages;
	w->pages = pages;
	if (checkpointer_grown(w->c, pages)) {
		w->itself++;	/* SQLITE_BUSY: the thread is at it; with the next commit, then */
		sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	}
	return SQLITE_OK;
}

static void
run(struct writer *w, const char *sql)
{
	char *said = NULL;

	ck_assert_msg(sqlite3_exec(w->db, sql, NULL, NULL, &said) == SQLITE_OK, "%s", said);
}

static void
open_writer(struct writer *w)
{
	char command[2 * KIT_PATH_MAX];
	struct err e;

	kit_path("c.db", path);
	snprintf(command, sizeof(command), "rm -f %s*", path);
	ck_assert_int_eq(system(command), 0);
	*w = (struct writer){ 0 };
	ck_assert_int_eq(sqlite3_open(path, &w->db), SQLITE_OK);
	run(w, "pragma journal_mode=wal; pragma synchronous=off; create table t(b blob)");
	ck_assert_int_eq(checkpointer_new(path, &w->c, &e), 0);
	sqlite3_wal_hook(w->db, on_wal, w);
}

static void
add_rows(struct writer *w, int n)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "with recursive k(n) as (values(1) union all select n + 1 from k"
	    " where n < %d) insert into t select zeroblob(%d) from k", n, ROW_BYTES);
	run(w, sql);
}

static long
file_pages(const char *end)
{
	char file[KIT_PATH_MAX + 8];
	struct stat st;

	snprintf(file, sizeof(file), "%s%s", path, end);
	return stat(file, &st) < 0 ? 0 : (long) st.st_size / PAGE;
}

START_TEST(small_changes_stay_in_the_wal)
{
	struct writer w;

	open_writer(&w);
	for (int i = 0; i < 8; i++)
		add_rows(&w, 10);
	checkpointer_free(w.c);
	ck_assert_int_eq(w.itself, 0);
	ck_assert_int_le(file_pages(""), 1);
	sqlite3_close(w.db);
}
END_TEST

START_TEST(many_are_copied_while_nobody_waits)
{
	struct writer w;
	int64_t until = clock_mono_ms() + PATIENCE_MS;

	open_writer(&w);
	add_rows(&w, 3000);
	while (file_pages("") < 3000 && clock_mono_ms() < until)
		sched_yield();
	ck_assert_int_ge(file_pages(""), 3000);
	ck_assert_int_eq(w.itself, 0);
	checkpointer_free(w.c);
	sqlite3_close(w.db);
}
END_TEST

/* One commit after the other: the WAL is used again and again, not longer and longer. */
START_TEST(the_wal_has_an_end_though_commits_go_on)
{
	struct writer w;
	int64_t until = clock_mono_ms() + PATIENCE_MS;

	open_writer(&w);
	for (int n = 0; n < ROWS || (w.begun == 0 && clock_mono_ms() < until); n += 20)
		add_rows(&w, 20);
	ck_assert_int_gt(w.begun, 0);
	ck_assert_int_lt(file_pages("-wal"), 70000);
	checkpointer_free(w.c);
	sqlite3_close(w.db);
}
END_TEST

START_TEST(a_database_that_cannot_be_opened)
{
	struct checkpointer *c = NULL;
	struct err e;

	ck_assert_int_eq(checkpointer_new("/nowhere/at/all.db", &c, &e), -EIO);
	ck_assert_str_ne(e.text, "");
	ck_assert_ptr_null(c);
	checkpointer_free(NULL);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("checkpoint");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, small_changes_stay_in_the_wal);
	tcase_add_test(tc, many_are_copied_while_nobody_waits);
	tcase_add_test(tc, the_wal_has_an_end_though_commits_go_on);
	tcase_add_test(tc, a_database_that_cannot_be_opened);
	return kit_run("ipamd/checkpoint", tc);
}
