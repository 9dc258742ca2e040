/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/migrate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemons/ipamd/store_sql.h"

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
 * The closing update makes nodes of rows that were there before, in a table of six columns.
 */
static const char step_1[] =
    "create table if not exists \"vpn_mgr\" (\n"
    "    \"id\"          integer primary key autoincrement,\n"
    "    \"token\"       text not null unique,\n"
    "    \"state\"       integer not null,\n"
    "    \"bind_ip\"     text not null default \"\",\n"
    "    \"create_time\" timestamp default (datetime(CURRENT_TIMESTAMP, 'localtime')),\n"
    "    \"update_time\" timestamp default (datetime(CURRENT_TIMESTAMP, 'localtime'))\n"
    ");\n"
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
    " create_s=coalesce(unixepoch(create_time, 'utc'), 0);\n";

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

static const char *const steps[] = { step_1, step_2 };	/* the n-th leads to version n + 1 */

#define NEWEST ((int64_t) (sizeof(steps) / sizeof(steps[0])))

static int
run_step(struct store *st, int64_t version)
{
	char done[64];

	snprintf(done, sizeof(done), "pragma user_version=%" PRId64 "; commit", version);
	if (sql_script(st, "begin immediate") < 0)
		return -EIO;
	if (sql_script(st, steps[version - 1]) == 0 && sql_script(st, done) == 0)
		return 0;
	sql_script(st, "rollback");	/* fails where the library has done it already */
	return -EIO;
}

int
migrate(struct store *st, struct err *e)
{
	int64_t version;

	if (sql_pragma(st, "pragma user_version", &version) < 0)
		return err_set(e, -EIO, "%s", store_failure(st));
	if (version > NEWEST)
		return err_set(e, -ENOTSUP, "its schema has version %" PRId64 ", made by a newer "
		    "ipamd; this one knows version %" PRId64, version, NEWEST);
	while (version < NEWEST) {
		version++;
		if (run_step(st, version) < 0)
			return err_set(e, -EIO, "step to schema version %" PRId64 ": %s", version,
			    store_failure(st));
	}
	return 0;
}
