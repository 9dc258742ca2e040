/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/migrate.h"

#include <check.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

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

	store_close(shelf_open(path));
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

START_TEST(a_newer_schema_is_refused)
{
	const char *path = KIT_PATH("newer.db");
	struct err e;

	store_close(shelf_open(path));
	shelf_run(path, "pragma user_version=999");
	ck_assert_int_eq(shelf_refused(path, &e), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(e.text, "999"));
	ck_assert_str_eq(shelf_look(path, "pragma user_version"), "999");
}
END_TEST

START_TEST(rows_of_the_bare_table_become_nodes)
{
	const char *path = KIT_PATH("bare.db");
	struct store_node n;
	struct store *st;

	shelf_run(path, "create table \"vpn_mgr\" (\"id\" integer primary key autoincrement,"
	    " \"token\" text not null unique, \"state\" integer not null,"
	    " \"bind_ip\" text not null default \"\","
	    " \"create_time\" timestamp default (datetime(CURRENT_TIMESTAMP, 'localtime')),"
	    " \"update_time\" timestamp default (datetime(CURRENT_TIMESTAMP, 'localtime')));"
	    "insert into vpn_mgr(token, state, bind_ip, update_time)"
	    " values('0123456789abcdef', -1, '10.1.1.9', '2020-02-02 02:02:02'),"
	    " ('reserverd', -1, '', '2020-02-02 02:02:03');");
	st = shelf_open(path);
	ck_assert_int_eq(store_node_by_token(st, "0123456789abcdef", &n), 0);
	ck_assert_uint_eq(strlen(n.id), strlen("n-0123456789ab"));
	ck_assert_str_eq(IP_TEXT(&n.addr), "10.1.1.9");
	ck_assert(n.attached && !n.reserved);
	ck_assert_int_eq(store_node_by_id(st, "reserverd", &n), 0);
	ck_assert(n.reserved);
	store_close(st);
	ck_assert_str_eq(shelf_look(path, "select update_time from vpn_mgr"),
	    "2020-02-02 02:02:02");
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
	tcase_add_test(tc, a_newer_schema_is_refused);
	tcase_add_test(tc, rows_of_the_bare_table_become_nodes);
	return kit_run("ipamd/migrate", tc);
}
