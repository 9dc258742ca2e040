/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store_sqlite.h"

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
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/reason.h"
#include "tests/unit/ipamd/shelf.h"
#include "tests/unit/kit.h"

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
	    0600), &e), -EUCLEAN);
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

/* --- failure ---------------------------------------------------------------------------------- */

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
	    mount("none", "/", "", MS_REC | MS_PRIVATE, NULL) == 0 &&
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

/* sqlite's calls come by here on their way to the system. */
static unsigned syncs;

__attribute__((visibility("default"))) int
fdatasync(int fd)
{
	syncs++;
	return (int) syscall(SYS_fdatasync, fd);
}

__attribute__((visibility("default"))) int
fsync(int fd)
{
	syncs++;
	return (int) syscall(SYS_fsync, fd);
}

/* What was answered survives the loss of power: kill -9 could not tell. */
START_TEST(each_commit_waits_for_the_disk)
{
	struct store *st = shelf_open(KIT_PATH("sync.db"));

	for (unsigned i = 1; i <= 20; i++) {
		unsigned before = syncs;

		shelf_add(st, i, SHELF_NOW);
		ck_assert_uint_gt(syncs, before);
	}
	store_close(st);
}
END_TEST

/* --- the order of use ------------------------------------------------------------------------- */

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
	ck_assert_int_eq(store_unannounced(st, STORE_NO_ROUND, SHELF_NOW + 30), 3);
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

/* Node 1 is deleted, 2 and 3 are reclaimed, 4 goes with its network, 5 stays. */
START_TEST(keys_go_with_the_last_that_is_known_of_a_node)
{
	static const char nodes[] = "select group_concat(node) from enrollments";
	const char *path = KIT_PATH("keys.db");
	struct store_network net = { .name = "blue" };
	struct store_node n[6];
	struct store *st;

	remove(path);
	st = shelf_open(path);
	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_network_add(st, &net), 0);
	for (unsigned i = 1; i <= 5; i++) {
		n[i] = shelf_node(i);
		n[i].bootstrap = 7;
		n[i].net = i == 4 ? net.id : STORE_NET_DEFAULT;
		ck_assert_int_eq(store_node_add(st, &n[i], SHELF_NOW), 0);
	}
	ck_assert_int_eq(store_node_delete(st, &n[1]), 0);
	ck_assert_int_eq(store_node_steal(st, &n[2], SHELF_NOW), 0);
	ck_assert_int_eq(store_node_steal(st, &n[3], SHELF_NOW + 9), 0);
	ck_assert_int_eq(store_network_delete(st, net.id), 0);
	ck_assert_int_eq(store_commit(st), 0);
	ck_assert_str_eq(shelf_look(path, nodes), "2,3,5");
	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_forget(st, STORE_TOMBSTONES, SHELF_NOW + 1, 100, 8), 1);
	ck_assert_int_eq(store_commit(st), 0);
	ck_assert_str_eq(shelf_look(path, nodes), "3,5");
	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_forget(st, STORE_TOMBSTONES, 0, 0, 8), 1);
	ck_assert_int_eq(store_commit(st), 0);
	ck_assert_str_eq(shelf_look(path, nodes), "5");
	store_close(st);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("store_sqlite");

	tcase_set_timeout(tc, 60);	/* every commit waits for the disk */
	tcase_add_test(tc, only_its_owner_reads_the_database);
	tcase_add_test(tc, a_second_ipamd_is_kept_out);
	tcase_add_test(tc, what_is_no_database_is_refused);
	tcase_add_test(tc, a_symbolic_link_is_not_followed);
	tcase_add_test(tc, an_io_error_ends_the_trust);
	tcase_add_test(tc, a_full_disk_refuses_and_goes_on);
	tcase_add_test(tc, a_failure_dooms_the_whole_batch);
	tcase_add_test(tc, each_commit_waits_for_the_disk);
	KIT_ROWS(tc, stamps_never_decrease, clocks);
	tcase_add_test(tc, all_are_idle_again_in_the_order_of_use);
	KIT_ROWS(tc, not_every_row_is_reclaimable, not_reclaimable);
	tcase_add_test(tc, keys_go_with_the_last_that_is_known_of_a_node);
	return kit_run("ipamd/store_sqlite", tc);
}
