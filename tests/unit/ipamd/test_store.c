/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/reason.h"
#include "tests/unit/ipamd/shelf.h"
#include "tests/unit/kit.h"

START_TEST(the_database_refuses_duplicates_itself)
{
	const char *path = KIT_PATH("dup.db");
	struct store *st = shelf_open(path);
	struct store_node a = shelf_add(st, 1, SHELF_NOW), b = shelf_node(2), c = shelf_node(1);

	b.addr = a.addr;
	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_add(st, &b, SHELF_NOW), -EEXIST);
	ck_assert_int_eq(store_node_add(st, &c, SHELF_NOW), -EEXIST);
	b.addr = (struct ip_addr){ 0 };
	ck_assert_int_eq(store_node_add(st, &b, SHELF_NOW), 0);	/* the request goes on */
	b.addr = a.addr;
	ck_assert_int_eq(store_node_bind(st, &b, SHELF_NOW), -EEXIST);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_commit(st), 0);
	ck_assert_str_eq(shelf_look(path, "select group_concat(bind_ip, ' ') from vpn_mgr"),
	    "10.1.1.2 ");
	store_close(st);
}
END_TEST

/* --- files ------------------------------------------------------------------------------------ */

START_TEST(only_its_owner_reads_the_database)
{
	const char *path = KIT_PATH("mode.db");
	struct store *st;
	struct stat s;

	fclose(fopen(path, "w"));
	chmod(path, 0644);	/* as an administrator may have restored it */
	st = shelf_open(path);
	ck_assert_int_eq(stat(path, &s), 0);
	ck_assert_int_eq(s.st_mode & 0777, 0600);
	ck_assert_int_eq(stat(KIT_PATH("mode.db-wal"), &s), 0);
	ck_assert_int_eq(s.st_mode & 0777, 0600);
	store_close(st);
}
END_TEST

START_TEST(a_second_ipamd_is_kept_out)
{
	const char *path = KIT_PATH("lock.db");
	struct store *st = shelf_open(path);
	struct err e;

	ck_assert_int_eq(shelf_refused(path, &e), -EBUSY);
	ck_assert_ptr_nonnull(strstr(e.text, "another ipamd"));
	store_close(st);
	store_close(shelf_open(path));
}
END_TEST

START_TEST(what_is_no_database_is_refused)
{
	struct err e;

	ck_assert_int_eq(shelf_refused(kit_write("text.db", "this is a letter, not a database; it "
	    "is long enough to have a header of a hundred bytes, but it has none: xxxxxxxxxx\n",
	    0600), &e), -EIO);
	ck_assert_ptr_nonnull(strstr(e.text, "text.db"));
	ck_assert_int_eq(shelf_refused(kit_dir(), &e), -EISDIR);
	ck_assert_int_eq(shelf_refused("/nowhere/x.db", &e), -ENOENT);
}
END_TEST

START_TEST(a_symbolic_link_is_not_followed)
{
	struct err e;

	ck_assert_int_eq(symlink("/etc/passwd", KIT_PATH("link.db")), 0);
	ck_assert_int_eq(shelf_refused(KIT_PATH("link.db"), &e), -ELOOP);
}
END_TEST

/* --- requests that share a commit ------------------------------------------------------------- */

START_TEST(a_refused_request_leaves_nothing_behind)
{
	const char *path = KIT_PATH("refused.db");
	struct store *st = shelf_open(path);
	struct store_node a = shelf_node(1), b = shelf_node(2), c = shelf_node(3);

	ck_assert_int_eq(store_due(st), STORE_NOTHING);
	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_add(st, &a, SHELF_NOW), 0);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_add(st, &b, SHELF_NOW), 0);
	ck_assert_int_eq(store_node_delete(st, a.row), 0);
	ck_assert_int_eq(store_refuse(st), 0);
	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_add(st, &c, SHELF_NOW), 0);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_due(st), STORE_NOW);
	ck_assert_str_eq(shelf_look(path, "select count(*) from vpn_mgr"), "0");
	ck_assert_int_eq(store_commit(st), 0);
	ck_assert_int_eq(store_due(st), STORE_NOTHING);
	ck_assert_str_eq(shelf_look(path, "select group_concat(token, ' ') from vpn_mgr"),
	    "token-1 token-3");
	store_close(st);
}
END_TEST

START_TEST(a_state_may_wait_for_the_commit_of_others)
{
	struct store *st = shelf_open(KIT_PATH("due.db"));
	struct store_node n = shelf_add(st, 1, SHELF_NOW);

	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_session(st, &n, NODE_CONNECTING, 1, 0, SHELF_NOW), 0);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_due(st), STORE_NOW);	/* the first: it does not expire any more */
	ck_assert_int_eq(store_commit(st), 0);
	ck_assert_int_eq(store_node_by_id(st, n.id, &n), 0);
	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_session(st, &n, NODE_CONNECTED, 1, 0, SHELF_NOW), 0);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_due(st), STORE_SOON);
	store_close(st);
}
END_TEST

/* Adds nodes until the store fails, and returns how many were acknowledged. */
static unsigned
fill(struct store *st)
{
	unsigned acknowledged = 0;

	for (unsigned i = 0; i < 4000; i++) {
		struct store_node n = shelf_node(i);
		int rc;

		n.addr = (struct ip_addr){ 0 };
		memset(n.display_name, 'x', STORE_NAME_MAX);
		if ((rc = store_request(st)) == 0 && (rc = store_node_add(st, &n, SHELF_NOW)) == 0)
			rc = store_accept(st);
		if (store_due(st) != STORE_NOTHING && store_commit(st) < 0)
			return acknowledged;
		ck_assert_int_eq(rc, 0);
		acknowledged++;
	}
	ck_abort_msg("the store did not fail");
	return 0;
}

static void
check_rows(const char *path, unsigned acknowledged)
{
	char expected[16];

	snprintf(expected, sizeof(expected), "%u", acknowledged);
	ck_assert_str_eq(shelf_look(path, "select count(*) from vpn_mgr"), expected);
	ck_assert_str_eq(shelf_look(path, "pragma integrity_check"), "ok");
}

START_TEST(an_io_error_ends_the_trust)
{
	const char *path = KIT_PATH("io.db");
	struct store *st = shelf_open(path);
	struct rlimit small = { 256 * 1024, 256 * 1024 };
	unsigned n;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	n = fill(st);
	ck_assert(store_broken(st));
	ck_assert_str_ne(store_failure(st), "");
	ck_assert_int_eq(store_due(st), STORE_NOTHING);
	store_close(st);
	check_rows(path, n);
}
END_TEST

START_TEST(a_full_disk_refuses_and_goes_on)
{
	const char *dir = KIT_PATH("small");
	char path[KIT_PATH_MAX + 8];
	struct store *st;
	unsigned n;

	ck_assert_int_eq(mkdir(dir, 0700), 0);
	KIT_SKIP_UNLESS(geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("none", dir, "tmpfs", 0, "size=400k") == 0, "needs root to mount a small disk");
	snprintf(path, sizeof(path), "%s/full.db", dir);
	st = shelf_open(path);
	n = fill(st);
	ck_assert(!store_broken(st));
	check_rows(path, n);
	/* What takes no room still works. */
	ck_assert_int_eq(mount("none", dir, "tmpfs", MS_REMOUNT, "size=4m"), 0);
	shelf_add(st, 5000, SHELF_NOW);
	check_rows(path, n + 1);
	store_close(st);
	umount(dir);
}
END_TEST

START_TEST(a_failure_dooms_the_whole_batch)
{
	const char *path = KIT_PATH("doom.db");
	struct store *st = shelf_open(path);
	struct store_node a = shelf_node(1), b = shelf_node(2);
	sqlite3 *other;

	ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(other, "begin immediate", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(store_request(st), -REASON_STORE_FAILED);
	ck_assert_int_eq(sqlite3_exec(other, "rollback", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	/* The lock is free again, but this batch is over. */
	ck_assert_int_eq(store_request(st), -REASON_STORE_FAILED);
	ck_assert_int_eq(store_node_add(st, &a, SHELF_NOW), -REASON_STORE_FAILED);
	ck_assert_int_eq(store_due(st), STORE_NOW);
	ck_assert_int_eq(store_commit(st), -REASON_STORE_FAILED);
	ck_assert(!store_broken(st));
	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_add(st, &b, SHELF_NOW), 0);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_commit(st), 0);
	ck_assert_str_eq(shelf_look(path, "select group_concat(token, ' ') from vpn_mgr"),
	    "token-2");
	store_close(st);
}
END_TEST

/* --- the order of use ------------------------------------------------------------------------- */

START_TEST(equal_stamps_are_told_apart)
{
	struct store *st = shelf_open(KIT_PATH("ties.db"));

	for (unsigned i = 1; i <= 3; i++)
		shelf_add(st, i, SHELF_NOW);
	shelf_check_oldest(st, "n-1");
	shelf_use(st, "n-1", NODE_IDLE, SHELF_NOW);	/* in the same second */
	shelf_check_oldest(st, "n-2");
	shelf_use(st, "n-2", NODE_LOST, SHELF_NOW);
	shelf_use(st, "n-3", NODE_CONNECTED, SHELF_NOW);
	shelf_check_oldest(st, "n-1");
	store_close(st);
	st = shelf_open(KIT_PATH("ties.db"));
	shelf_use(st, "n-1", NODE_IDLE, SHELF_NOW);	/* the number goes on where it was */
	shelf_check_oldest(st, "n-2");
	store_close(st);
}
END_TEST

static const struct {
	const char *what, *zone;
	int64_t before_s, after_s;
	const char *stamp;	/* of the later use */
} clocks[] = {
	{ "the clock is set back by a day", "UTC", SHELF_NOW, SHELF_NOW - 86400,
	    "2023-11-14 22:13:20" },
	/* 2023-10-29 01:00 UTC: 03:00 becomes 02:00. */
	{ "summer time ends", "Europe/Berlin", 1698541100, 1698541300, "2023-10-29 02:58:20" },
	{ "time passes", "UTC", SHELF_NOW, SHELF_NOW + 1, "2023-11-14 22:13:21" },
};

START_TEST(stamps_never_decrease)
{
	const char *path = KIT_PATH("back.db");
	struct store *st;

	setenv("TZ", clocks[_i].zone, 1);
	tzset();
	remove(path);
	st = shelf_open(path);
	shelf_add(st, 1, clocks[_i].before_s);
	shelf_add(st, 2, clocks[_i].before_s);
	shelf_use(st, "n-1", NODE_IDLE, clocks[_i].after_s);
	ck_assert_str_eq(shelf_look(path, "select update_time from vpn_mgr where node_id='n-1'"),
	    clocks[_i].stamp);
	shelf_check_oldest(st, "n-2");
	store_close(st);
	st = shelf_open(path);	/* also when the newest stamp is known from the rows only */
	shelf_use(st, "n-2", NODE_IDLE, clocks[_i].after_s);
	shelf_check_oldest(st, "n-1");
	store_close(st);
}
END_TEST

START_TEST(all_are_idle_again_in_the_order_of_use)
{
	const char *path = KIT_PATH("idle.db");
	struct store *st = shelf_open(path);
	struct store_node n;

	for (unsigned i = 1; i <= 4; i++)
		shelf_add(st, i, SHELF_NOW);
	shelf_use(st, "n-2", NODE_CONNECTED, SHELF_NOW + 10);
	shelf_use(st, "n-1", NODE_CONNECTED, SHELF_NOW + 10);
	shelf_use(st, "n-3", NODE_CONNECTING, SHELF_NOW + 10);
	shelf_use(st, "n-4", NODE_IDLE, SHELF_NOW + 20);
	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_unannounced(st, STORE_NO_ROUND, SHELF_NOW + 30), 0);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_commit(st), 0);
	ck_assert_str_eq(shelf_look(path, "select group_concat(node_id, ' ') from (select node_id"
	    " from vpn_mgr order by update_time, lru_seq, id)"), "n-4 n-2 n-1 n-3");
	ck_assert_str_eq(shelf_look(path, "select group_concat(state || ',' || phase, ' ')"
	    " from (select * from vpn_mgr order by id)"), "-1,1 -1,1 -1,0 -1,2");
	ck_assert_int_eq(store_node_by_id(st, "n-1", &n), 0);
	ck_assert_int_eq(n.state, NODE_LOST);
	ck_assert_int_eq(n.seen_s, SHELF_NOW + 30);
	shelf_use(st, "n-4", NODE_IDLE, SHELF_NOW + 30);	/* takes a number of its own */
	shelf_check_oldest(st, "n-2");
	ck_assert_str_eq(shelf_look(path, "select count(distinct lru_seq) from vpn_mgr"), "4");
	store_close(st);
}
END_TEST

static const struct {
	const char *what, *sql;
} not_reclaimable[] = {
	{ "connected", "update vpn_mgr set state=3" },
	{ "connecting", "update vpn_mgr set state=1" },
	{ "unbound", "update vpn_mgr set bind_ip=''" },
	{ "reserved", "update vpn_mgr set reserved=1" },
	{ "fixed", "update vpn_mgr set fixed=1" },
	{ "stale", "update vpn_mgr set stale=1" },
	{ "of another network", "insert into networks(name) values('x');"
	    "update vpn_mgr set net_id=2" },
};

START_TEST(not_every_row_is_reclaimable)
{
	const char *path = KIT_PATH("not.db");
	struct store *st;

	remove(path);
	st = shelf_open(path);
	shelf_check_oldest(st, NULL);
	shelf_add(st, 1, SHELF_NOW);
	shelf_check_oldest(st, "n-1");
	shelf_run(path, not_reclaimable[_i].sql);
	shelf_check_oldest(st, NULL);
	store_close(st);
}
END_TEST

/* --- counters --------------------------------------------------------------------------------- */

static uint32_t
boot(const char *path)
{
	struct store *st = shelf_open(path);
	uint32_t n;

	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_boot(st, &n), 0);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_commit(st), 0);
	store_close(st);
	return n;
}

START_TEST(starts_are_counted)
{
	const char *path = KIT_PATH("boot.db");

	ck_assert_uint_eq(boot(path), 1);
	ck_assert_uint_eq(boot(path), 2);
	/* A counter of an older copy does not let epochs fall. */
	shelf_run(path, "update counters set value=0; insert into vpn_mgr(token, state, epoch)"
	    " values('t', -1, (7 << 32) + 5)");
	ck_assert_uint_eq(boot(path), 8);
	ck_assert_uint_eq(boot(path), 9);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("store");

	tcase_set_timeout(tc, 60);	/* every commit waits for the disk */
	tcase_add_test(tc, the_database_refuses_duplicates_itself);
	tcase_add_test(tc, only_its_owner_reads_the_database);
	tcase_add_test(tc, a_second_ipamd_is_kept_out);
	tcase_add_test(tc, what_is_no_database_is_refused);
	tcase_add_test(tc, a_symbolic_link_is_not_followed);
	tcase_add_test(tc, a_refused_request_leaves_nothing_behind);
	tcase_add_test(tc, a_state_may_wait_for_the_commit_of_others);
	tcase_add_test(tc, an_io_error_ends_the_trust);
	tcase_add_test(tc, a_full_disk_refuses_and_goes_on);
	tcase_add_test(tc, a_failure_dooms_the_whole_batch);
	tcase_add_test(tc, equal_stamps_are_told_apart);
	KIT_ROWS(tc, stamps_never_decrease, clocks);
	tcase_add_test(tc, all_are_idle_again_in_the_order_of_use);
	KIT_ROWS(tc, not_every_row_is_reclaimable, not_reclaimable);
	tcase_add_test(tc, starts_are_counted);
	return kit_run("ipamd/store", tc);
}
