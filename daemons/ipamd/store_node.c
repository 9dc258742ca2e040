/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store_sql.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The store's rows of nodes: struct store_node and vpn_mgr's columns, both ways. */

/* --- addresses as text ------------------------------------------------------------------------ */

const char *
store_addr_text(const struct ip_addr *addr, char buf[IP_TEXT_MAX])
{
	return addr->family == 0 ? "" : ip_format(addr, buf);
}

#define ARG_ADDR(addr)	ARG_T(store_addr_text((addr), (char[IP_TEXT_MAX]){ 0 }))

struct ip_addr
store_addr(struct store *st, enum store_stmt which, int column)
{
	struct ip_addr addr = { 0 };

	ip_parse(store_text(st, which, column), &addr);
	return addr;
}

int
store_read_bindings(struct store *st, enum store_stmt which, struct store_binding *out, size_t max)
{
	size_t n = 0;
	int rc = 0;

	while (n < max && (rc = store_next(st, which)) > 0) {
		out[n++] = (struct store_binding){
			.row = store_int(st, which, 0),
			.net = store_int(st, which, 1),
			.addr = store_addr(st, which, 2),
			.stale = store_int(st, which, 3) != 0,
		};
	}
	store_done(st, which);
	return rc < 0 ? rc : (int) n;
}

/* --- reading ---------------------------------------------------------------------------------- */

static enum node_state
state_of(int64_t state, int64_t phase)
{
	if (state == ROW_CONNECTING)
		return NODE_CONNECTING;
	if (state == ROW_CONNECTED)
		return NODE_CONNECTED;
	return phase == PHASE_LOST ? NODE_LOST : phase == PHASE_LEFT ? NODE_IDLE : NODE_NEVER;
}

static void
read_node(struct store *st, enum store_stmt s, struct store_node *n)
{
	memset(n, 0, sizeof(*n));
	n->row = store_int(st, s, 0);
	snprintf(n->id, sizeof(n->id), "%s", store_text(st, s, 1));
	snprintf(n->token, sizeof(n->token), "%s", store_text(st, s, 2));
	n->net = store_int(st, s, 3);
	snprintf(n->display_name, sizeof(n->display_name), "%s", store_text(st, s, 4));
	n->addr = store_addr(st, s, 5);
	n->state = state_of(store_int(st, s, 6), store_int(st, s, 7));
	n->epoch = (uint64_t) store_int(st, s, 8);
	n->attached = store_int(st, s, 9) != 0;
	n->reserved = store_int(st, s, 10) != 0;
	n->fixed = store_int(st, s, 11) != 0;
	n->create_s = store_int(st, s, 12);
	n->seen_s = store_int(st, s, 13);
}

static int
read_one(struct store *st, enum store_stmt s, const struct sql_arg *args, size_t nargs,
    struct store_node *out)
{
	int rc = store_query(st, s, args, nargs);

	if (rc < 0 || (rc = store_next(st, s)) < 0)
		return rc;
	if (rc == 0)
		return -ENOENT;
	read_node(st, s, out);
	store_done(st, s);
	return 0;
}

int
store_node_by_token(struct store *st, const char *token, struct store_node *out)
{
	return read_one(st, SQL_NODE_BY_TOKEN, ARGS(ARG_T(token)), out);
}

int
store_node_by_id(struct store *st, const char *id, struct store_node *out)
{
	return read_one(st, SQL_NODE_BY_ID, ARGS(ARG_T(id)), out);
}

int
store_node_by_keys(struct store *st, const struct store_node *like, struct store_node *out)
{
	return read_one(st, SQL_NODE_BY_KEYS, ARGS(ARG_I(like->bootstrap),
	    ARG_B(like->grpc_spki, PKI_SPKI_LEN), ARG_B(like->vpn_spki, PKI_SPKI_LEN)), out);
}

int
store_node_oldest(struct store *st, int64_t net, struct store_node *out)
{
	return read_one(st, SQL_NODE_OLDEST, ARGS(ARG_I(net)), out);
}

int
store_node_list(struct store *st, int64_t after, struct store_node *nodes, size_t max)
{
	int rc = store_query(st, SQL_NODE_LIST, ARGS(ARG_I(after), ARG_I(max)));
	size_t n = 0;

	if (rc < 0)
		return rc;
	while (n < max && (rc = store_next(st, SQL_NODE_LIST)) > 0)
		read_node(st, SQL_NODE_LIST, &nodes[n++]);
	store_done(st, SQL_NODE_LIST);
	return rc < 0 ? rc : (int) n;
}

/* --- writing ---------------------------------------------------------------------------------- */

int
store_node_add(struct store *st, struct store_node *n, int64_t now_s)
{
	struct store_use use = store_use(st, now_s);
	bool keys = n->bootstrap != 0;
	char created[STORE_STAMP_MAX];
	int rc;

	store_local(now_s, created);
	rc = store_run(st, SQL_NODE_ADD, ARGS(ARG_T(n->token), ARG_ADDR(&n->addr), ARG_T(created),
	    ARG_T(use.stamp), ARG_I(use.seq), ARG_T(n->id), ARG_I(n->net), ARG_T(n->display_name),
	    ARG_I(now_s), ARG_I(n->reserved), ARG_I(n->fixed),
	    keys ? ARG_I(n->bootstrap) : ARG_0,
	    keys ? ARG_B(n->grpc_spki, PKI_SPKI_LEN) : ARG_0,
	    keys ? ARG_B(n->vpn_spki, PKI_SPKI_LEN) : ARG_0));
	if (rc < 0)
		return rc;
	n->row = store_added(st);
	n->state = NODE_NEVER;
	n->create_s = now_s;
	store_wants(st, STORE_NOW);
	return 0;
}

int
store_node_bind(struct store *st, const struct store_node *n, int64_t now_s)
{
	struct store_use use = store_use(st, now_s);

	store_wants(st, STORE_NOW);
	return store_run(st, SQL_NODE_BIND, ARGS(ARG_I(n->row), ARG_ADDR(&n->addr),
	    ARG_I(n->fixed), ARG_T(use.stamp), ARG_I(use.seq)));
}

static const struct {
	int64_t state;
	struct sql_arg phase;
} columns[] = {
	[NODE_CONNECTING] = { ROW_CONNECTING, { .kind = ARG_NULL } },
	[NODE_CONNECTED] = { ROW_CONNECTED, { .kind = ARG_NULL } },
	[NODE_LOST] = { ROW_IDLE, { .kind = ARG_INT, .number = PHASE_LOST } },
	[NODE_IDLE] = { ROW_IDLE, { .kind = ARG_INT, .number = PHASE_LEFT } },
};

int
store_node_session(struct store *st, const struct store_node *n, enum node_state state,
    uint64_t epoch, int64_t round, int64_t now_s)
{
	struct store_use use = store_use(st, now_s);

	store_wants(st, n->attached ? STORE_SOON : STORE_NOW);
	return store_run(st, SQL_NODE_SESSION, ARGS(ARG_I(n->row), ARG_I(columns[state].state),
	    columns[state].phase, ARG_I(epoch), ARG_I(round), ARG_I(now_s), ARG_T(use.stamp),
	    ARG_I(use.seq)));
}

int
store_node_announced(struct store *st, int64_t row, int64_t round)
{
	store_wants(st, STORE_SOON);
	return store_run(st, SQL_NODE_ANNOUNCED, ARGS(ARG_I(row), ARG_I(round)));
}

int
store_unannounced(struct store *st, int64_t round, int64_t now_s)
{
	struct store_use use = store_use(st, now_s);
	int rc;

	rc = store_run(st, SQL_EVENT_LOST, ARGS(ARG_I(EVENT_LOST), ARG_I(now_s), ARG_I(round)));
	if (rc == 0)
		rc = store_run(st, SQL_UNANNOUNCED, ARGS(ARG_I(round), ARG_I(now_s),
		    ARG_T(use.stamp), ARG_I(use.seq)));
	if (rc == 0)
		store_used(st, store_changes(st));
	store_wants(st, STORE_SOON);
	return rc;
}

int
store_node_delete(struct store *st, int64_t row)
{
	store_wants(st, STORE_NOW);
	return store_run(st, SQL_NODE_DELETE, ARGS(ARG_I(row)));
}

int
store_node_stale(struct store *st, int64_t row, bool stale)
{
	store_wants(st, STORE_SOON);
	return store_run(st, SQL_NODE_STALE, ARGS(ARG_I(row), ARG_I(stale)));
}

/* --- sets ------------------------------------------------------------------------------------- */

int
store_nodes_expired(struct store *st, int64_t created_before_s, struct store_binding *out,
    size_t max)
{
	int rc = store_query(st, SQL_NODES_EXPIRED, ARGS(ARG_I(created_before_s), ARG_I(max)));

	return rc < 0 ? rc : store_read_bindings(st, SQL_NODES_EXPIRED, out, max);
}

int
store_bindings(struct store *st, int64_t net, int64_t after, struct store_binding *out, size_t max)
{
	int rc = store_query(st, SQL_BINDINGS, ARGS(ARG_I(net), ARG_I(after), ARG_I(max)));

	return rc < 0 ? rc : store_read_bindings(st, SQL_BINDINGS, out, max);
}

static int
count(struct store *st, enum store_stmt which, int64_t net, uint64_t *out)
{
	int rc = store_query(st, which, ARGS(ARG_I(net)));

	if (rc < 0 || (rc = store_next(st, which)) < 0)
		return rc;
	*out = (uint64_t) store_int(st, which, 0);
	store_done(st, which);
	return 0;
}

int
store_counts(struct store *st, int64_t net, struct store_counts *out)
{
	struct store_counts c;
	int rc;

	if ((rc = count(st, SQL_COUNT_BOUND, net, &c.bound)) < 0 ||
	    (rc = count(st, SQL_COUNT_UNBOUND, net, &c.nodes)) < 0 ||
	    (rc = count(st, SQL_COUNT_CONNECTED, net, &c.connected)) < 0)
		return rc;
	c.nodes += c.bound;
	*out = c;
	return 0;
}

/* --- counters --------------------------------------------------------------------------------- */

int
store_boot(struct store *st, uint32_t *boot_out)
{
	int rc = store_query(st, SQL_BOOT, ARGS(ARG_I(store_highest_epoch(st) >> 32)));

	if (rc < 0 || (rc = store_next(st, SQL_BOOT)) < 0)
		return rc;
	*boot_out = (uint32_t) store_int(st, SQL_BOOT, 0);
	store_done(st, SQL_BOOT);
	store_wants(st, STORE_NOW);
	return 0;
}
