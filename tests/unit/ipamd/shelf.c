/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/shelf.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>

#include "daemons/ipamd/store_sqlite.h"

#define LOOK_MAX 4096

struct store *
shelf_open(const char *path)
{
	struct store *st = NULL;
	struct err e = { .text = "" };

	ck_assert_msg(store_sqlite_open(path, &st, &e) == 0, "%s", e.text);
	return st;
}

int
shelf_refused(const char *path, struct err *e)
{
	struct store *st = NULL;
	int rc = store_sqlite_open(path, &st, e);

	ck_assert_ptr_null(st);
	return rc;
}

static int
join(void *arg, int n, char **columns, char **names)
{
	char *out = arg;
	size_t len = 0;

	(void) names;
	if (out[0] != '\0')
		return 0;	/* a later row */
	for (int i = 0; i < n; i++)
		len += (size_t) snprintf(out + len, LOOK_MAX - len, "%s%s", i > 0 ? "|" : "",
		    columns[i] == NULL ? "" : columns[i]);
	return 0;
}

static void
query(const char *path, const char *sql, int (*row)(void *, int, char **, char **), void *arg)
{
	char *error = NULL;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, sql, row, arg, &error) == SQLITE_OK, "%s: %s", sql, error);
	sqlite3_close(db);
}

const char *
shelf_look(const char *path, const char *sql)
{
	static char out[LOOK_MAX];

	out[0] = '\0';
	query(path, sql, join, out);
	return out;
}

void
shelf_run(const char *path, const char *sql)
{
	query(path, sql, NULL, NULL);
}

struct store_node
shelf_node(unsigned i)
{
	struct store_node n = { .net = STORE_NET_DEFAULT };
	char text[IP_TEXT_MAX];

	snprintf(n.id, sizeof(n.id), "n-%u", i);
	snprintf(n.token, sizeof(n.token), "token-%u", i);
	snprintf(text, sizeof(text), "10.1.%u.%u", 1 + i / 200, i % 200 + 1);
	ck_assert_int_eq(ip_parse(text, &n.addr), 0);
	return n;
}

struct store_node
shelf_add(struct store *st, unsigned i, int64_t now_s)
{
	struct store_node n = shelf_node(i);

	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_add(st, &n, now_s), 0);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_commit(st), 0);
	return n;
}

void
shelf_use(struct store *st, const char *id, enum node_state state, int64_t now_s)
{
	struct store_node n;

	ck_assert_int_eq(store_request(st), 0);
	ck_assert_int_eq(store_node_by_id(st, id, &n), 0);
	ck_assert_int_eq(store_node_touch(st, &n, state, 1, 0, now_s), 0);
	ck_assert_int_eq(store_accept(st), 0);
	ck_assert_int_eq(store_commit(st), 0);
}

void
shelf_check_oldest(struct store *st, const char *id)
{
	struct store_node n;

	ck_assert_int_eq(store_node_victims(st, STORE_NET_DEFAULT, &n, 1), id == NULL ? 0 : 1);
	if (id != NULL)
		ck_assert_str_eq(n.id, id);
}
