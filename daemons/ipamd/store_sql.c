/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store_sql.h"

/* In the order in which store_sqlite_node.c reads them. */
#define NODE                                                                                       \
	"select id, lru_seq, node_id, token, net_id, display_name, bind_ip, state, phase,"         \
	" epoch, attached, reserved, fixed, create_s, seen_s from vpn_mgr "

/* In the order in which store_sqlite_token.c reads them. */
#define TOKEN                                                                                      \
	"select id, label, hash, net_id, uses, uses_left, create_s, expire_s from bootstrap_tokens "

/* In the order in which store_sqlite_hold.c reads them. */
#define HOLD "select id, net_id, address, kind, name, token_id, until_s from holds "

/* Nodes that are live, but were not named in the round ROUND. */
#define UNANNOUNCED(ROUND)                                                                         \
	" where state<>-1 and sync_round<>" ROUND " and (state<>1 or sync_round<>" ROUND "-1)"

/* Its address may be taken. */
#define VICTIM " state=-1 and bind_ip<>'' and reserved=0 and fixed=0 and stale=0"

/* It gets the address ?3. */
#define BIND "bind_ip=?3, fixed=?4, stale=case bind_ip when ?3 then stale else 0 end"

/* What state -1 means, if that is said; who was connected has gone silent. */
#define PHASE(SAID) "phase=coalesce(" #SAID ", case state when 3 then 1 else phase end)"

/* Nobody has used it since it was read. */
#define UNCHANGED " where id=?1 and lru_seq=?2"

/*
 * Rows are added in the order of time, or nearly so: the first ones are asked whether they are too
 * old, the others can wait for them. What is too much is counted from the newest row.
 */
#define OLD(TABLE)                                                                                 \
	" from " TABLE " where time_s<?1 and id in"                                                \
	" (select id from " TABLE " order by id limit ?2)"
#define SURPLUS(TABLE)                                                                             \
	" from " TABLE " where id in (select id from " TABLE                                       \
	" where id<=(select max(id) from " TABLE ")-?1 order by id limit ?2)"
#define KEYS_OF(ROWS) "delete from enrollments where node in (select node" ROWS ")"

/*
 * Every statement of the store. Those that count as use set update_time and lru_seq; the trigger
 * that does so for other programs does not run for ours. A row that leaves state 3 (connected)
 * without a word of how has gone silent: phase 1.
 */
const char *const store_sql[SQL_STATEMENTS] = {
	[SQL_BEGIN] = "begin immediate",
	[SQL_SAVEPOINT] = "savepoint request",
	[SQL_RELEASE] = "release request",
	[SQL_ROLLBACK_TO] = "rollback to request",
	[SQL_COMMIT] = "commit",
	[SQL_ROLLBACK] = "rollback",

	[SQL_HIGHEST] = "select max(update_time), max(lru_seq), max(epoch) from vpn_mgr",
	[SQL_BOOT] = "update counters set value=max(value, ?1)+1 where name='boot' returning value",

	[SQL_NET_LIST] =
	    "select id, name, address, exclude, token_hash, from_conf, create_s from networks"
	    " order by id limit ?1",
	[SQL_NET_ADD] =
	    "insert into networks(name, address, exclude, token_hash, from_conf, create_s)"
	    " values(?1, ?2, ?3, ?4, ?5, ?6)",
	[SQL_NET_CHANGE] =
	    "update networks set address=?2, exclude=?3, token_hash=?4, from_conf=?5 where id=?1",
	[SQL_NET_DELETE_KEYS] =
	    "delete from enrollments where node in (select id from vpn_mgr where net_id=?1)",
	[SQL_NET_DELETE_NODES] = "delete from vpn_mgr where net_id=?1",
	[SQL_NET_DELETE_HOLDS] = "delete from holds where net_id=?1",
	[SQL_NET_DELETE_TOKENS] = "delete from bootstrap_tokens where net_id=?1",
	[SQL_NET_DELETE] = "delete from networks where id=?1",
	/* Phase 2 is what left in good order; those that were not there stay as they were. */
	[SQL_NET_CLEAR] =
	    "update vpn_mgr set bind_ip='', fixed=0, stale=0, epoch=max(epoch, ?2), state=-1,"
	    " phase=case state when -1 then phase else 2 end,"
	    " seen_s=case state when -1 then seen_s else ?3 end, update_time=?4, lru_seq=?5+those.n"
	    " from (select id as that_id,"
	    "  row_number() over (order by update_time, lru_seq, id) as n"
	    "  from vpn_mgr where net_id=?1) as those"
	    " where id=that_id",
	[SQL_NET_CLEAR_HOLDS] = "delete from holds where net_id=?1 and kind=3",

	[SQL_NODE_BY_ADDR] = NODE "where net_id=?1 and bind_ip=?2 and bind_ip<>''",
	[SQL_NODE_BY_TOKEN] = NODE "where token=?1",
	[SQL_NODE_BY_ID] = NODE "where node_id=?1",
	[SQL_NODE_BY_KEYS] = NODE
	    "join enrollments on node=id where bootstrap_id=?1 and grpc_spki=?2 and vpn_spki=?3"
	    " order by node desc limit 1",
	[SQL_KEYS_ADD] =
	    "insert into enrollments(node, bootstrap_id, grpc_spki, vpn_spki)"
	    " values(?1, ?2, ?3, ?4)",
	[SQL_KEYS] =
	    "select grpc_spki, vpn_spki from enrollments join vpn_mgr on id=node where node=?1",
	[SQL_KEYS_DELETE] = "delete from enrollments where node=?1",
	[SQL_NODE_LIST] = NODE "where id>?2 and (?1=0 or net_id=?1) order by id limit ?3",
	[SQL_LABELS] =
	    "select id, labels from vpn_mgr where id between ?2 and ?3 and labels<>''"
	    " and (?1=0 or net_id=?1) order by id limit ?4",
	[SQL_NODE_VICTIMS] = NODE
	    "where net_id=?1 and" VICTIM " order by update_time, lru_seq, id limit ?2",
	[SQL_NODE_ADD] =
	    "insert into vpn_mgr(token, state, bind_ip, create_time, update_time, lru_seq, node_id,"
	    " net_id, display_name, create_s, reserved, fixed)"
	    " values(?1, -1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[SQL_NODE_DESCRIBE] = "update vpn_mgr set display_name=?3, labels=?4" UNCHANGED,
	[SQL_NODE_BIND] =
	    "update vpn_mgr set " BIND ", update_time=?5, lru_seq=?6" UNCHANGED,
	[SQL_NODE_ATTACH] =
	    "update vpn_mgr set " BIND ", update_time=?5, lru_seq=?6, state=1, " PHASE(null)
	    ", epoch=?7, sync_round=?8, seen_s=?9, attached=1" UNCHANGED " and epoch<=?7",
	[SQL_NODE_STEAL] = "delete from vpn_mgr" UNCHANGED " and" VICTIM,
	[SQL_NODE_TOUCH] =
	    "update vpn_mgr set state=?3, " PHASE(?4) ", epoch=?5, sync_round=?6, seen_s=?7,"
	    " attached=1, update_time=?8, lru_seq=?9" UNCHANGED " and epoch<=?5",
	[SQL_NODE_ANNOUNCED] = "update vpn_mgr set sync_round=?2 where id=?1",
	[SQL_NODE_STALE] = "update vpn_mgr set stale=?2 where id=?1",
	[SQL_NODE_DELETE] = "delete from vpn_mgr" UNCHANGED,
	[SQL_UNANNOUNCED] =
	    "update vpn_mgr set state=-1, phase=case state when 3 then 1 else phase end, seen_s=?2,"
	    " update_time=?3, lru_seq=?4+live.n"
	    " from (select id as live_id,"
	    "  row_number() over (order by update_time, lru_seq, id) as n"
	    "  from vpn_mgr" UNANNOUNCED("?1") ")"
	    " as live"
	    " where id=live_id",
	[SQL_NODES_EXPIRED] = NODE
	    "where attached=0 and reserved=0 and create_s<?1 order by create_s limit ?2",
	/* By rows, in one pass over the table: in the order of addresses each would be a seek. */
	[SQL_BINDINGS] =
	    "select id, bind_ip, stale from vpn_mgr not indexed"
	    " where id>?2 and net_id=?1 and bind_ip<>'' order by id limit ?3",

	/* The next revision is the highest row plus one, which is why the newest event always stays. */
	[SQL_EVENT_ADD] =
	    "insert into events(kind, time_s, node_id, network, address, detail)"
	    " values(?1, ?2, ?3, ?4, ?5, ?6)",
	[SQL_EVENT_LOST] =
	    "insert into events(kind, time_s, node_id, network, address, detail)"
	    " select ?1, ?2, node_id, name, bind_ip, 'unannounced'"
	    " from vpn_mgr join networks on networks.id=net_id" UNANNOUNCED("?3")
	    " order by update_time, lru_seq, vpn_mgr.id",
	[SQL_EVENT_LIST] =
	    "select revision, kind, time_s, node_id, network, address, detail from events"
	    " where revision>?1 order by revision limit ?2",
	[SQL_EVENT_SPAN] =
	    "select (select min(revision) from events), (select max(revision) from events)",
	[SQL_EVENT_TRIM] =
	    "delete from events where revision<min(?1, (select max(revision) from events))",

	[SQL_COUNT_BOUND] = "select count(*) from vpn_mgr where net_id=?1 and bind_ip<>''",
	[SQL_COUNT_UNBOUND] = "select count(*) from vpn_mgr where net_id=?1 and bind_ip=''",
	[SQL_COUNT_CONNECTED] =
	    "select count(*) from vpn_mgr where net_id=?1 and state=3 and state<>-1",

	[SQL_TOKEN_ADD] =
	    "insert into bootstrap_tokens(label, hash, net_id, uses, uses_left, create_s, expire_s)"
	    " values(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_TOKEN_BY_HASH] = TOKEN "where hash=?1",
	[SQL_TOKEN_BY_LABEL] = TOKEN "where label=?1",
	[SQL_TOKEN_LIST] = TOKEN "where id>?2 and (?1=0 or net_id=?1) order by id limit ?3",
	[SQL_TOKEN_USE] =
	    "update bootstrap_tokens set uses_left=uses_left-1"
	    " where id=?1 and uses_left>0",
	[SQL_TOKEN_DELETE] = "delete from bootstrap_tokens where id=?1",
	[SQL_TOKEN_COUNT] = "select count(*) from bootstrap_tokens",
	[SQL_TOKENS_EXPIRED] = TOKEN "where expire_s<=?1 order by expire_s limit ?2",

	[SQL_HOLD_ADD] =
	    "insert into holds(net_id, address, kind, name, token_id, until_s)"
	    " values(?1, ?2, ?3, ?4, ?5, ?6)",
	[SQL_HOLD_DELETE] = "delete from holds where id=?1",
	[SQL_HOLD_BY_ADDR] = HOLD "where net_id=?1 and address=?2",
	[SQL_HOLD_BY_NAME] = HOLD "where net_id=?1 and name=?2 and name<>''",
	[SQL_HOLD_BY_TOKEN] = HOLD "where token_id=?1",
	[SQL_HOLD_LIST] = HOLD "not indexed where id>?2 and net_id=?1 order by id limit ?3",
	[SQL_HOLDS_EXPIRED] = HOLD "where until_s>0 and until_s<=?1 order by until_s limit ?2",
	[SQL_HOLD_COUNTS] = "select kind, count(*) from holds where net_id=?1 group by kind",

	/* A token that comes again, as from an older copy of the database: the newest one counts. */
	[SQL_TOMBSTONE_ADD] =
	    "insert or replace into tombstones(token, node_id, time_s, node) values(?1, ?2, ?3, ?4)",
	[SQL_TOMBSTONE] = "select node_id, time_s from tombstones where token=?1",
	[SQL_TOMBSTONES_OLD_KEYS] = KEYS_OF(OLD("tombstones")),
	[SQL_TOMBSTONES_OLD] = "delete" OLD("tombstones"),
	[SQL_TOMBSTONES_SURPLUS_KEYS] = KEYS_OF(SURPLUS("tombstones")),
	[SQL_TOMBSTONES_SURPLUS] = "delete" SURPLUS("tombstones"),
	[SQL_REPLY_ADD] =
	    "insert into replies(digest, body, salt, bytes, time_s) values(?1, ?2, ?3, ?4, ?5)",
	[SQL_REPLY_BY_DIGEST] =
	    "select digest, body, salt, bytes, time_s from replies where digest=?1",
	[SQL_REPLIES_OLD] = "delete" OLD("replies"),
	[SQL_REPLIES_SURPLUS] = "delete" SURPLUS("replies"),
};
