/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
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
#include "daemons/ipamd/store_sql.h"
#include "tests/unit/kit.h"

#define NOW 1700000000

static struct store *
open_store(const char *path)
{
	struct store *st = NULL;
	struct err e = { .text = "" };

	ck_assert_msg(store_open(path, &st, &e) == 0, "%s", e.text);
	return st;
}

static int
refused_store(const char *path, struct err *e)
{
	struct store *st = NULL;
	int rc = store_open(path, &st, e);

	ck_assert_ptr_null(st);
	return rc;
}

/* The first column of the first row. */
static const char *
look(const char *path, const char *sql)
{
	static char out[2048];
	sqlite3_stmt *s = NULL;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK, "%s: %s", sql,
	    sqlite3_errmsg(db));
	out[0] = '\0';
	if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_text(s, 0) != NULL)
		snprintf(out, sizeof(out), "%s", (const char *) sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	sqlite3_close(db);
	return out;
}

static void
run(const char *path, const char *sql)
{
	char *error = NULL;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &error) == SQLITE_OK, "%s: %s", sql, error);
	sqlite3_close(db);
}

/* Node number i, bound to 10.1.1.i + 1 (and on from 10.1.2.1). */
static struct store_node
make_node(unsigned i)
{
	struct store_node n = { .net = STORE_NET_DEFAULT };
	char text[IP_TEXT_MAX];

	snprintf(n.id, sizeof(n.id), "n-%u", i);
	snprintf(n.token, sizeof(n.token), "token-%u", i);
	snprintf(text, sizeof(text), "10.1.%u.%u", 1 + i / 200, i % 200 + 1);
	ck_assert_int_eq(ip_parse(text, &n.addr), 0);
	return n;
}

static struct store_node
add_node(struct store *st, unsigned i, int64_t now_s)
{
	struct store_node n = make_node(i);

	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_add(st, &n, now_s), 0);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_commit(st), 0);
	return n;
}

static void
use(struct store *st, const char *id, enum node_state state, int64_t now_s)
{
	struct store_node n;

	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_by_id(st, id, &n), 0);
	ck_assert_int_eq(store_node_session(st, &n, state, 1, 0, now_s), 0);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_commit(st), 0);
}

static void
check_oldest(struct store *st, const char *id)
{
	struct store_node n;

	ck_assert_int_eq(store_node_oldest(st, STORE_NET_DEFAULT, &n), id == NULL ? -ENOENT : 0);
	if (id != NULL)
		ck_assert_str_eq(n.id, id);
}

/* --- the schema -------------------------------------------------------------------------------- */

static const char *const seed_columns[] = {
	"id INTEGER", "token TEXT", "state INTEGER", "bind_ip TEXT", "create_time timestamp",
	"update_time timestamp",
};

START_TEST(the_seeds_columns_come_first)
{
	const char *path = KIT_PATH("columns.db");
	char sql[128];

	store_close(open_store(path));
	snprintf(sql, sizeof(sql), "select name || ' ' || type from pragma_table_info('vpn_mgr')"
	    " where cid=%d", _i);
	ck_assert_str_eq(look(path, sql), seed_columns[_i]);
}
END_TEST

START_TEST(the_seeds_words_are_kept)
{
	static const char *const words[] = {
		"\"id\"          integer primary key autoincrement",
		"\"token\"       text not null unique",
		"\"state\"       integer not null",
		"\"bind_ip\"     text not null default \"\"",
		"\"create_time\" timestamp default (datetime(CURRENT_TIMESTAMP, 'localtime'))",
		"\"update_time\" timestamp default (datetime(CURRENT_TIMESTAMP, 'localtime'))",
	};
	const char *path = KIT_PATH("words.db"), *sql;

	store_close(open_store(path));
	sql = look(path, "select sql from sqlite_master where name='vpn_mgr'");
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		ck_assert_msg(strstr(sql, words[i]) != NULL, "%s in %s", words[i], sql);
	ck_assert_str_eq(look(path, "select sql from sqlite_master where name='update_time_trigger'"),
	    "CREATE TRIGGER update_time_trigger"
	    " UPDATE OF id,token,state,bind_ip,create_time ON vpn_mgr\n"
	    "BEGIN\n"
	    "    UPDATE vpn_mgr SET update_time=datetime(CURRENT_TIMESTAMP, 'localtime')"
	    " WHERE id=OLD.id;\n"
	    "END");
}
END_TEST

START_TEST(the_trigger_works_for_those_who_write_by_hand)
{
	const char *path = KIT_PATH("hand.db");
	struct store *st = open_store(path);

	add_node(st, 1, NOW);
	run(path, "update vpn_mgr set state=-1 where token='token-1'");
	ck_assert_str_eq(look(path, "select abs(julianday(update_time) -"
	    " julianday(datetime('now', 'localtime'))) < 0.001 from vpn_mgr"), "1");
	store_close(st);
}
END_TEST

static const struct {
	const char *what;
	enum store_stmt stmt;
	const char *plan;	/* the start of its first step */
} plans[] = {
	{ "reclaim", SQL_NODE_OLDEST, "SEARCH vpn_mgr USING INDEX vpn_mgr_lru (net_id=?)" },
	{ "token", SQL_NODE_BY_TOKEN, "SEARCH vpn_mgr USING INDEX sqlite_autoindex_vpn_mgr_1" },
	{ "id", SQL_NODE_BY_ID, "SEARCH vpn_mgr USING INDEX vpn_mgr_node" },
	{ "keys", SQL_NODE_BY_KEYS, "SEARCH vpn_mgr USING INDEX vpn_mgr_keys" },
	{ "sweep", SQL_NODES_EXPIRED, "SEARCH vpn_mgr USING INDEX vpn_mgr_unattached" },
	{ "list", SQL_NODE_LIST, "SEARCH vpn_mgr USING INTEGER PRIMARY KEY" },
	{ "load", SQL_BINDINGS, "SEARCH vpn_mgr USING INTEGER PRIMARY KEY" },
	{ "bound", SQL_COUNT_BOUND, "SEARCH vpn_mgr USING COVERING INDEX vpn_mgr_address" },
	{ "unbound", SQL_COUNT_UNBOUND, "SEARCH vpn_mgr USING COVERING INDEX vpn_mgr_unbound" },
	{ "connected", SQL_COUNT_CONNECTED, "SEARCH vpn_mgr USING COVERING INDEX vpn_mgr_live" },
	{ "secret", SQL_TOKEN_BY_HASH,
	    "SEARCH bootstrap_tokens USING INDEX sqlite_autoindex_bootstrap_tokens_2" },
	{ "promise", SQL_TOKEN_BY_PROMISE,
	    "SEARCH bootstrap_tokens USING INDEX bootstrap_promise" },
	{ "sweep tokens", SQL_TOKENS_EXPIRED,
	    "SEARCH bootstrap_tokens USING INDEX bootstrap_expiry" },
};

START_TEST(nothing_is_searched_row_by_row)
{
	const char *path = KIT_PATH("plans.db");
	char sql[1024];
	sqlite3_stmt *s;
	sqlite3 *db;

	store_close(open_store(path));
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	snprintf(sql, sizeof(sql), "explain query plan %s", store_sql[plans[_i].stmt]);
	ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
	sql[0] = '\0';
	strncat(sql, (const char *) sqlite3_column_text(s, 3), sizeof(sql) - 1);
	ck_assert_msg(strncmp(sql, plans[_i].plan, strlen(plans[_i].plan)) == 0, "%s: %s",
	    plans[_i].what, sql);
	/* A sort would be a second step. */
	ck_assert_msg(sqlite3_step(s) == SQLITE_DONE, "%s: more than one step", plans[_i].what);
	sqlite3_finalize(s);
	sqlite3_close(db);
}
END_TEST

START_TEST(the_database_refuses_duplicates_itself)
{
	const char *path = KIT_PATH("dup.db");
	struct store *st = open_store(path);
	struct store_node a = add_node(st, 1, NOW), b = make_node(2), c = make_node(1);

	b.addr = a.addr;
	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_add(st, &b, NOW), -EEXIST);
	ck_assert_int_eq(store_node_add(st, &c, NOW), -EEXIST);
	b.addr = (struct ip_addr){ 0 };
	ck_assert_int_eq(store_node_add(st, &b, NOW), 0);	/* the request goes on */
	b.addr = a.addr;
	ck_assert_int_eq(store_node_bind(st, &b, NOW), -EEXIST);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_commit(st), 0);
	ck_assert_str_eq(look(path, "select group_concat(bind_ip, ' ') from vpn_mgr"), "10.1.1.2 ");
	store_close(st);
}
END_TEST

/* --- files ------------------------------------------------------------------------------------- */

START_TEST(only_its_owner_reads_the_database)
{
	const char *path = KIT_PATH("mode.db");
	struct store *st;
	struct stat s;

	fclose(fopen(path, "w"));
	chmod(path, 0644);	/* as an administrator may have restored it */
	st = open_store(path);
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
	struct store *st = open_store(path);
	struct err e;

	ck_assert_int_eq(refused_store(path, &e), -EBUSY);
	ck_assert_ptr_nonnull(strstr(e.text, "another ipamd"));
	store_close(st);
	store_close(open_store(path));
}
END_TEST

START_TEST(a_newer_schema_is_refused)
{
	const char *path = KIT_PATH("newer.db");
	struct err e;

	store_close(open_store(path));
	run(path, "pragma user_version=999");
	ck_assert_int_eq(refused_store(path, &e), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(e.text, "999"));
	ck_assert_str_eq(look(path, "pragma user_version"), "999");
}
END_TEST

START_TEST(what_is_no_database_is_refused)
{
	struct err e;

	ck_assert_int_eq(refused_store(kit_write("text.db", "this is a letter, not a database; it "
	    "is long enough to have a header of a hundred bytes, but it has none: xxxxxxxxxx\n",
	    0600), &e), -EIO);
	ck_assert_ptr_nonnull(strstr(e.text, "text.db"));
	ck_assert_int_eq(refused_store(kit_dir(), &e), -EISDIR);
	ck_assert_int_eq(refused_store("/nowhere/x.db", &e), -ENOENT);
}
END_TEST

START_TEST(a_symbolic_link_is_not_followed)
{
	struct err e;

	ck_assert_int_eq(symlink("/etc/passwd", KIT_PATH("link.db")), 0);
	ck_assert_int_eq(refused_store(KIT_PATH("link.db"), &e), -ELOOP);
}
END_TEST

START_TEST(rows_of_the_bare_table_become_nodes)
{
	const char *path = KIT_PATH("bare.db");
	struct store_node n;
	struct store *st;

	run(path, "create table \"vpn_mgr\" (\"id\" integer primary key autoincrement,"
	    " \"token\" text not null unique, \"state\" integer not null,"
	    " \"bind_ip\" text not null default \"\","
	    " \"create_time\" timestamp default (datetime(CURRENT_TIMESTAMP, 'localtime')),"
	    " \"update_time\" timestamp default (datetime(CURRENT_TIMESTAMP, 'localtime')));"
	    "insert into vpn_mgr(token, state, bind_ip, update_time)"
	    " values('0123456789abcdef', -1, '10.1.1.9', '2020-02-02 02:02:02'),"
	    " ('reserverd', -1, '', '2020-02-02 02:02:03');");
	st = open_store(path);
	ck_assert_int_eq(store_node_by_token(st, "0123456789abcdef", &n), 0);
	ck_assert_uint_eq(strlen(n.id), strlen("n-0123456789ab"));
	ck_assert_str_eq(IP_TEXT(&n.addr), "10.1.1.9");
	ck_assert(n.attached && !n.reserved);
	ck_assert_int_eq(store_node_by_id(st, "reserverd", &n), 0);
	ck_assert(n.reserved);
	store_close(st);
	ck_assert_str_eq(look(path, "select update_time from vpn_mgr"), "2020-02-02 02:02:02");
}
END_TEST

/* --- requests that share a commit --------------------------------------------------------------- */

START_TEST(a_refused_request_leaves_nothing_behind)
{
	const char *path = KIT_PATH("refused.db");
	struct store *st = open_store(path);
	struct store_node a = make_node(1), b = make_node(2), c = make_node(3);

	ck_assert_int_eq(store_due(st), STORE_NOTHING);
	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_add(st, &a, NOW), 0);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_add(st, &b, NOW), 0);
	ck_assert_int_eq(store_node_delete(st, a.row), 0);
	ck_assert_int_eq(store_refuse(st), 0);
	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_add(st, &c, NOW), 0);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_due(st), STORE_NOW);
	ck_assert_str_eq(look(path, "select count(*) from vpn_mgr"), "0");
	ck_assert_int_eq(store_commit(st), 0);
	ck_assert_int_eq(store_due(st), STORE_NOTHING);
	ck_assert_str_eq(look(path, "select group_concat(token, ' ') from vpn_mgr"),
	    "token-1 token-3");
	store_close(st);
}
END_TEST

START_TEST(a_state_may_wait_for_the_commit_of_others)
{
	struct store *st = open_store(KIT_PATH("due.db"));
	struct store_node n = add_node(st, 1, NOW);

	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_session(st, &n, NODE_CONNECTING, 1, 0, NOW), 0);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_due(st), STORE_NOW);	/* the first: it does not expire any more */
	ck_assert_int_eq(store_commit(st), 0);
	ck_assert_int_eq(store_node_by_id(st, n.id, &n), 0);
	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_session(st, &n, NODE_CONNECTED, 1, 0, NOW), 0);
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
		struct store_node n = make_node(i);
		int rc;

		n.addr = (struct ip_addr){ 0 };
		memset(n.display_name, 'x', STORE_NAME_MAX);
		if ((rc = store_request(st)) == 0 && (rc = store_node_add(st, &n, NOW)) == 0)
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
	ck_assert_str_eq(look(path, "select count(*) from vpn_mgr"), expected);
	ck_assert_str_eq(look(path, "pragma integrity_check"), "ok");
}

START_TEST(an_io_error_ends_the_trust)
{
	const char *path = KIT_PATH("io.db");
	struct store *st = open_store(path);
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
	st = open_store(path);
	n = fill(st);
	ck_assert(!store_broken(st));
	check_rows(path, n);
	/* What takes no room still works. */
	ck_assert_int_eq(mount("none", dir, "tmpfs", MS_REMOUNT, "size=4m"), 0);
	add_node(st, 5000, NOW);
	check_rows(path, n + 1);
	store_close(st);
	umount(dir);
}
END_TEST

START_TEST(a_failure_dooms_the_whole_batch)
{
	const char *path = KIT_PATH("doom.db");
	struct store *st = open_store(path);
	struct store_node a = make_node(1), b = make_node(2);
	sqlite3 *other;

	ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(other, "begin immediate", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(store_request(st), -REASON_STORE_FAILED);
	ck_assert_int_eq(sqlite3_exec(other, "rollback", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	/* The lock is free again, but this batch is over. */
	ck_assert_int_eq(store_request(st), -REASON_STORE_FAILED);
	ck_assert_int_eq(store_node_add(st, &a, NOW), -REASON_STORE_FAILED);
	ck_assert_int_eq(store_due(st), STORE_NOW);
	ck_assert_int_eq(store_commit(st), -REASON_STORE_FAILED);
	ck_assert(!store_broken(st));
	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_add(st, &b, NOW), 0);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_commit(st), 0);
	ck_assert_str_eq(look(path, "select group_concat(token, ' ') from vpn_mgr"), "token-2");
	store_close(st);
}
END_TEST

/* --- the order of use -------------------------------------------------------------------------- */

START_TEST(equal_stamps_are_told_apart)
{
	struct store *st = open_store(KIT_PATH("ties.db"));

	for (unsigned i = 1; i <= 3; i++)
		add_node(st, i, NOW);
	check_oldest(st, "n-1");
	use(st, "n-1", NODE_IDLE, NOW);	/* in the same second */
	check_oldest(st, "n-2");
	use(st, "n-2", NODE_LOST, NOW);
	use(st, "n-3", NODE_CONNECTED, NOW);
	check_oldest(st, "n-1");
	store_close(st);
	st = open_store(KIT_PATH("ties.db"));
	use(st, "n-1", NODE_IDLE, NOW);	/* the number goes on where it was */
	check_oldest(st, "n-2");
	store_close(st);
}
END_TEST

static const struct {
	const char *what, *zone;
	int64_t before_s, after_s;
	const char *stamp;	/* of the later use */
} clocks[] = {
	{ "the clock is set back by a day", "UTC", NOW, NOW - 86400, "2023-11-14 22:13:20" },
	/* 2023-10-29 01:00 UTC: 03:00 becomes 02:00. */
	{ "summer time ends", "Europe/Berlin", 1698541100, 1698541300, "2023-10-29 02:58:20" },
	{ "time passes", "UTC", NOW, NOW + 1, "2023-11-14 22:13:21" },
};

START_TEST(stamps_never_decrease)
{
	const char *path = KIT_PATH("back.db");
	struct store *st;

	setenv("TZ", clocks[_i].zone, 1);
	tzset();
	remove(path);
	st = open_store(path);
	add_node(st, 1, clocks[_i].before_s);
	add_node(st, 2, clocks[_i].before_s);
	use(st, "n-1", NODE_IDLE, clocks[_i].after_s);
	ck_assert_str_eq(look(path, "select update_time from vpn_mgr where node_id='n-1'"),
	    clocks[_i].stamp);
	check_oldest(st, "n-2");
	store_close(st);
	st = open_store(path);	/* also when the newest stamp is known from the rows only */
	use(st, "n-2", NODE_IDLE, clocks[_i].after_s);
	check_oldest(st, "n-1");
	store_close(st);
}
END_TEST

START_TEST(all_are_idle_again_in_the_order_of_use)
{
	const char *path = KIT_PATH("idle.db");
	struct store *st = open_store(path);
	struct store_node n;

	for (unsigned i = 1; i <= 4; i++)
		add_node(st, i, NOW);
	use(st, "n-2", NODE_CONNECTED, NOW + 10);
	use(st, "n-1", NODE_CONNECTED, NOW + 10);
	use(st, "n-3", NODE_CONNECTING, NOW + 10);
	use(st, "n-4", NODE_IDLE, NOW + 20);
	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_unannounced(st, STORE_NO_ROUND, NOW + 30), 0);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_commit(st), 0);
	ck_assert_str_eq(look(path, "select group_concat(node_id, ' ') from (select node_id from"
	    " vpn_mgr order by update_time, lru_seq, id)"), "n-4 n-2 n-1 n-3");
	ck_assert_str_eq(look(path, "select group_concat(state || ',' || phase, ' ') from (select *"
	    " from vpn_mgr order by id)"), "-1,1 -1,1 -1,0 -1,2");
	ck_assert_int_eq(store_node_by_id(st, "n-1", &n), 0);
	ck_assert_int_eq(n.state, NODE_LOST);
	ck_assert_int_eq(n.seen_s, NOW + 30);
	use(st, "n-4", NODE_IDLE, NOW + 30);	/* the numbers that it took are not given again */
	check_oldest(st, "n-2");
	ck_assert_str_eq(look(path, "select count(distinct lru_seq) from vpn_mgr"), "4");
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
	st = open_store(path);
	check_oldest(st, NULL);
	add_node(st, 1, NOW);
	check_oldest(st, "n-1");
	run(path, not_reclaimable[_i].sql);
	check_oldest(st, NULL);
	store_close(st);
}
END_TEST

/* --- counters ---------------------------------------------------------------------------------- */

static uint32_t
boot(const char *path)
{
	struct store *st = open_store(path);
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
	run(path, "update counters set value=0; insert into vpn_mgr(token, state, epoch)"
	    " values('t', -1, (7 << 32) + 5)");
	ck_assert_uint_eq(boot(path), 8);
	ck_assert_uint_eq(boot(path), 9);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("store");

	tcase_set_timeout(tc, 60);
	KIT_ROWS(tc, the_seeds_columns_come_first, seed_columns);
	tcase_add_test(tc, the_seeds_words_are_kept);
	tcase_add_test(tc, the_trigger_works_for_those_who_write_by_hand);
	KIT_ROWS(tc, nothing_is_searched_row_by_row, plans);
	tcase_add_test(tc, the_database_refuses_duplicates_itself);
	tcase_add_test(tc, only_its_owner_reads_the_database);
	tcase_add_test(tc, a_second_ipamd_is_kept_out);
	tcase_add_test(tc, a_newer_schema_is_refused);
	tcase_add_test(tc, what_is_no_database_is_refused);
	tcase_add_test(tc, a_symbolic_link_is_not_followed);
	tcase_add_test(tc, rows_of_the_bare_table_become_nodes);
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
