/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/dbfile.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/ipamd/shelf.h"
#include "tests/unit/kit.h"

static struct dbfile *
open_file(const char *path, enum dbfile_mode mode)
{
	struct dbfile *db = NULL;
	struct err e = { .text = "" };

	ck_assert_msg(dbfile_open(path, mode, &db, &e) == 0, "%s", e.text);
	return db;
}

static int
join(void *arg, int n, const char *const *columns)
{
	for (int i = 0; i < n; i++) {
		strcat(arg, columns[i]);
		strcat(arg, "|");
	}
	return strlen(arg) > 20;
}

START_TEST(rows_come_as_text)
{
	struct dbfile *db;
	char out[256] = "";
	struct err e;
	int64_t n;

	shelf_run(KIT_PATH("rows.db"), "create table t(a, b)");
	db = open_file(KIT_PATH("rows.db"), DBFILE_WRITE);
	ck_assert_int_eq(dbfile_run(db, "insert into t values(1, 'x'); insert into t values(2, null)",
	    &e), 0);
	ck_assert_int_eq(dbfile_each(db, "select * from t order by a", join, out, &e), 0);
	ck_assert_str_eq(out, "1|x|2||");
	ck_assert_int_eq(dbfile_number(db, "select count(*) from t", &n, &e), 0);
	ck_assert_int_eq(n, 2);
	ck_assert_int_eq(dbfile_number(db, "select a from t where a>7", &n, &e), 0);
	ck_assert_int_eq(n, 0);
	out[0] = '\0';
	ck_assert_int_eq(dbfile_each(db, "select 'twenty characters...' from t", join, out, &e), 1);
	ck_assert_int_eq(dbfile_each(db, "select nonsense", join, out, &e), -EIO);
	ck_assert_ptr_nonnull(strstr(e.text, "nonsense"));
	ck_assert_int_eq(dbfile_run(db, "nonsense", &e), -EIO);
	dbfile_close(db);
}
END_TEST

START_TEST(reading_changes_nothing)
{
	struct dbfile *db;
	struct err e;

	shelf_run(KIT_PATH("ro.db"), "create table t(a)");
	db = open_file(KIT_PATH("ro.db"), DBFILE_READ);
	ck_assert_int_eq(dbfile_run(db, "insert into t values(1)", &e), -EIO);
	dbfile_close(db);
	ck_assert_int_eq(dbfile_open(KIT_PATH("missing.db"), DBFILE_WRITE, &db, &e), -EIO);
	ck_assert_int_ne(access(KIT_PATH("missing.db"), F_OK), 0);
}
END_TEST

static const struct {
	const char *sql, *result;
} functions[] = {
	{ "address_text('10.1.1.9')", "10.1.1.9" },
	{ "address_text('10.1.1.9 ')", "" },
	{ "address_text('fd00::0:1')", "fd00::1" },
	{ "address_text('')", "" },
	{ "address_text(null)", "" },
	{ "address_text(7)", "" },
	{ "lower(hex(secret_hash('abc')))",
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
};

START_TEST(scripts_have_our_functions)
{
	char sql[128], out[128] = "";
	struct dbfile *db;
	struct err e;

	shelf_run(KIT_PATH("f.db"), "create table if not exists t(a)");
	db = open_file(KIT_PATH("f.db"), DBFILE_READ);
	snprintf(sql, sizeof(sql), "select %s", functions[_i].sql);
	ck_assert_int_ge(dbfile_each(db, sql, join, out, &e), 0);
	out[strlen(out) - 1] = '\0';
	ck_assert_str_eq(out, functions[_i].result);
	dbfile_close(db);
}
END_TEST

START_TEST(a_copy_is_one_whole_file)
{
	const char *path = KIT_PATH("orig.db"), *to = KIT_PATH("copy.db");
	struct dbfile *db, *writer;
	struct stat s;
	struct err e;

	shelf_run(path, "pragma journal_mode=wal; create table t(a); insert into t values(1)");
	writer = open_file(path, DBFILE_WRITE);
	ck_assert_int_eq(dbfile_run(writer, "insert into t values(2); begin;"
	    " insert into t values(3)", &e), 0);
	shelf_run(to, "create table old(a)");	/* is replaced */
	db = open_file(path, DBFILE_READ);
	ck_assert_msg(dbfile_copy(db, to, &e) == 0, "%s", e.text);
	dbfile_close(db);
	dbfile_close(writer);
	ck_assert_str_eq(shelf_look(to, "select group_concat(a) from t"), "1,2");
	ck_assert_str_eq(shelf_look(to, "pragma journal_mode"), "delete");
	ck_assert_int_eq(stat(to, &s), 0);
	ck_assert_int_eq(s.st_mode & 0777, 0600);
	ck_assert_int_ne(access(KIT_PATH("copy.db-wal"), F_OK), 0);
	ck_assert_int_ne(access(KIT_PATH("copy.db-journal"), F_OK), 0);
}
END_TEST

static int
copy_on_a_full_disk(void *arg)
{
	struct rlimit r = { 8192, 8192 };
	struct dbfile *db;
	struct err e;

	(void) arg;
	signal(SIGXFSZ, SIG_IGN);
	KIT_MUST(dbfile_open(KIT_PATH("large.db"), DBFILE_READ, &db, &e) == 0);
	KIT_MUST(setrlimit(RLIMIT_FSIZE, &r) == 0);
	KIT_MUST(dbfile_copy(db, KIT_PATH("no.db"), &e) < 0);
	KIT_MUST(e.text[0] != '\0');
	KIT_MUST(access(KIT_PATH("no.db"), F_OK) != 0);
	KIT_MUST(access(KIT_PATH("no.db-journal"), F_OK) != 0);
	return 0;
}

START_TEST(a_copy_that_fails_leaves_nothing)
{
	shelf_run(KIT_PATH("large.db"), "create table t(a); insert into t values(zeroblob(100000))");
	ck_assert_int_eq(kit_child(copy_on_a_full_disk, NULL), 0);
}
END_TEST

START_TEST(a_lock_keeps_others_out)
{
	const char *path = KIT_PATH("lock.db");
	int fd, other = -1;
	struct stat s;
	struct err e;

	ck_assert_int_eq(dbfile_lock(path, &fd, &e), 0);
	ck_assert_int_eq(stat(path, &s), 0);
	ck_assert_int_eq(s.st_mode & 0777, 0600);
	ck_assert_int_eq(dbfile_lock(path, &other, &e), -EBUSY);
	ck_assert_int_eq(other, -1);
	close(fd);
	ck_assert_int_eq(dbfile_lock(path, &other, &e), 0);
	close(other);
	ck_assert_int_eq(dbfile_lock(kit_dir(), &other, &e), -EISDIR);
}
END_TEST

START_TEST(a_database_goes_with_its_files)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
	char name[64];

	for (unsigned i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "gone.db%s", ends[i]);
		kit_write(name, "x", 0600);
	}
	dbfile_remove(KIT_PATH("gone.db"));
	for (unsigned i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "gone.db%s", ends[i]);
		ck_assert_int_ne(access(KIT_PATH(name), F_OK), 0);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("dbfile");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, rows_come_as_text);
	tcase_add_test(tc, reading_changes_nothing);
	KIT_ROWS(tc, scripts_have_our_functions, functions);
	tcase_add_test(tc, a_copy_is_one_whole_file);
	tcase_add_test(tc, a_copy_that_fails_leaves_nothing);
	tcase_add_test(tc, a_lock_keeps_others_out);
	tcase_add_test(tc, a_database_goes_with_its_files);
	return kit_run("ipamd/dbfile", tc);
}
