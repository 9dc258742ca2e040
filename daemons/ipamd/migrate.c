/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/migrate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "daemons/ipamd/snapshot.h"

/*
 * Step 1. The table and its trigger stand as litevpn's first document gives them; what else is
 * known of a node are further columns:
 *
 *   phase          tells -1 apart: 0 has never connected, 1 went silent, 2 left in good order
 *   lru_seq        decides between equal stamps, which have whole seconds and repeat in autumn
 *   sync_round     the announcement of sessions that named the node last
 *   attached       has had a session: does not expire any more
 *   reserved       never expires, is never reclaimed
 *   fixed          the address was chosen for it: is never reclaimed
 *   stale          the address lies outside of what the network can give now
 *   create_s, seen_s   UTC, where create_time and update_time are local time
 *
 * The indexes for few rows are partial: one over all rows costs three times as much on every write.
 *
 * Rows may be there already: in this table of six columns, or in network_mgr and token_mgr, as it
 * and the table of bootstrap tokens were called later. They become nodes and tokens; of two with
 * one address the later used keeps it, the other gets a new one when it attaches. Their bootstrap
 * tokens stood there in the clear, were good any number of times, and for ever where expire_time is
 * -1. The triggers are off meanwhile, and one of that name could stand on the other table.
 */
static const char step_1[] =
    "create table if not exists network_mgr(id integer primary key, token text, state integer,"
    " bind_ip text, create_time timestamp, update_time timestamp);\n"
    "create table if not exists token_mgr(id integer primary key, token text,"
    " expire_time timestamp);\n"
    "drop trigger if exists update_time_trigger;\n"
    "create table if not exists \"vpn_mgr\" (\n"
    "    \"id\"          integer primary key autoincrement,\n"
    "    \"token\"       text not null unique,\n"
    "    \"state\"       integer not null,\n"
    "    \"bind_ip\"     text not null default \"\",\n"
    "    \"create_time\" timestamp default (datetime(CURRENT_TIMESTAMP, 'localtime')),\n"
    "    \"update_time\" timestamp default (datetime(CURRENT_TIMESTAMP, 'localtime'))\n"
    ");\n"
    "insert or ignore into vpn_mgr(token, state, bind_ip, create_time, update_time)"
    " select token, state, bind_ip, create_time, update_time from network_mgr"
    " where token is not null order by id;\n"
    "update vpn_mgr set bind_ip=address_text(bind_ip),"
    " state=case when state in (1, 3) then state else -1 end,"
    " create_time=coalesce(datetime(create_time), datetime('now', 'localtime')),"
    " update_time=coalesce(datetime(update_time), datetime(create_time), '1970-01-01 00:00:00');\n"
    "update vpn_mgr set bind_ip='' where id in (select id from (select id, row_number() over"
    " (partition by bind_ip order by update_time desc, id desc) as place from vpn_mgr"
    " where bind_ip<>'') where place>1);\n"
    "CREATE TRIGGER if not exists update_time_trigger"
    " UPDATE OF id,token,state,bind_ip,create_time ON vpn_mgr\n"
    "BEGIN\n"
    "    UPDATE vpn_mgr SET update_time=datetime(CURRENT_TIMESTAMP, 'localtime')"
    " WHERE id=OLD.id;\n"
    "END;\n"
    "create table networks ("
    " id integer primary key,"
    " name text not null unique);\n"
    "insert into networks(id, name) values(1, 'default');\n"
    "create table bootstrap_tokens ("
    " id integer primary key autoincrement,"
    " label text not null unique,"
    " hash blob not null unique,"
    " net_id integer not null references networks(id),"
    " address text not null default '',"
    " uses_left integer not null,"
    " expire_s integer not null);\n"
    "create unique index bootstrap_promise on bootstrap_tokens(net_id, address)"
    " where address<>'' and uses_left>0;\n"
    "create index bootstrap_expiry on bootstrap_tokens(expire_s);\n"
    "insert or ignore into bootstrap_tokens(label, hash, net_id, uses_left, expire_s)"
    " select lower(hex(randomblob(4))), secret_hash(token), 1, 10000,"
    " case expire_time when -1 then unixepoch() + 365 * 24 * 3600"
    " else coalesce(unixepoch(expire_time, 'utc'), 0) end"
    " from token_mgr where token<>'' order by id;\n"
    "drop table network_mgr;\n"
    "drop table token_mgr;\n"
    "create table counters (name text primary key, value integer not null) without rowid;\n"
    "insert into counters(name, value) values('boot', 0);\n"
    "alter table vpn_mgr add column node_id text;\n"
    "alter table vpn_mgr add column net_id integer not null default 1 references networks(id);\n"
    "alter table vpn_mgr add column display_name text not null default '';\n"
    "alter table vpn_mgr add column phase integer not null default 0;\n"
    "alter table vpn_mgr add column lru_seq integer not null default 0;\n"
    "alter table vpn_mgr add column epoch integer not null default 0;\n"
    "alter table vpn_mgr add column sync_round integer not null default 0;\n"
    "alter table vpn_mgr add column bootstrap_id integer;\n"
    "alter table vpn_mgr add column grpc_spki blob;\n"
    "alter table vpn_mgr add column vpn_spki blob;\n"
    "alter table vpn_mgr add column create_s integer not null default 0;\n"
    "alter table vpn_mgr add column seen_s integer not null default 0;\n"
    "alter table vpn_mgr add column attached integer not null default 0;\n"
    "alter table vpn_mgr add column reserved integer not null default 0;\n"
    "alter table vpn_mgr add column fixed integer not null default 0;\n"
    "alter table vpn_mgr add column stale integer not null default 0;\n"
    "create unique index vpn_mgr_node on vpn_mgr(node_id);\n"
    "create unique index vpn_mgr_address on vpn_mgr(net_id, bind_ip) where bind_ip<>'';\n"
    "create index vpn_mgr_lru on vpn_mgr(net_id, update_time, lru_seq, id) where state=-1"
    " and bind_ip<>'' and reserved=0 and fixed=0 and stale=0;\n"
    "create index vpn_mgr_live on vpn_mgr(net_id, state) where state<>-1;\n"
    "create index vpn_mgr_unbound on vpn_mgr(net_id, bind_ip) where bind_ip='';\n"
    "create index vpn_mgr_unattached on vpn_mgr(create_s) where attached=0 and reserved=0;\n"
    "create index vpn_mgr_keys on vpn_mgr(bootstrap_id, grpc_spki);\n"
    "update vpn_mgr set"
    " node_id=case token when 'reserverd' then token else 'n-' || lower(hex(randomblob(6))) end,"
    " reserved=token='reserverd', attached=bind_ip<>'',"
    " phase=case when bind_ip<>'' then 2 else 0 end,"
    " seen_s=case when bind_ip<>'' then unixepoch(update_time, 'utc') else 0 end,"
    " create_s=unixepoch(create_time, 'utc');\n";

/*
 * Step 2. The event log. A revision is the row's number: without "autoincrement", which would write
 * a second table for each event, since the newest row is never deleted.
 */
static const char step_2[] =
    "create table events ("
    " revision integer primary key,"
    " kind integer not null,"
    " time_s integer not null,"
    " node_id text not null,"
    " network text not null,"
    " address text not null,"
    " detail text not null);\n";

/*
 * Step 3. Networks of their own CIDR and net-token, addresses that are kept though no node has them
 * (promises move there from the tokens that they are of), tombstones of reclaimed nodes, and
 * answers to requests that may be asked again.
 */
static const char step_3[] =
    "alter table networks add column address text not null default '';\n"
    "alter table networks add column exclude text not null default '';\n"
    "alter table networks add column token_hash blob;\n"
    "alter table networks add column from_conf integer not null default 0;\n"
    "alter table networks add column create_s integer not null default 0;\n"
    "create table holds ("
    " id integer primary key autoincrement,"
    " net_id integer not null references networks(id),"
    " address text not null,"
    " kind integer not null,"
    " name text not null default '',"
    " token_id integer references bootstrap_tokens(id),"
    " until_s integer not null default 0);\n"
    "insert into holds(net_id, address, kind, token_id, until_s)"
    " select net_id, address, 1, id, expire_s from bootstrap_tokens"
    " where address<>'' and uses_left>0;\n"
    "drop index bootstrap_promise;\n"
    "alter table bootstrap_tokens drop column address;\n"
    "create unique index holds_address on holds(net_id, address);\n"
    "create index holds_kind on holds(net_id, kind);\n"
    "create unique index holds_name on holds(net_id, name) where name<>'';\n"
    "create unique index holds_token on holds(token_id) where token_id is not null;\n"
    "create index holds_end on holds(until_s) where until_s>0;\n"
    "create table tombstones ("
    " id integer primary key autoincrement,"
    " token text not null unique,"
    " node_id text not null,"
    " time_s integer not null);\n"
    "create table replies ("
    " id integer primary key autoincrement,"
    " digest blob not null unique,"
    " body blob not null,"
    " salt blob not null,"
    " bytes blob not null,"
    " time_s integer not null);\n";

/* Step 4. What people note of nodes; how many uses a bootstrap token was made with, and when. */
static const char step_4[] =
    "alter table vpn_mgr add column labels text not null default '';\n"
    "alter table bootstrap_tokens add column uses integer not null default 0;\n"
    "alter table bootstrap_tokens add column create_s integer not null default 0;\n"
    "update bootstrap_tokens set uses=max(uses_left, 1);\n";

/*
 * Step 5. The keys of an enrollment go into a table of their own: a node is reclaimed while another
 * one waits for its address, and then they need not be looked for. They go with its tombstone.
 */
static const char step_5[] =
    "create table enrollments ("
    " node integer primary key,"
    " bootstrap_id integer not null,"
    " grpc_spki blob not null,"
    " vpn_spki blob not null);\n"
    "insert into enrollments(node, bootstrap_id, grpc_spki, vpn_spki)"
    " select id, bootstrap_id, grpc_spki, vpn_spki from vpn_mgr where bootstrap_id is not null"
    " and length(grpc_spki)=32 and length(vpn_spki)=32;\n"
    "create index enrollments_keys on enrollments(bootstrap_id, grpc_spki);\n"
    "drop index vpn_mgr_keys;\n"
    "alter table vpn_mgr drop column bootstrap_id;\n"
    "alter table vpn_mgr drop column grpc_spki;\n"
    "alter table vpn_mgr drop column vpn_spki;\n"
    "alter table tombstones add column node integer not null default 0;\n";

/* The n-th leads to version n + 1. */
static const char *const steps[] = { step_1, step_2, step_3, step_4, step_5 };

const int64_t migrate_version = (int64_t) (sizeof(steps) / sizeof(steps[0]));

/* --- running them ----------------------------------------------------------------------------- */

static int
run_step(struct dbfile *db, int64_t version, struct err *e)
{
	struct err ignored;
	char done[64];
	int rc;

	snprintf(done, sizeof(done), "pragma user_version=%" PRId64 "; commit", version);
	if ((rc = dbfile_run(db, "begin immediate", e)) < 0)
		return rc;
	if ((rc = dbfile_run(db, steps[version - 1], e)) < 0 || (rc = dbfile_run(db, done, e)) < 0)
		dbfile_run(db, "rollback", &ignored);	/* the library may have done it already */
	return rc;
}

/* A snapshot for a step that failed is of no use: the database itself is as it was. */
static int
step(struct dbfile *db, const char *path, int64_t version, bool snapshot, struct err *e)
{
	char what[SNAPSHOT_WHAT_MAX], copy[DBFILE_PATH_MAX] = "";
	int rc = 0;

	snprintf(what, sizeof(what), "step%" PRId64, version);
	if (snapshot)
		rc = snapshot_take(db, path, what, copy, e);
	if (rc == 0 && (rc = run_step(db, version, e)) < 0 && snapshot)
		unlink(copy);
	return rc < 0 ? err_prefix(e, "step to schema version %" PRId64, version) : 0;
}

int
migrate_schema(struct dbfile *db, struct err *e)
{
	int rc = 0;

	for (int64_t version = 1; version <= migrate_version && rc == 0; version++)
		rc = run_step(db, version, e);
	return rc;
}

/* Snapshots lie beside the daemon's own database: of a copy nothing can be said. */
static int
refuse_newer(const char *path, bool snapshots, int64_t version, struct err *e)
{
	char snapshot[DBFILE_PATH_MAX] = "";

	if (snapshots)
		snapshot_find(path, migrate_version, snapshot);
	return err_set(e, -ENOTSUP, "its schema has version %" PRId64 ", made by a newer ipamd; this "
	    "one knows version %" PRId64 "%s%s", version, migrate_version,
	    !snapshots ? "" : snapshot[0] == '\0' ? "; there is no snapshot from before"
	    : "; the newest snapshot that it can read is ", snapshot);
}

int
migrate(const char *path, bool snapshots, struct err *e)
{
	struct dbfile *db = NULL;
	int64_t version, tables;
	int rc;

	if ((rc = dbfile_open(path, DBFILE_WRITE, &db, e)) < 0)
		return rc;
	if ((rc = dbfile_number(db, "pragma user_version", &version, e)) == 0 &&
	    (rc = dbfile_number(db, "select count(*) from sqlite_master", &tables, e)) == 0 &&
	    version > migrate_version)
		rc = refuse_newer(path, snapshots, version, e);
	while (rc == 0 && version < migrate_version)
		rc = step(db, path, ++version, snapshots && tables > 0, e);
	dbfile_close(db);
	return rc;
}
