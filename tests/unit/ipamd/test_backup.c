/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/backup.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemons/ipamd/events.h"
#include "daemons/ipamd/migrate.h"
#include "tests/unit/ipamd/book.h"
#include "tests/unit/ipamd/shelf.h"
#include "tests/unit/kit.h"

/* ipamd's database is the one of a book; what it leaves goes to KIT_DIR/out.db. */

#define BOOK KIT_PATH("book.db")
#define OUT KIT_PATH("out.db")

static unsigned findings;

static void
on_finding(void *arg, const struct check_finding *f)
{
	(void) arg;
	(void) f;
	findings++;
}

static struct check
check_with(struct book *b)
{
	findings = 0;
	return (struct check){ .conf = &b->conf, .found = on_finding };
}

static void
clear(void)
{
	char command[128 + KIT_PATH_MAX];

	snprintf(command, sizeof(command), "rm -f %s/book.db* %s/out.db*", kit_dir(), kit_dir());
	ck_assert_int_eq(system(command), 0);
}

static int
back_up(struct book *b, struct err *e)
{
	int fd = open(OUT, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), rc;
	struct check c = check_with(b);

	ck_assert_int_ge(fd, 0);
	rc = backup_write(BOOK, fd, &c, e);
	close(fd);
	return rc;
}

static int
restore(struct book *b, char before[DBFILE_PATH_MAX], struct err *e)
{
	struct check c = check_with(b);
	struct backup_source from;
	int rc = backup_open(OUT, &from, e);

	if (rc < 0)
		return rc;
	rc = backup_restore(BOOK, &from, &c, before, e);
	backup_close(&from);
	return rc;
}

static int64_t
number(const char *path, const char *sql)
{
	return strtoll(shelf_look(path, sql), NULL, 10);
}

#define BOOT "select value from counters where name='boot'"
#define NODES "select count(*) from vpn_mgr where bind_ip<>''"

/* A backup with one node; the database has two more, and was started again. */
static void
live(struct book *b, struct err *e)
{
	struct store_node n;

	clear();
	book_init(b, "10.1.1.1/24");
	book_connect(b, &n);
	ck_assert_msg(back_up(b, e) == 0, "%s", e->text);
	book_connect(b, &n);
	book_restart(b);
	book_connect(b, &n);
}

START_TEST(a_backup_is_the_last_commit_of_a_database_in_use)
{
	struct check_result result;
	struct backup_source from;
	struct check c;
	struct book b;
	struct err e;

	live(&b, &e);
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(back_up(&b, &e), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
	ck_assert_int_eq(number(OUT, NODES), 3);
	ck_assert_str_eq(shelf_look(OUT, "pragma journal_mode"), "delete");
	c = check_with(&b);
	ck_assert_int_eq(backup_open(OUT, &from, &e), 0);
	ck_assert_int_eq(backup_check(BOOK, &from, &c, &result, &e), 0);
	ck_assert_uint_eq(result.findings, 0);
	backup_close(&from);
	ck_assert_int_eq(backup_check(BOOK, NULL, &c, &result, &e), 0);
	ck_assert_uint_eq(result.findings, 0);
	ck_assert_int_ne(access(KIT_PATH("book.db.desk"), F_OK), 0);
	book_fini(&b);
}
END_TEST

START_TEST(a_restore_goes_back_but_for_numbers)
{
	char before[DBFILE_PATH_MAX];
	int64_t boot, newest, events;
	struct event_page page;
	struct store_node n;
	struct lease lease;
	struct book b;
	struct err e;

	live(&b, &e);
	ck_assert_int_eq(restore(&b, before, &e), -EBUSY);	/* it runs */
	book_fini(&b);
	boot = number(BOOK, BOOT);
	newest = number(BOOK, "select max(revision) from events");
	events = number(OUT, "select count(*) from events");
	ck_assert_msg(restore(&b, before, &e) == 0, "%s", e.text);
	ck_assert_int_eq(number(before, NODES), 3);
	ck_assert_int_eq(number(BOOK, NODES), 1);
	ck_assert_int_eq(number(BOOK, BOOT), boot);
	ck_assert_int_eq(number(BOOK, "select min(revision) from events"), newest + 2);
	ck_assert_int_eq(number(BOOK, "select count(*) from events"), events + 1);
	ck_assert_str_eq(shelf_look(BOOK, "select kind || ' ' || detail from events"
	    " order by revision desc limit 1") + strlen("11 before="), strrchr(before, '/') + 1);
	ck_assert_int_ne(access(KIT_PATH("book.db.desk"), F_OK), 0);

	ck_assert_int_eq(book_open(&b), 0);
	lease = book_connect(&b, &n);
	ck_assert_int_gt(lease.epoch >> 32, boot);
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	/* Who had followed the events up to the end must be told that it has missed some. */
	ck_assert_int_lt(events_list(&b.ledger, (uint64_t) newest, 0, &page, &b.err), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
	book_fini(&b);
}
END_TEST

START_TEST(where_nothing_was_numbers_are_far_above)
{
	char before[DBFILE_PATH_MAX];
	struct book b;
	struct err e;
	int64_t boot;

	live(&b, &e);
	book_fini(&b);
	dbfile_remove(BOOK);
	boot = number(OUT, BOOT);
	ck_assert_int_eq(restore(&b, before, &e), 0);
	ck_assert_str_eq(before, "");
	ck_assert_int_ge(number(BOOK, BOOT), boot + 1000);
	ck_assert_int_ge(number(BOOK, "select min(revision) from events"), 1000000);
	ck_assert_int_eq(book_open(&b), 0);
	book_fini(&b);
}
END_TEST

/* The log of a damaged database would be taken for the new one's. */
START_TEST(a_damaged_database_goes_with_its_log)
{
	static const char junk[4096] = "this was a database";
	char before[DBFILE_PATH_MAX];
	struct book b;
	struct err e;
	char *text;
	FILE *f;

	live(&b, &e);
	book_fini(&b);
	ck_assert_ptr_nonnull(f = fopen(BOOK, "w"));
	ck_assert_uint_eq(fwrite(junk, 1, sizeof(junk), f), sizeof(junk));
	fclose(f);
	kit_write("book.db-wal", "its log", 0600);
	kit_write("book.db-journal", "its journal", 0600);
	ck_assert_msg(restore(&b, before, &e) == 0, "%s", e.text);
	ck_assert_int_eq(number(BOOK, NODES), 1);
	ck_assert_int_ne(access(KIT_PATH("book.db-wal"), F_OK), 0);
	ck_assert_int_ne(access(KIT_PATH("book.db-journal"), F_OK), 0);
	text = kit_read(before);
	ck_assert_str_eq(text, junk);
	free(text);
	ck_assert_int_eq(book_open(&b), 0);
	book_fini(&b);
}
END_TEST

START_TEST(who_reads_the_old_one_is_waited_for_and_then_told)
{
	char before[DBFILE_PATH_MAX];
	struct dbfile *reader;
	struct book b;
	struct err e;
	int64_t n;

	live(&b, &e);
	book_fini(&b);
	ck_assert_int_eq(dbfile_open(BOOK, DBFILE_READ, &reader, &e), 0);
	ck_assert_int_eq(dbfile_run(reader, "begin", &e), 0);
	ck_assert_int_eq(dbfile_number(reader, NODES, &n, &e), 0);
	ck_assert_int_eq(restore(&b, before, &e), -EBUSY);
	ck_assert_ptr_nonnull(strstr(e.text, "somebody reads it"));
	dbfile_close(reader);
	ck_assert_int_eq(number(BOOK, NODES), 3);
	ck_assert_int_eq(restore(&b, before, &e), 0);
}
END_TEST

static const struct {
	const char *sql;
	int rc;
} unfit[] = {
	{ "drop index vpn_mgr_address", -EUCLEAN },
	{ "pragma user_version=999", -ENOTSUP },
	{ "update vpn_mgr set update_time='2001-01-01 00:00:00' where state=3", 0 },
};

START_TEST(what_is_not_fit_is_not_restored)
{
	char before[DBFILE_PATH_MAX];
	struct book b;
	struct err e;

	live(&b, &e);
	book_fini(&b);
	shelf_run(OUT, unfit[_i].sql);
	ck_assert_int_eq(restore(&b, before, &e), unfit[_i].rc);
	ck_assert_int_eq(number(BOOK, NODES), unfit[_i].rc == 0 ? 1 : 3);
	ck_assert_int_eq(findings > 0, unfit[_i].rc != -ENOTSUP);
	if (unfit[_i].rc == -ENOTSUP)
		ck_assert_ptr_null(strstr(e.text, "snapshot"));
}
END_TEST

START_TEST(what_is_not_fit_is_not_backed_up)
{
	struct book b;
	struct err e;

	live(&b, &e);
	shelf_run(BOOK, "update networks set name='x' where id=1");
	ck_assert_int_eq(back_up(&b, &e), -EUCLEAN);
	ck_assert_uint_ge(findings, 1);
	book_fini(&b);
}
END_TEST

/* An administrator makes one before the first start of a new version. */
START_TEST(an_older_schema_is_backed_up_as_it_is)
{
	struct book b;
	struct err e;

	live(&b, &e);
	book_fini(&b);
	clear();
	shelf_run(BOOK, "create table network_mgr(id integer primary key, token text not null,"
	    " state integer, bind_ip text, create_time text, update_time text);"
	    "insert into network_mgr values (1, '0123456789abcdef', -1, '10.1.1.9',"
	    " '2020-01-01 01:01:01', '2020-02-02 02:02:02')");
	ck_assert_msg(back_up(&b, &e) == 0, "%s", e.text);
	ck_assert_uint_eq(findings, 0);
	ck_assert_str_eq(shelf_look(OUT, "select token from network_mgr"), "0123456789abcdef");
	ck_assert_int_eq(number(OUT, "pragma user_version"), 0);
	shelf_run(BOOK, "pragma user_version=999");
	ck_assert_int_eq(back_up(&b, &e), -ENOTSUP);
}
END_TEST

START_TEST(one_at_a_time_works_beside_the_database)
{
	struct check_result result;
	struct check c;
	struct book b;
	struct err e;
	int fd;

	live(&b, &e);
	c = check_with(&b);
	ck_assert_int_ge(fd = open(kit_dir(), O_RDONLY | O_DIRECTORY), 0);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(back_up(&b, &e), -EBUSY);
	ck_assert_int_eq(backup_check(BOOK, NULL, &c, &result, &e), -EBUSY);
	close(fd);
	ck_assert_int_eq(back_up(&b, &e), 0);
	book_fini(&b);
}
END_TEST

START_TEST(a_database_in_use_is_no_backup)
{
	struct backup_source from;
	struct book b;
	struct err e;

	live(&b, &e);
	ck_assert_int_eq(backup_open(BOOK, &from, &e), -EBUSY);
	book_fini(&b);
	ck_assert_int_eq(backup_open(BOOK, &from, &e), 0);
	backup_close(&from);
	ck_assert_int_eq(backup_open(kit_dir(), &from, &e), -EINVAL);
	ck_assert_int_eq(backup_open(KIT_PATH("missing.db"), &from, &e), -ENOENT);
}
END_TEST

/* What a process that was killed has left in the log is a part of the database. */
START_TEST(a_log_comes_along)
{
	char before[DBFILE_PATH_MAX], command[4 * KIT_PATH_MAX];
	struct store_node n;
	struct book b;
	struct err e;

	live(&b, &e);
	book_connect(&b, &n);
	snprintf(command, sizeof(command), "cp %s %s && cp %s-wal %s-wal && test -s %s-wal", BOOK, OUT,
	    BOOK, OUT, OUT);
	ck_assert_int_eq(system(command), 0);
	book_fini(&b);
	ck_assert_int_eq(restore(&b, before, &e), 0);
	ck_assert_int_eq(number(BOOK, NODES), 4);
}
END_TEST

/* --- cut short -------------------------------------------------------------------------------- */

struct cut {
	struct book *b;
	rlim_t limit;
	bool killed;
};

static int
restore_within(void *arg)
{
	struct cut *c = arg;
	struct rlimit r = { c->limit, c->limit };
	char before[DBFILE_PATH_MAX];
	struct err e;

	signal(SIGXFSZ, c->killed ? SIG_DFL : SIG_IGN);
	KIT_MUST(setrlimit(RLIMIT_FSIZE, &r) == 0);
	return restore(c->b, before, &e) < 0 ? 2 : 0;
}

START_TEST(a_restore_that_is_cut_short_has_changed_nothing)
{
	struct book b;
	struct err e;
	struct cut c = { .b = &b, .limit = 4096, .killed = _i == 0 };
	unsigned cut_short = 0;
	int status;

	live(&b, &e);
	book_fini(&b);
	while ((status = kit_child(restore_within, &c)) != 0) {
		ck_assert(c.killed ? WIFSIGNALED(status) : WEXITSTATUS(status) == 2);
		ck_assert_int_eq(number(BOOK, NODES), 3);
		ck_assert_str_eq(shelf_look(BOOK, "pragma integrity_check"), "ok");
		cut_short++;
		c.limit += 8192;
	}
	ck_assert_uint_ge(cut_short, 5);
	ck_assert_int_eq(number(BOOK, NODES), 1);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("backup");

	tcase_set_timeout(tc, 60);	/* every commit waits for the disk */
	tcase_add_test(tc, a_backup_is_the_last_commit_of_a_database_in_use);
	tcase_add_test(tc, a_restore_goes_back_but_for_numbers);
	tcase_add_test(tc, where_nothing_was_numbers_are_far_above);
	tcase_add_test(tc, a_damaged_database_goes_with_its_log);
	tcase_add_test(tc, who_reads_the_old_one_is_waited_for_and_then_told);
	KIT_ROWS(tc, what_is_not_fit_is_not_restored, unfit);
	tcase_add_test(tc, what_is_not_fit_is_not_backed_up);
	tcase_add_test(tc, an_older_schema_is_backed_up_as_it_is);
	tcase_add_test(tc, one_at_a_time_works_beside_the_database);
	tcase_add_test(tc, a_database_in_use_is_no_backup);
	tcase_add_test(tc, a_log_comes_along);
	tcase_add_loop_test(tc, a_restore_that_is_cut_short_has_changed_nothing, 0, 2);
	return kit_run("ipamd/backup", tc);
}
