/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store_sql.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The store's rows of nodes: struct store_node and vpn_mgr's columns, both ways. */

/* --- addresses as text ------------------------------------------------------------------------ */

const char *
sql_addr_text(const struct ip_addr *addr, char buf[IP_TEXT_MAX])
{
	return addr->family == 0 ? "" : ip_format(addr, buf);
}

#define ARG_ADDR(addr)	ARG_T(sql_addr_text((addr), (char[IP_TEXT_MAX]){ 0 }))

struct ip_addr
sql_addr(struct store *st, enum store_stmt which, int column)
{
	struct ip_addr addr = { 0 };

	ip_parse(sql_text(st, which, column), &addr);
	return addr;
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
	n->row = sql_int(st, s, 0);
	n->use = sql_int(st, s, 1);
	snprintf(n->id, sizeof(n->id), "%s", sql_text(st, s, 2));
	snprintf(n->token, sizeof(n->token), "%s", sql_text(st, s, 3));
	n->net = sql_int(st, s, 4);
	snprintf(n->display_name, sizeof(n->display_name), "%s", sql_text(st, s, 5));
	n->addr = sql_addr(st, s, 6);
	n->state = state_of(sql_int(st, s, 7), sql_int(st, s, 8));
	n->epoch = (uint64_t) sql_int(st, s, 9);
	n->attached = sql_int(st, s, 10) != 0;
	n->reserved = sql_int(st, s, 11) != 0;
	n->fixed = sql_int(st, s, 12) != 0;
	n->create_s = sql_int(st, s, 13);
	n->seen_s = sql_int(st, s, 14);
}

/* All rows of a query for nodes; how many. */
static int
read_nodes(struct store *st, enum store_stmt s, struct store_node *nodes, size_t max)
{
	size_t n = 0;
	int rc = 0;

	while (n < max && (rc = sql_next(st, s)) > 0)
		read_node(st, s, &nodes[n++]);
	sql_done(st, s);
	return rc < 0 ? rc : (int) n;
}

/* addr: where an address becomes text, which must live until the query has run. */
static int
ask_for_node(struct store *st, enum store_by by, const struct store_node *like,
    char addr[IP_TEXT_MAX], enum store_stmt *s)
{
	switch (by) {
	case BY_TOKEN:
		*s = SQL_NODE_BY_TOKEN;
		return sql_query(st, *s, ARGS(ARG_T(like->token)));
	case BY_ID:
		*s = SQL_NODE_BY_ID;
		return sql_query(st, *s, ARGS(ARG_T(like->id)));
	case BY_ADDR:
		*s = SQL_NODE_BY_ADDR;
		return sql_query(st, *s, ARGS(ARG_I(like->net),
		    ARG_T(sql_addr_text(&like->addr, addr))));
	default:
		*s = SQL_NODE_BY_KEYS;
		return sql_query(st, *s, ARGS(ARG_I(like->bootstrap),
		    ARG_B(like->grpc_spki, PKI_SPKI_LEN), ARG_B(like->vpn_spki, PKI_SPKI_LEN)));
	}
}

int
sql_node_find(struct store *st, enum store_by by, const struct store_node *like,
    struct store_node *out)
{
	char addr[IP_TEXT_MAX];
	enum store_stmt s;
	int rc = ask_for_node(st, by, like, addr, &s);

	if (rc == 0)
		rc = read_nodes(st, s, out, 1);
	return rc < 0 ? rc : rc == 0 ? -ENOENT : 0;
}

int
sql_node_keys(struct store *st, struct store_node *n)
{
	int rc = sql_query(st, SQL_KEYS, ARGS(ARG_I(n->row)));

	if (rc < 0 || (rc = sql_next(st, SQL_KEYS)) < 0)
		return rc;
	if (rc > 0) {
		sql_blob(st, SQL_KEYS, 0, n->grpc_spki, PKI_SPKI_LEN);
		sql_blob(st, SQL_KEYS, 1, n->vpn_spki, PKI_SPKI_LEN);
	}
	sql_done(st, SQL_KEYS);
	return rc > 0 ? 0 : -ENOENT;
}

int
sql_node_list(struct store *st, int64_t net, int64_t after, struct store_node *nodes, size_t max)
{
	int rc = sql_query(st, SQL_NODE_LIST, ARGS(ARG_I(net), ARG_I(after), ARG_I(max)));

	return rc < 0 ? rc : read_nodes(st, SQL_NODE_LIST, nodes, max);
}

int
sql_labels(struct store *st, int64_t net, int64_t first, int64_t last, struct store_labels *out,
    size_t max)
{
	int rc = sql_query(st, SQL_LABELS, ARGS(ARG_I(net), ARG_I(first), ARG_I(last),
	    ARG_I(max)));
	size_t n = 0;

	if (rc < 0)
		return rc;
	while (n < max && (rc = sql_next(st, SQL_LABELS)) > 0) {
		out[n].row = sql_int(st, SQL_LABELS, 0);
		snprintf(out[n].text, sizeof(out[n].text), "%s", sql_text(st, SQL_LABELS, 1));
		n++;
	}
	sql_done(st, SQL_LABELS);
	return rc < 0 ? rc : (int) n;
}

int
sql_node_victims(struct store *st, int64_t net, struct store_node *nodes, size_t max)
{
	int rc = sql_query(st, SQL_NODE_VICTIMS, ARGS(ARG_I(net), ARG_I(max)));

	return rc < 0 ? rc : read_nodes(st, SQL_NODE_VICTIMS, nodes, max);
}

int
sql_nodes_expired(struct store *st, int64_t created_before_s, struct store_node *nodes, size_t max)
{
	int rc = sql_query(st, SQL_NODES_EXPIRED, ARGS(ARG_I(created_before_s), ARG_I(max)));

	return rc < 0 ? rc : read_nodes(st, SQL_NODES_EXPIRED, nodes, max);
}

/* --- writing ---------------------------------------------------------------------------------- */

int
sql_node_add(struct store *st, struct store_node *n, const struct store_use *use)
{
	char created[STORE_STAMP_MAX];
	int rc;

	store_stamp(use->now_s, created);
	rc = sql_run(st, SQL_NODE_ADD, ARGS(ARG_T(n->token), ARG_ADDR(&n->addr), ARG_T(created),
	    ARG_T(use->stamp), ARG_I(use->seq), ARG_T(n->id), ARG_I(n->net),
	    ARG_T(n->display_name), ARG_I(use->now_s), ARG_I(n->reserved), ARG_I(n->fixed)));
	if (rc < 0)
		return rc;
	n->row = sql_added(st);
	return n->bootstrap == 0 ? 0 : sql_run(st, SQL_KEYS_ADD, ARGS(ARG_I(n->row),
	    ARG_I(n->bootstrap), ARG_B(n->grpc_spki, PKI_SPKI_LEN),
	    ARG_B(n->vpn_spki, PKI_SPKI_LEN)));
}

int
sql_node_describe(struct store *st, const struct store_node *n, const char *display_name,
    const char *labels)
{
	return sql_change(st, SQL_NODE_DESCRIBE, ARGS(ARG_I(n->row), ARG_I(n->use),
	    ARG_T(display_name), ARG_T(labels)));
}

int
sql_node_bind(struct store *st, const struct store_node *n, const struct ip_addr *addr,
    bool fixed, const struct store_use *use)
{
	return sql_change(st, SQL_NODE_BIND, ARGS(ARG_I(n->row), ARG_I(n->use), ARG_ADDR(addr),
	    ARG_I(fixed), ARG_T(use->stamp), ARG_I(use->seq)));
}

/* Its keys stay for as long as its tombstone. */
int
sql_node_steal(struct store *st, const struct store_node *victim, int64_t now_s)
{
	int rc = sql_change(st, SQL_NODE_STEAL, ARGS(ARG_I(victim->row), ARG_I(victim->use)));

	return rc < 0 ? rc : sql_run(st, SQL_TOMBSTONE_ADD, ARGS(ARG_T(victim->token),
	    ARG_T(victim->id), ARG_I(now_s), ARG_I(victim->row)));
}

int
sql_tombstone(struct store *st, const char *token, struct store_tombstone *out)
{
	int rc = sql_query(st, SQL_TOMBSTONE, ARGS(ARG_T(token)));

	if (rc < 0 || (rc = sql_next(st, SQL_TOMBSTONE)) < 0)
		return rc;
	if (rc == 0)
		return -ENOENT;
	snprintf(out->id, sizeof(out->id), "%s", sql_text(st, SQL_TOMBSTONE, 0));
	out->time_s = sql_int(st, SQL_TOMBSTONE, 1);
	sql_done(st, SQL_TOMBSTONE);
	return 0;
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
sql_node_attach(struct store *st, const struct store_node *n, const struct ip_addr *addr,
    bool fixed, uint64_t epoch, int64_t round, const struct store_use *use)
{
	return sql_change(st, SQL_NODE_ATTACH, ARGS(ARG_I(n->row), ARG_I(n->use), ARG_ADDR(addr),
	    ARG_I(fixed), ARG_T(use->stamp), ARG_I(use->seq), ARG_I(epoch), ARG_I(round),
	    ARG_I(use->now_s)));
}

int
sql_node_touch(struct store *st, const struct store_node *n, enum node_state state,
    uint64_t epoch, int64_t round, const struct store_use *use)
{
	return sql_change(st, SQL_NODE_TOUCH, ARGS(ARG_I(n->row), ARG_I(n->use),
	    ARG_I(columns[state].state), columns[state].phase, ARG_I(epoch), ARG_I(round),
	    ARG_I(use->now_s), ARG_T(use->stamp), ARG_I(use->seq)));
}

int
sql_node_announced(struct store *st, int64_t row, int64_t round)
{
	return sql_run(st, SQL_NODE_ANNOUNCED, ARGS(ARG_I(row), ARG_I(round)));
}

int
sql_node_stale(struct store *st, int64_t row, bool stale)
{
	return sql_run(st, SQL_NODE_STALE, ARGS(ARG_I(row), ARG_I(stale)));
}

int
sql_node_delete(struct store *st, const struct store_node *n)
{
	int rc = sql_change(st, SQL_NODE_DELETE, ARGS(ARG_I(n->row), ARG_I(n->use)));

	return rc < 0 ? rc : sql_run(st, SQL_KEYS_DELETE, ARGS(ARG_I(n->row)));
}

int
sql_unannounced(struct store *st, int64_t round, const struct store_use *use)
{
	int rc = sql_run(st, SQL_EVENT_LOST, ARGS(ARG_I(EVENT_LOST), ARG_I(use->now_s),
	    ARG_I(round)));

	if (rc < 0 || (rc = sql_run(st, SQL_UNANNOUNCED, ARGS(ARG_I(round), ARG_I(use->now_s),
	    ARG_T(use->stamp), ARG_I(use->seq)))) < 0)
		return rc;
	return (int) sql_changes(st);
}

/* --- sets ------------------------------------------------------------------------------------- */

int
sql_bindings(struct store *st, int64_t net, int64_t after, struct store_binding *out, size_t max)
{
	int rc = sql_query(st, SQL_BINDINGS, ARGS(ARG_I(net), ARG_I(after), ARG_I(max)));
	size_t n = 0;

	if (rc < 0)
		return rc;
	while (n < max && (rc = sql_next(st, SQL_BINDINGS)) > 0)
		out[n++] = (struct store_binding){
			.row = sql_int(st, SQL_BINDINGS, 0),
			.addr = sql_addr(st, SQL_BINDINGS, 1),
			.stale = sql_int(st, SQL_BINDINGS, 2) != 0,
		};
	sql_done(st, SQL_BINDINGS);
	return rc < 0 ? rc : (int) n;
}

static int
count(struct store *st, enum store_stmt which, int64_t net, uint64_t *out)
{
	int rc = sql_query(st, which, ARGS(ARG_I(net)));

	if (rc < 0 || (rc = sql_next(st, which)) < 0)
		return rc;
	*out = (uint64_t) sql_int(st, which, 0);
	sql_done(st, which);
	return 0;
}

int
sql_counts(struct store *st, int64_t net, struct store_counts *out)
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
sql_boot(struct store *st, uint32_t at_least, uint32_t *boot_out)
{
	int rc = sql_query(st, SQL_BOOT, ARGS(ARG_I(at_least)));

	if (rc < 0 || (rc = sql_next(st, SQL_BOOT)) < 0)
		return rc;
	*boot_out = (uint32_t) sql_int(st, SQL_BOOT, 0);
	sql_done(st, SQL_BOOT);
	return 0;
}
