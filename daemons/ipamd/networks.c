/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/networks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/reason.h"

#define CHUNK 256	/* addresses read at a time */

/* NOLINTBEGIN(misc-redundant-expression): equal today is what is asserted */
_Static_assert((int) STORE_EXCLUDE_MAX == (int) CONF_NETWORK_EXCLUDE_MAX &&
    (int) STORE_NETWORK_MAX == (int) CONF_NETWORK_NAME_MAX &&
    NETWORKS_MAX == CONF_NETWORKS_MAX + 1, "what the configuration may say can be kept");
/* NOLINTEND(misc-redundant-expression) */

/* --- pools ------------------------------------------------------------------------------------ */

/* What the default one excludes is only in the configuration, and may be more than a row holds. */
int
networks_pool(const struct ledger *l, const struct store_network *row, struct pool **out)
{
	const struct conf_list *conf = &l->conf->pool_exclude;

	if (row->id == STORE_NET_DEFAULT)
		return pool_new(&row->prefix, conf->items, conf->n, out);
	return pool_new(&row->prefix, row->exclude, row->nexclude, out);
}

/* One bound node; what its address is worth changes with the network's prefix. */
static int
load_binding(struct ledger *l, struct pool *pool, const struct store_binding *b)
{
	bool stale = !pool_usable(pool, &b->addr);

	pool_mark(pool, &b->addr);
	return stale == b->stale ? 0 : store_node_stale(l->store, b->row, stale);
}

static int
load_bindings(struct ledger *l, struct network *net)
{
	struct store_binding chunk[CHUNK];
	int64_t row = 0;
	int n, rc = 0;

	do {
		if ((n = store_bindings(l->store, net->row.id, row, chunk, CHUNK)) < 0)
			return n;
		for (int i = 0; i < n && rc == 0; i++) {
			rc = load_binding(l, net->pool, &chunk[i]);
			row = chunk[i].row;
		}
	} while (rc == 0 && n == CHUNK);
	return rc;
}

static int
load_holds(struct ledger *l, struct network *net)
{
	struct store_hold chunk[CHUNK];
	int64_t row = 0;
	int n;

	do {
		if ((n = store_hold_list(l->store, net->row.id, row, chunk, CHUNK)) < 0)
			return n;
		for (int i = 0; i < n; i++) {
			pool_mark(net->pool, &chunk[i].addr);
			row = chunk[i].row;
		}
	} while (n == CHUNK);
	return 0;
}

static int
load_network(struct ledger *l, struct network *net)
{
	int rc = networks_pool(l, &net->row, &net->pool);

	if (rc == 0)
		rc = load_bindings(l, net);
	return rc < 0 ? rc : load_holds(l, net);
}

void
networks_unload(struct ledger *l)
{
	for (unsigned i = 0; i < NETWORKS_MAX; i++) {
		pool_free(l->nets[i].pool);
		l->nets[i].pool = NULL;
		l->nets[i].row.id = 0;
	}
}

int
networks_load(struct ledger *l)
{
	struct store_network rows[NETWORKS_MAX];
	int n = store_network_list(l->store, rows, NETWORKS_MAX), rc = 0;

	networks_unload(l);
	for (int i = 0; i < n && rc == 0; i++) {
		l->nets[i].row = rows[i];
		rc = load_network(l, &l->nets[i]);
	}
	return n < 0 ? n : rc;
}

/* --- what goes together ----------------------------------------------------------------------- */

static int
check_prefix(const struct ip_prefix *p, struct err *e)
{
	const char *fault = conf_server_fault(p, (char[CONF_FAULT_MAX]){ 0 });

	return fault == NULL ? 0
	    : err_set(e, -REASON_FIELD_INVALID, "address: is %s, but %s", PREFIX_TEXT(p), fault);
}

static int
check_exclude(const struct store_network *row, struct err *e)
{
	for (size_t i = 0; i < row->nexclude; i++) {
		if (!ip_prefix_overlap(&row->exclude[i], &row->prefix))
			return err_set(e, -REASON_FIELD_INVALID, "exclude: %s is not in %s",
			    PREFIX_TEXT(&row->exclude[i]), PREFIX_TEXT(&row->prefix));
	}
	if (conf_server_covered(&row->prefix, row->exclude, row->nexclude))
		return err_set(e, -REASON_FIELD_INVALID, "exclude: leaves nothing of %s",
		    PREFIX_TEXT(&row->prefix));
	return 0;
}

static int
check_server(const struct ledger *l, const struct store_network *row, struct err *e)
{
	const char *how =
	    conf_server_swallowed(l->conf, &row->prefix, (char[CONF_FAULT_MAX]){ 0 });

	return how == NULL ? 0
	    : err_set(e, -REASON_NETWORK_OVERLAP, "%s %s", PREFIX_TEXT(&row->prefix), how);
}

static int
check_others(const struct store_network *row, const struct store_network *others, int n,
    struct err *e)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(others[i].name, row->name) != 0 &&
		    ip_prefix_overlap(&row->prefix, &others[i].prefix))
			return err_set(e, -REASON_NETWORK_OVERLAP, "%s (network %s) overlaps %s "
			    "(network %s)", PREFIX_TEXT(&row->prefix), row->name,
			    PREFIX_TEXT(&others[i].prefix), others[i].name);
	}
	return 0;
}

int
networks_check(struct ledger *l, const struct store_network *row, struct err *e)
{
	struct store_network rows[NETWORKS_MAX];
	int n = store_network_list(l->store, rows, NETWORKS_MAX), rc;

	if (n < 0)
		return n;
	if ((rc = check_prefix(&row->prefix, e)) < 0 ||
	    (rc = check_exclude(row, e)) < 0 ||
	    (rc = check_server(l, row, e)) < 0)
		return rc;
	return check_others(row, rows, n, e);
}

/* --- the configuration ------------------------------------------------------------------------ */

static void
copy_conf(const struct conf_network *from, struct store_network *row)
{
	const struct ip_prefix *exclude = from->exclude.items;

	row->prefix = from->address;
	row->nexclude = from->exclude.n;
	if (row->nexclude > 0)
		memcpy(row->exclude, exclude, row->nexclude * sizeof(exclude[0]));
	row->from_conf = true;
}

static const struct conf_network *
find_conf(const struct ledger *l, const char *name)
{
	const struct conf_network *c = l->conf->networks.items;

	for (size_t i = 0; i < l->conf->networks.n; i++) {
		if (strcmp(c[i].name, name) == 0)
			return &c[i];
	}
	return NULL;
}

/* A network that was there before, as the configuration has it now. */
static int
update(struct ledger *l, struct store_network *row)
{
	const struct conf_network *conf = find_conf(l, row->name);
	bool was = row->from_conf;

	row->from_conf = row->id == STORE_NET_DEFAULT;
	if (row->id == STORE_NET_DEFAULT)
		row->prefix = l->conf->vpn_addr;
	else if (conf != NULL)
		copy_conf(conf, row);
	if (was && !row->from_conf)
		log_notice("network_left", "network=%s consequence=\"the configuration does not "
		    "name it any more; it stays until it is deleted\"", row->name);
	return row->from_conf || was ? store_network_change(l->store, row) : 0;
}

static int
add_missing(struct ledger *l)
{
	const struct conf_network *c = l->conf->networks.items;
	int rc = 0;

	for (size_t i = 0; i < l->conf->networks.n && rc >= 0; i++) {
		struct store_network row = { .create_s = l->now_s };

		copy_conf(&c[i], &row);
		snprintf(row.name, sizeof(row.name), "%s", c[i].name);
		rc = store_network_add(l->store, &row);
		if (rc == -EEXIST)
			rc = 0;	/* it was updated */
	}
	return rc;
}

/* The configuration has checked its own networks; those made at run time it cannot see. */
static int
check_all(struct ledger *l, struct err *e)
{
	struct store_network rows[NETWORKS_MAX + 1];
	int n = store_network_list(l->store, rows, NETWORKS_MAX + 1), rc = 0;
	struct err why;

	if (n > NETWORKS_MAX)
		return err_set(e, -EINVAL, "there are more than %d networks", NETWORKS_MAX);
	for (int i = 0; i < n && rc == 0; i++)
		rc = check_others(&rows[i], rows, n, &why);
	if (rc < 0)
		return err_set(e, -EINVAL, "%s; choose another prefix in the configuration, or "
		    "delete the other network before", why.text);
	return n < 0 ? n : 0;
}

int
networks_configure(struct ledger *l, struct err *e)
{
	struct store_network rows[NETWORKS_MAX];
	int n = store_network_list(l->store, rows, NETWORKS_MAX), rc = 0;

	if (n < 0)
		return n;
	for (int i = 0; i < n && rc == 0; i++)
		rc = update(l, &rows[i]);
	if (rc < 0 || (rc = add_missing(l)) < 0)
		return rc;
	return check_all(l, e);
}
