/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/migrate.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "daemons/ipamd/snapshot.h"
#include "daemons/ipamd/store_sql.h"
#include "tests/unit/ipamd/shelf.h"
#include "tests/unit/kit.h"

/* The schema, as a new database has it and as an old one gets it. */

static const char *const seed_columns[] = {
	"id INTEGER", "token TEXT", "state INTEGER", "bind_ip TEXT", "create_time timestamp",
	"update_time timestamp",
};

START_TEST(the_seeds_columns_come_first)
{
	const char *path = KIT_PATH("columns.db");
	char sql[128];

	store_close(shelf_open(path));
	snprintf(sql, sizeof(sql), "select name || ' ' || type from pragma_table_info('vpn_mgr')"
	    " where cid=%d", _i);
	ck_assert_str_eq(shelf_look(path, sql), seed_columns[_i]);
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

	store_close(shelf_open(path));
	sql = shelf_look(path, "select sql from sqlite_master where name='vpn_mgr'");
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		ck_assert_msg(strstr(sql, words[i]) != NULL, "%s in %s", words[i], sql);
	ck_assert_str_eq(shelf_look(path, "select sql from sqlite_master where type='trigger'"),
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
	struct store *st = shelf_open(path);

	shelf_add(st, 1, SHELF_NOW);
	shelf_run(path, "update vpn_mgr set state=-1 where token='token-1'");
	ck_assert_str_eq(shelf_look(path, "select abs(julianday(update_time) -"
	    " julianday(datetime('now', 'localtime'))) < 0.001 from vpn_mgr"), "1");
	store_close(st);
}
END_TEST

static const struct {
	const char *what;
	enum store_stmt stmt;
	const char *plan;	/* the start of its first step */
} plans[] = {
	{ "reclaim", SQL_NODE_VICTIMS, "SEARCH vpn_mgr USING INDEX vpn_mgr_lru (net_id=?)" },
	{ "token", SQL_NODE_BY_TOKEN, "SEARCH vpn_mgr USING INDEX sqlite_autoindex_vpn_mgr_1" },
	{ "id", SQL_NODE_BY_ID, "SEARCH vpn_mgr USING INDEX vpn_mgr_node" },
	{ "keys", SQL_NODE_BY_KEYS, "SEARCH enrollments USING INDEX enrollments_keys" },
	{ "sweep", SQL_NODES_EXPIRED, "SEARCH vpn_mgr USING INDEX vpn_mgr_unattached" },
	{ "list", SQL_NODE_LIST, "SEARCH vpn_mgr USING INTEGER PRIMARY KEY" },
	{ "load", SQL_BINDINGS, "SEARCH vpn_mgr USING INTEGER PRIMARY KEY" },
	{ "bound", SQL_COUNT_BOUND, "SEARCH vpn_mgr USING COVERING INDEX vpn_mgr_address" },
	{ "unbound", SQL_COUNT_UNBOUND, "SEARCH vpn_mgr USING COVERING INDEX vpn_mgr_unbound" },
	{ "connected", SQL_COUNT_CONNECTED, "SEARCH vpn_mgr USING COVERING INDEX vpn_mgr_live" },
	{ "secret", SQL_TOKEN_BY_HASH,
	    "SEARCH bootstrap_tokens USING INDEX sqlite_autoindex_bootstrap_tokens_2" },
	{ "address", SQL_NODE_BY_ADDR, "SEARCH vpn_mgr USING INDEX vpn_mgr_address" },
	{ "kept address", SQL_HOLD_BY_ADDR, "SEARCH holds USING INDEX holds_address" },
	{ "reservation", SQL_HOLD_BY_NAME, "SEARCH holds USING INDEX holds_name" },
	{ "promise", SQL_HOLD_BY_TOKEN, "SEARCH holds USING INDEX holds_token" },
	{ "sweep kept addresses", SQL_HOLDS_EXPIRED, "SEARCH holds USING INDEX holds_end" },
	{ "load kept addresses", SQL_HOLD_LIST, "SEARCH holds USING INTEGER PRIMARY KEY" },
	{ "count kept addresses", SQL_HOLD_COUNTS, "SEARCH holds USING COVERING INDEX holds_kind" },
	{ "tombstone", SQL_TOMBSTONE,
	    "SEARCH tombstones USING INDEX sqlite_autoindex_tombstones_1" },
	{ "answer", SQL_REPLY_BY_DIGEST, "SEARCH replies USING INDEX sqlite_autoindex_replies_1" },
	{ "sweep tokens", SQL_TOKENS_EXPIRED,
	    "SEARCH bootstrap_tokens USING INDEX bootstrap_expiry" },
};

START_TEST(nothing_is_searched_row_by_row)
{
	const char *path = KIT_PATH("plans.db");
	char sql[1024];
	sqlite3_stmt *s;
	sqlite3 *db;

	store_close(shelf_open(path));
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	snprintf(sql, sizeof(sql), "explain query plan %s", store_sql[plans[_i].stmt]);
	ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
	sql[0] = '\0';
	strncat(sql, (const char *) sqlite3_column_text(s, 3), sizeof(sql) - 1);
	ck_assert_msg(strncmp(sql, plans[_i].plan, strlen(plans[_i].plan)) == 0, "%s: %s",
	    plans[_i].what, sql);
	/* A sort would be a step of its own; a join looks for one row. */
	while (sqlite3_step(s) == SQLITE_ROW)
		ck_assert_msg(strstr((const char *) sqlite3_column_text(s, 3), "PRIMARY KEY") !=
		    NULL, "%s: %s", plans[_i].what, sqlite3_column_text(s, 3));
	sqlite3_finalize(s);
	sqlite3_close(db);
}
END_TEST

/* --- databases that were there before --------------------------------------------------------- */

#define SEED_TABLE(name)                                                                           \
	"create table if not exists \"" name "\" (\"id\" integer primary key autoincrement,"          \
	" \"token\" text not null unique, \"state\" integer not null,"                             \
	" \"bind_ip\" text not null default \"\","                                                 \
	" \"create_time\" timestamp default (datetime(CURRENT_TIMESTAMP, 'localtime')),"           \
	" \"update_time\" timestamp default (datetime(CURRENT_TIMESTAMP, 'localtime')));"          \
	"CREATE TRIGGER if not exists update_time_trigger"                                         \
	" UPDATE OF id,token,state,bind_ip,create_time ON " name                                   \
	" BEGIN UPDATE " name " SET update_time=datetime(CURRENT_TIMESTAMP, 'localtime')"          \
	" WHERE id=OLD.id; END;"
#define SEED_ROWS(name)                                                                            \
	"insert into " name "(token, state, bind_ip, create_time, update_time) values"             \
	" ('0123456789abcdef', -1, '10.1.1.9', '2020-01-01 01:01:01', '2020-02-02 02:02:02'),"     \
	" ('fedcba9876543210', 3, '10.1.1.10', '2020-01-01 01:01:01', '2020-02-02 02:02:03'),"     \
	" ('00000000000000aa', -1, '', '2020-01-01 01:01:01', '2020-01-01 01:01:01'),"             \
	" ('reserverd', -1, '', '2020-02-02 02:02:03', '2020-02-02 02:02:03');"

static const struct {
	const char *name, *sql;
} seeds[] = {
	{ "vpn_mgr", SEED_TABLE("vpn_mgr") SEED_ROWS("vpn_mgr") },
	{ "network_mgr", SEED_TABLE("network_mgr") SEED_ROWS("network_mgr") },
};

static void
fresh(const char *path)
{
	char command[3 * KIT_PATH_MAX];

	snprintf(command, sizeof(command), "rm -f %s %s.* %s-*", path, path, path);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(rows_of_the_bare_table_become_nodes)
{
	const char *path = KIT_PATH("bare.db");
	struct store_node n;
	struct store *st;

	fresh(path);
	shelf_run(path, seeds[_i].sql);
	st = shelf_open(path);
	ck_assert_int_eq(store_node_by_token(st, "0123456789abcdef", &n), 0);
	ck_assert_uint_eq(strlen(n.id), strlen("n-0123456789ab"));
	ck_assert_str_eq(IP_TEXT(&n.addr), "10.1.1.9");
	ck_assert(n.attached && !n.reserved && n.state == NODE_IDLE);
	ck_assert_int_eq(store_node_by_token(st, "fedcba9876543210", &n), 0);
	ck_assert_str_eq(IP_TEXT(&n.addr), "10.1.1.10");
	ck_assert_int_eq(store_node_by_token(st, "00000000000000aa", &n), 0);
	ck_assert(n.addr.family == 0 && !n.attached && n.state == NODE_NEVER);
	ck_assert_int_eq(store_node_by_id(st, "reserverd", &n), 0);
	ck_assert(n.reserved);
	store_close(st);
	ck_assert_str_eq(shelf_look(path, "select group_concat(update_time) from vpn_mgr"),
	    "2020-02-02 02:02:02,2020-02-02 02:02:03,2020-01-01 01:01:01,2020-02-02 02:02:03");
	ck_assert_str_eq(shelf_look(path, "select count(*) from sqlite_master where name in"
	    " ('network_mgr', 'token_mgr')"), "0");
	ck_assert_str_eq(shelf_look(path, "select tbl_name from sqlite_master where type='trigger'"),
	    "vpn_mgr");
}
END_TEST

START_TEST(an_address_that_two_rows_have_stays_with_the_later_used)
{
	const char *path = KIT_PATH("twice.db");

	fresh(path);
	shelf_run(path, SEED_TABLE("vpn_mgr")
	    "insert into vpn_mgr(token, state, bind_ip, update_time) values"
	    " ('a', -1, '10.1.1.9', '2020-02-02 02:02:02'),"
	    " ('b', -1, '10.1.1.9', '2020-02-02 02:02:04'),"
	    " ('c', -1, '10.1.1.9', '2020-02-02 02:02:03'),"
	    " ('d', 7, 'garbage', null);");
	store_close(shelf_open(path));
	ck_assert_str_eq(shelf_look(path, "select group_concat(token || bind_ip || state)"
	    " from vpn_mgr"), "a-1,b10.1.1.9-1,c-1,d-1");
	ck_assert_str_eq(shelf_look(path, "select update_time=create_time from vpn_mgr"
	    " where token='d'"), "1");
}
END_TEST

START_TEST(bootstrap_tokens_of_the_later_table_are_good)
{
	const char *path = KIT_PATH("tokens.db");
	uint8_t hash[SECRET_HASH_LEN];
	struct store_token t;
	struct store *st;

	fresh(path);
	shelf_run(path, SEED_TABLE("network_mgr") SEED_ROWS("network_mgr")
	    "create table token_mgr(\"id\" integer primary key autoincrement,"
	    " \"token\" text not null unique, \"expire_time\" timestamp,"
	    " \"create_time\" timestamp, \"update_time\" timestamp);"
	    "insert into token_mgr(token, expire_time) values('for-ever', -1),"
	    " ('for-once', datetime(1700000000, 'unixepoch', 'localtime')), ('broken', null)");
	st = shelf_open(path);
	secret_hash("for-ever", hash);
	ck_assert_int_eq(store_token_by_hash(st, hash, &t), 0);
	ck_assert_int_gt(t.expire_s, time(NULL) + 300 * 24 * 3600);
	ck_assert_uint_gt(t.uses_left, 1);
	secret_hash("for-once", hash);
	ck_assert_int_eq(store_token_by_hash(st, hash, &t), 0);
	ck_assert_int_eq(t.expire_s, 1700000000);
	secret_hash("broken", hash);
	ck_assert_int_eq(store_token_by_hash(st, hash, &t), 0);
	ck_assert_int_eq(t.expire_s, 0);
	store_close(st);
	ck_assert_str_eq(shelf_look(path, "select count(*) from vpn_mgr"), "4");
}
END_TEST

/* Node 1 enrolled with keys; 2 did in a way that does not tell them. */
START_TEST(keys_of_enrollments_move_into_their_table)
{
	const char *path = KIT_PATH("keys.db");

	fresh(path);
	store_close(shelf_open(path));
	shelf_run(path, "drop table enrollments; alter table tombstones drop column node;"
	    "alter table vpn_mgr add column bootstrap_id integer;"
	    "alter table vpn_mgr add column grpc_spki blob;"
	    "alter table vpn_mgr add column vpn_spki blob;"
	    "create index vpn_mgr_keys on vpn_mgr(bootstrap_id, grpc_spki);"
	    "insert into vpn_mgr(id, token, node_id, state, bootstrap_id, grpc_spki, vpn_spki)"
	    " values(11, 'a', 'n-1', -1, 7, zeroblob(32), zeroblob(32)),"
	    " (12, 'b', 'n-2', -1, null, null, null); pragma user_version=4");
	store_close(shelf_open(path));
	ck_assert_str_eq(shelf_look(path, "select group_concat(node || ' ' || bootstrap_id || ' ' ||"
	    " length(grpc_spki) || ' ' || length(vpn_spki)) from enrollments"), "11 7 32 32");
	ck_assert_str_eq(shelf_look(path, "select count(*) from pragma_table_info('vpn_mgr')"
	    " where name like '%spki' or name='bootstrap_id'"), "0");
	ck_assert_str_eq(shelf_look(path, "select count(*) from vpn_mgr"), "2");
}
END_TEST

/* --- the way back ----------------------------------------------------------------------------- */

START_TEST(a_snapshot_has_what_was_there_before)
{
	const char *path = KIT_PATH("before.db");
	char snapshot[DBFILE_PATH_MAX], command[2 * DBFILE_PATH_MAX];
	struct stat s;

	fresh(path);
	shelf_run(path, seeds[0].sql);
	store_close(shelf_open(path));
	snapshot_find(path, 0, snapshot);
	ck_assert_ptr_nonnull(strstr(snapshot, "before.db.step1-20"));
	ck_assert_int_eq(stat(snapshot, &s), 0);
	ck_assert_int_eq(s.st_mode & 0777, 0600);
	ck_assert_str_eq(shelf_look(snapshot, "select count(*) from vpn_mgr"), "4");
	ck_assert_str_eq(shelf_look(snapshot, "pragma user_version"), "0");
	ck_assert_str_eq(shelf_look(snapshot, "pragma integrity_check"), "ok");
	ck_assert_str_eq(shelf_look(snapshot, "pragma journal_mode"), "delete");
	/* One for each step; and none when there is nothing to do. */
	snprintf(command, sizeof(command), "test $(ls %s.step* | wc -l) = %d", path,
	    (int) migrate_version);
	ck_assert_int_eq(system(command), 0);
	store_close(shelf_open(path));
	ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(a_new_database_needs_none)
{
	const char *path = KIT_PATH("new.db");
	char snapshot[DBFILE_PATH_MAX];

	fresh(path);
	store_close(shelf_open(path));
	snapshot_find(path, 0, snapshot);
	ck_assert_str_eq(snapshot, "");
}
END_TEST

START_TEST(a_newer_schema_is_refused)
{
	const char *path = KIT_PATH("newer.db");
	char snapshot[DBFILE_PATH_MAX], later[DBFILE_PATH_MAX];
	struct err e;
	FILE *f;

	fresh(path);
	store_close(shelf_open(path));
	shelf_run(path, "pragma user_version=999");
	ck_assert_int_eq(shelf_refused(path, &e), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(e.text, "version 999"));
	ck_assert_ptr_nonnull(strstr(e.text, "no snapshot"));
	ck_assert_str_eq(shelf_look(path, "pragma user_version"), "999");
	/* The newer ipamd has taken some; of use here is the one that this one can read. */
	snprintf(snapshot, sizeof(snapshot), "%s.step%d-20310101T000000.000Z", path,
	    (int) migrate_version + 1);
	snprintf(later, sizeof(later), "%s.step999-20310102T000000.000Z", path);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_ptr_nonnull(f = fopen(i == 0 ? snapshot : later, "w"));
		fclose(f);
	}
	ck_assert_int_eq(shelf_refused(path, &e), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(e.text, snapshot));
}
END_TEST

/* --- cut short -------------------------------------------------------------------------------- */

static const struct {
	const char *what;
	bool killed;	/* else the write fails, as on a full disk */
} cuts[] = {
	{ "killed", true },
	{ "disk full", false },
};

struct cut {
	const char *path;
	rlim_t limit;
	bool killed;
};

/* Files cannot grow past the limit: the write fails, or the process ends with it. */
static int
migrate_within(void *arg)
{
	const struct cut *c = arg;
	struct rlimit r = { c->limit, c->limit };
	struct err e;

	signal(SIGXFSZ, c->killed ? SIG_DFL : SIG_IGN);
	KIT_MUST(setrlimit(RLIMIT_FSIZE, &r) == 0);
	return migrate(c->path, true, &e) < 0 ? 2 : 0;
}

static void
check_bare(const char *path)
{
	ck_assert_str_eq(shelf_look(path, "pragma integrity_check"), "ok");
	ck_assert_str_eq(shelf_look(path, "select count(*) from vpn_mgr where bind_ip<>''"), "300");
}

START_TEST(a_step_that_is_cut_short_leaves_the_old_state)
{
	const char *path = KIT_PATH("cut.db");
	struct cut c = { .path = path, .limit = 8192, .killed = cuts[_i].killed };
	unsigned cut_short = 0;
	int status;

	fresh(path);
	shelf_run(path, SEED_TABLE("vpn_mgr") "with recursive n(i) as (select 1 union all"
	    " select i + 1 from n where i < 300) insert into vpn_mgr(token, state, bind_ip)"
	    " select printf('%016x', i), -1, printf('10.1.%d.%d', 1 + i / 200, 1 + i % 200) from n");
	while ((status = kit_child(migrate_within, &c)) != 0) {
		ck_assert(cuts[_i].killed ? WIFSIGNALED(status) : WEXITSTATUS(status) == 2);
		check_bare(path);
		cut_short++;
		c.limit += 4096;
	}
	ck_assert_uint_ge(cut_short, 10);
	check_bare(path);
	ck_assert_int_eq(strtoll(shelf_look(path, "pragma user_version"), NULL, 10), migrate_version);
	store_close(shelf_open(path));
}
END_TEST

START_TEST(a_failed_step_leaves_no_snapshot)
{
	const char *path = KIT_PATH("odd.db");
	char snapshot[DBFILE_PATH_MAX];
	struct err e;

	fresh(path);
	shelf_run(path, "create table vpn_mgr(something)");
	ck_assert_int_eq(shelf_refused(path, &e), -EIO);
	ck_assert_ptr_nonnull(strstr(e.text, "step to schema version 1"));
	snapshot_find(path, INT64_MAX, snapshot);
	ck_assert_str_eq(snapshot, "");
	ck_assert_str_eq(shelf_look(path, "select group_concat(name) from sqlite_master"), "vpn_mgr");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("migrate");

	tcase_set_timeout(tc, 60);	/* every commit waits for the disk */
	KIT_ROWS(tc, the_seeds_columns_come_first, seed_columns);
	tcase_add_test(tc, the_seeds_words_are_kept);
	tcase_add_test(tc, the_trigger_works_for_those_who_write_by_hand);
	KIT_ROWS(tc, nothing_is_searched_row_by_row, plans);
	KIT_ROWS(tc, rows_of_the_bare_table_become_nodes, seeds);
	tcase_add_test(tc, an_address_that_two_rows_have_stays_with_the_later_used);
	tcase_add_test(tc, bootstrap_tokens_of_the_later_table_are_good);
	tcase_add_test(tc, keys_of_enrollments_move_into_their_table);
	tcase_add_test(tc, a_snapshot_has_what_was_there_before);
	tcase_add_test(tc, a_new_database_needs_none);
	tcase_add_test(tc, a_newer_schema_is_refused);
	KIT_ROWS(tc, a_step_that_is_cut_short_leaves_the_old_state, cuts);
	tcase_add_test(tc, a_failed_step_leaves_no_snapshot);
	return kit_run("ipamd/migrate", tc);
}
