/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/reason.h"
#include "daemons/ipamd/checkpoint.h"
#include "daemons/ipamd/dbfile.h"
#include "daemons/ipamd/migrate.h"
#include "daemons/ipamd/store_sql.h"

/*
 * The keeper of sqlite: opens, commits, runs statements. What they say is in store_sql.c, what
 * they mean in store_sqlite_node.c and its siblings.
 */

#define BUSY_MS 1000	/* an administrator's sqlite3 may hold the write lock for a moment */

struct sqlite_store {
	struct store store;
	sqlite3 *db;
	sqlite3_stmt *stmts[SQL_STATEMENTS];
	int lock_fd;		/* the database file, locked against a second ipamd */
	bool in_tx;		/* a transaction is open */
	struct checkpointer *beside;	/* NULL: the library makes checkpoints in its commits */
};

static struct sqlite_store *
ours(struct store *st)
{
	return (struct sqlite_store *) st;
}

static sqlite3_stmt *
stmt(struct store *st, enum store_stmt which)
{
	return ours(st)->stmts[which];
}

/* Errors of sqlite may have rolled the transaction back already: the whole of it is given up. */
static int
fail(struct store *st)
{
	int code = sqlite3_errcode(ours(st)->db);

	snprintf(st->failure, sizeof(st->failure), "%s", sqlite3_errmsg(ours(st)->db));
	if (code == SQLITE_IOERR || code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		st->broken = true;
	return -REASON_STORE_FAILED;
}

/* --- statements ------------------------------------------------------------------------------- */

static int
set_arg(sqlite3_stmt *s, int at, const struct sql_arg *a)
{
	switch (a->kind) {
	case ARG_INT:
		return sqlite3_bind_int64(s, at, a->number);
	case ARG_TEXT:
		return sqlite3_bind_text(s, at, a->bytes, -1, SQLITE_STATIC);
	case ARG_BLOB:
		return sqlite3_bind_blob(s, at, a->bytes, (int) a->len, SQLITE_STATIC);
	default:
		return sqlite3_bind_null(s, at);
	}
}

int
sql_query(struct store *st, enum store_stmt which, const struct sql_arg *args, size_t nargs)
{
	for (size_t i = 0; i < nargs; i++) {
		if (set_arg(stmt(st, which), (int) i + 1, &args[i]) != SQLITE_OK)
			return fail(st);
	}
	return 0;
}

int
sql_next(struct store *st, enum store_stmt which)
{
	int code = sqlite3_step(stmt(st, which)), rc = 0;

	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_CONSTRAINT &&
	    sqlite3_extended_errcode(ours(st)->db) == SQLITE_CONSTRAINT_UNIQUE)
		rc = -EEXIST;	/* undoes this statement only */
	else if (code != SQLITE_DONE)
		rc = fail(st);
	sqlite3_reset(stmt(st, which));
	return rc;
}

void
sql_done(struct store *st, enum store_stmt which)
{
	sqlite3_reset(stmt(st, which));
}

int
sql_run(struct store *st, enum store_stmt which, const struct sql_arg *args, size_t nargs)
{
	int rc = sql_query(st, which, args, nargs);

	return rc < 0 ? rc : sql_next(st, which);
}

int
sql_change(struct store *st, enum store_stmt which, const struct sql_arg *args, size_t nargs)
{
	int rc = sql_run(st, which, args, nargs);

	return rc == 0 && sql_changes(st) == 0 ? -ESTALE : rc;
}

int64_t
sql_int(struct store *st, enum store_stmt which, int column)
{
	return sqlite3_column_int64(stmt(st, which), column);
}

const char *
sql_text(struct store *st, enum store_stmt which, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt(st, which), column);

	return text == NULL ? "" : (const char *) text;
}

bool
sql_is_null(struct store *st, enum store_stmt which, int column)
{
	return sqlite3_column_type(stmt(st, which), column) == SQLITE_NULL;
}

size_t
sql_bytes(struct store *st, enum store_stmt which, int column, void *out, size_t max)
{
	const void *bytes = sqlite3_column_blob(stmt(st, which), column);
	size_t len = (size_t) sqlite3_column_bytes(stmt(st, which), column);

	if (bytes == NULL || len > max)
		return 0;
	memcpy(out, bytes, len);
	return len;
}

void
sql_blob(struct store *st, enum store_stmt which, int column, void *out, size_t len)
{
	if (sql_bytes(st, which, column, out, len) != len)
		memset(out, 0, len);
}

int64_t
sql_changes(struct store *st)
{
	return sqlite3_changes64(ours(st)->db);
}

int64_t
sql_added(struct store *st)
{
	return sqlite3_last_insert_rowid(ours(st)->db);
}

/* --- transactions ----------------------------------------------------------------------------- */

static int
begin_request(struct store *st)
{
	int rc = ours(st)->in_tx ? 0 : sql_run(st, SQL_BEGIN, NULL, 0);

	ours(st)->in_tx |= rc == 0;
	return rc;
}

static int
guard_request(struct store *st)
{
	return sql_run(st, SQL_SAVEPOINT, NULL, 0);
}

static int
accept_request(struct store *st)
{
	return sql_run(st, SQL_RELEASE, NULL, 0);
}

static int
refuse_request(struct store *st)
{
	int rc = sql_run(st, SQL_ROLLBACK_TO, NULL, 0);

	return rc < 0 ? rc : sql_run(st, SQL_RELEASE, NULL, 0);
}

static int
commit(struct store *st)
{
	int rc = ours(st)->in_tx ? sql_run(st, SQL_COMMIT, NULL, 0) : 0;

	if (rc == 0)
		ours(st)->in_tx = false;
	return rc;
}

/* The library may have done it by itself. */
static int
roll_back(struct store *st)
{
	ours(st)->in_tx = false;
	return sqlite3_get_autocommit(ours(st)->db) != 0 ? 0 : sql_run(st, SQL_ROLLBACK, NULL, 0);
}

/* --- opening ---------------------------------------------------------------------------------- */

static int
read_highest(struct store *st)
{
	int rc = sql_query(st, SQL_HIGHEST, NULL, 0);

	if (rc < 0 || (rc = sql_next(st, SQL_HIGHEST)) <= 0)
		return rc;
	snprintf(st->newest, sizeof(st->newest), "%s", sql_text(st, SQL_HIGHEST, 0));
	st->seq = sql_int(st, SQL_HIGHEST, 1);
	st->highest_epoch = (uint64_t) sql_int(st, SQL_HIGHEST, 2);
	sql_done(st, SQL_HIGHEST);
	return 0;
}

/*
 * synchronous=FULL: with NORMAL a commit may be lost with the power after it was answered. Sorting
 * in memory, since there is no other place where the process may write. 128 MiB of cache hold
 * 400,000 nodes with their indexes; with fewer nodes less of it is used.
 */
static const char settings[] =
    "pragma journal_mode=wal; pragma synchronous=full; pragma temp_store=memory;"
    "pragma cache_size=-131072; pragma foreign_keys=on";

static int
open_db(struct sqlite_store *s, const char *path, struct err *e)
{
	struct store *st = &s->store;

	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return err_set(e, -EIO, "%s",
		    s->db == NULL ? "out of memory" : sqlite3_errmsg(s->db));
	sqlite3_busy_timeout(s->db, BUSY_MS);
	/* update_time_trigger is for others who write: our statements set update_time themselves. */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	if (sqlite3_exec(s->db, settings, NULL, NULL, NULL) != SQLITE_OK)
		return err_set(e, -EIO, "%s", sqlite3_errmsg(s->db));
	for (unsigned i = 0; i < SQL_STATEMENTS; i++) {
		if (sqlite3_prepare_v3(s->db, store_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
		    &s->stmts[i], NULL) != SQLITE_OK)
			return err_set(e, -EIO, "%s: %s", sqlite3_errmsg(s->db), store_sql[i]);
	}
	return read_highest(st) < 0 ? err_set(e, -EIO, "%s", st->failure) : 0;
}

static void
close_db(struct store *st)
{
	struct sqlite_store *s = ours(st);

	for (unsigned i = 0; i < SQL_STATEMENTS; i++)
		sqlite3_finalize(s->stmts[i]);
	checkpointer_free(s->beside);
	sqlite3_close(s->db);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s);
}

static const struct store_ops ops = {
	.close = close_db,
	.request = begin_request,
	.guard = guard_request,
	.accept = accept_request,
	.refuse = refuse_request,
	.commit = commit,
	.rollback = roll_back,
	.network_list = sql_network_list,
	.network_add = sql_network_add,
	.network_change = sql_network_change,
	.network_delete = sql_network_delete,
	.network_clear = sql_network_clear,
	.node_find = sql_node_find,
	.node_keys = sql_node_keys,
	.node_list = sql_node_list,
	.node_victims = sql_node_victims,
	.nodes_expired = sql_nodes_expired,
	.node_add = sql_node_add,
	.node_bind = sql_node_bind,
	.node_describe = sql_node_describe,
	.labels = sql_labels,
	.node_steal = sql_node_steal,
	.tombstone = sql_tombstone,
	.node_attach = sql_node_attach,
	.node_touch = sql_node_touch,
	.node_announced = sql_node_announced,
	.node_stale = sql_node_stale,
	.node_delete = sql_node_delete,
	.unannounced = sql_unannounced,
	.bindings = sql_bindings,
	.counts = sql_counts,
	.token_add = sql_token_add,
	.token_by_hash = sql_token_by_hash,
	.token_by_label = sql_token_by_label,
	.token_list = sql_token_list,
	.token_use = sql_token_use,
	.token_delete = sql_token_delete,
	.token_count = sql_token_count,
	.tokens_expired = sql_tokens_expired,
	.hold_add = sql_hold_add,
	.hold_delete = sql_hold_delete,
	.hold_find = sql_hold_find,
	.hold_list = sql_hold_list,
	.holds_expired = sql_holds_expired,
	.hold_counts = sql_hold_counts,
	.reply_add = sql_reply_add,
	.reply_by_digest = sql_reply_by_digest,
	.forget = sql_forget,
	.event_add = sql_event_add,
	.event_list = sql_event_list,
	.event_span = sql_event_span,
	.event_trim = sql_event_trim,
	.boot = sql_boot,
};

/*
 * A connection belongs to one thread, and nobody asks the library how much memory it has: without
 * locks and without that account it needs an eighth less time. Once it is at work this is without
 * effect.
 */
static void
set_up_library(void)
{
	sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int
store_sqlite_open(const char *path, struct store **out, struct err *e)
{
	struct sqlite_store *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	set_up_library();
	s->store.ops = &ops;
	s->lock_fd = -1;
	rc = dbfile_lock(path, &s->lock_fd, e);
	if (rc == 0 && ((rc = migrate(path, true, e)) < 0 || (rc = open_db(s, path, e)) < 0))
		err_prefix(e, "%s", path);
	if (rc < 0) {
		close_db(&s->store);
		return rc;
	}
	*out = &s->store;
	return 0;
}

/* The result would be the commit's, which stands whatever becomes of the checkpoint. */
static int
on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct sqlite_store *s = arg;

	if (checkpointer_grown(s->beside, pages))
		sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return SQLITE_OK;
}

int
store_sqlite_checkpoint_beside(struct store *st, struct err *e)
{
	struct sqlite_store *s = ours(st);
	const char *path = sqlite3_db_filename(s->db, "main");
	int rc = checkpointer_new(path, &s->beside, e);

	if (rc < 0)
		return rc;
	sqlite3_wal_hook(s->db, on_wal, s);
	return 0;
}
