/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ipamd/events.h"
#include "daemons/ipamd/name.h"
#include "daemons/ipamd/networks.h"

/* --- seeing ----------------------------------------------------------------------------------- */

static int
view(struct ledger *l, const struct network *net, struct network_view *out)
{
	int rc;

	out->row = net->row;
	out->addresses = pool_size(net->pool);
	out->used = pool_used(net->pool);
	out->full = net->full;
	pool_ends(net->pool, &out->first, &out->last);
	if ((rc = store_counts(l->store, net->row.id, &out->counts)) < 0)
		return rc;
	return store_hold_counts(l->store, net->row.id, out->held);
}

int
network_get(struct ledger *l, const char *name, struct network_view *out)
{
	const struct network *net = ledger_network_named(l, name);

	*out = (struct network_view){ 0 };
	return net == NULL ? -REASON_NETWORK_UNKNOWN : view(l, net, out);
}

int
network_list(struct ledger *l, struct network_list *out)
{
	struct network_list list = { .views = calloc(NETWORKS_MAX, sizeof(*list.views)) };
	const struct network *net = NULL;
	int rc = 0;

	if (list.views == NULL)
		return -ENOMEM;
	while (rc == 0 && (net = ledger_network_next(l, net)) != NULL)
		rc = view(l, net, &list.views[list.n++]);
	if (rc < 0) {
		free(list.views);
		return rc;
	}
	list.revision = l->events.newest;
	*out = list;
	return 0;
}

bool
network_crossed(const struct ledger *l, struct network *net)
{
	uint64_t percent = (uint64_t) l->conf->pool_warn_at;
	bool full = percent > 0 && pool_used(net->pool) * 100 >= pool_size(net->pool) * percent;
	bool crossed = full != net->full;

	net->full = full;
	return crossed;
}

/* --- reading wishes --------------------------------------------------------------------------- */

/* "10.2.0.0/24" names no address of the server's: it takes the first one. */
static int
read_prefix(const char *text, struct ip_prefix *out, struct err *e)
{
	struct ip_prefix net;

	if (ip_prefix_parse(text, out) < 0)
		return err_set(e, -REASON_FIELD_INVALID, "address: is not an address with the "
		    "length of its network, as in 10.2.0.1/24");
	net = ip_prefix_network(out);
	if (ip_equal(&net.addr, &out->addr))
		out->addr = ip_prefix_at(&net, 1);
	return 0;
}

static int
read_wish(const struct network_wish *w, struct store_network *row, struct err *e)
{
	int rc = read_prefix(w->address, &row->prefix, e);

	if (rc < 0)
		return rc;
	if (w->nexclude > STORE_EXCLUDE_MAX)
		return err_set(e, -REASON_FIELD_INVALID, "exclude: must have at most %d prefixes",
		    STORE_EXCLUDE_MAX);
	for (size_t i = 0; i < w->nexclude; i++) {
		if (ip_prefix_parse(w->exclude[i], &row->exclude[i]) < 0)
			return err_set(e, -REASON_FIELD_INVALID, "exclude: must be prefixes, as "
			    "in 10.2.0.0/28");
	}
	row->nexclude = w->nexclude;
	return 0;
}

static int
find_own(struct ledger *l, const char *name, struct network **out, struct err *e)
{
	if ((*out = ledger_network_named(l, name)) == NULL)
		return -REASON_NETWORK_UNKNOWN;
	if ((*out)->row.from_conf)
		return err_set(e, -REASON_NETWORK_FIXED, "network %s is of the configuration: "
		    "change it there", (*out)->row.name);
	return 0;
}

/* --- changing --------------------------------------------------------------------------------- */

static void
make_token(struct request *r, struct store_network *row, char secret[SECRET_TOKEN_LEN + 1])
{
	request_secret(r, secret);
	secret_hash(secret, row->token_hash);
	row->has_token = true;
}

static struct network *
find_place(struct ledger *l)
{
	for (unsigned i = 0; i < NETWORKS_MAX; i++) {
		if (l->nets[i].row.id == 0)
			return &l->nets[i];
	}
	return NULL;
}

/* A network comes to be what its row says, with the pool that belongs to it. */
static int
install(struct ledger *l, struct network *net, const struct store_network *row)
{
	struct pool *pool;
	int rc = networks_pool(l, row, &pool);

	if (rc < 0)
		return rc;
	l->touched = true;
	pool_free(net->pool);
	*net = (struct network){ .row = *row, .pool = pool };
	return 0;
}

int
network_create(struct ledger *l, struct request *r, const struct network_wish *wish,
    struct network_view *out, struct err *e)
{
	struct store_network row = { .create_s = l->now_s };
	struct network *net = find_place(l);
	struct network_view made = { 0 };
	int rc;

	if ((rc = name_check_network(wish->name, "name", e)) < 0 ||
	    (rc = read_wish(wish, &row, e)) < 0)
		return rc;
	if (net == NULL)
		return err_set(e, -REASON_OVERLOADED, "there are %d networks", NETWORKS_MAX);
	snprintf(row.name, sizeof(row.name), "%s", wish->name);
	if ((rc = networks_check(l, &row, e)) < 0)
		return rc;
	if (!wish->open)
		make_token(r, &row, made.secret);
	rc = store_network_add(l->store, &row);
	if (rc == -EEXIST)
		return -REASON_NETWORK_EXISTS;
	if (rc < 0 || (rc = install(l, net, &row)) < 0 ||
	    (rc = events_network(l, EVENT_NETWORK_CREATE, net, "address=%s",
	    PREFIX_TEXT(&row.prefix))) < 0 ||
	    (rc = view(l, net, &made)) < 0)
		return rc;
	*out = made;
	secret_wipe(&made, sizeof(made));
	return 0;
}

/* The addresses that are kept, where the new pool has them. */
static int
keep_holds(struct ledger *l, struct network *net, struct network_view *made)
{
	struct store_hold holds[64];
	int64_t after = 0;
	int n = 0;

	do {
		if ((n = store_hold_list(l->store, net->row.id, after, holds,
		    sizeof(holds) / sizeof(holds[0]))) < 0)
			return n;
		for (int i = 0; i < n; i++) {
			bool inside = pool_usable(net->pool, &holds[i].addr);

			made->map.inside += inside;
			made->map.outside += !inside;
			ledger_take(l, net, &holds[i].addr);
		}
		after = n > 0 ? holds[n - 1].row : 0;
	} while (n > 0);
	return 0;
}

int
network_recreate(struct ledger *l, const struct network_wish *wish, struct network_view *out,
    struct err *e)
{
	struct network_view made = { 0 };
	struct store_network row;
	struct network *net;
	int rc;

	if ((rc = find_own(l, wish->name, &net, e)) < 0)
		return rc;
	row = net->row;
	made.map.before = row.prefix;
	if ((rc = read_wish(wish, &row, e)) < 0 || (rc = networks_check(l, &row, e)) < 0 ||
	    (rc = store_counts(l->store, row.id, &made.counts)) < 0)
		return rc;
	made.map.readdressed = made.counts.bound;
	made.epoch = l->epoch++;
	if ((rc = store_network_change(l->store, &row)) < 0 ||
	    (rc = store_network_clear(l->store, row.id, l->epoch, l->now_s)) < 0 ||
	    (rc = install(l, net, &row)) < 0 ||
	    (rc = keep_holds(l, net, &made)) < 0 ||
	    (rc = events_network(l, EVENT_NETWORK_RECREATE, net, "address=%s",
	    PREFIX_TEXT(&row.prefix))) < 0 ||
	    (rc = view(l, net, &made)) < 0)
		return rc;
	*out = made;
	return 0;
}

int
network_delete(struct ledger *l, const char *name, bool force, struct network_view *out,
    struct err *e)
{
	struct network_view gone = { 0 };
	struct network *net;
	int rc;

	if ((rc = find_own(l, name, &net, e)) < 0 || (rc = view(l, net, &gone)) < 0)
		return rc;
	if (!force && gone.counts.nodes > 0)
		return err_set(e, -REASON_NETWORK_IN_USE, "network %s has %llu nodes", name,
		    (unsigned long long) gone.counts.nodes);
	if ((rc = events_network(l, EVENT_NETWORK_DELETE, net, "nodes=%llu",
	    (unsigned long long) gone.counts.nodes)) < 0 ||
	    (rc = store_network_delete(l->store, net->row.id)) < 0)
		return rc;
	l->touched = true;
	pool_free(net->pool);
	*net = (struct network){ .pool = NULL };
	gone.epoch = l->epoch;
	*out = gone;
	return 0;
}

int
network_token(struct ledger *l, struct request *r, const char *name, bool open,
    struct network_view *out)
{
	struct network *net = ledger_network_named(l, name);
	struct network_view made = { 0 };
	struct store_network row;
	int rc;

	if (net == NULL)
		return -REASON_NETWORK_UNKNOWN;
	row = net->row;
	row.has_token = false;
	memset(row.token_hash, 0, sizeof(row.token_hash));
	if (!open)
		make_token(r, &row, made.secret);
	if ((rc = store_network_change(l->store, &row)) < 0)
		return rc;
	l->touched = true;
	net->row = row;
	if ((rc = view(l, net, &made)) < 0)
		return rc;
	*out = made;
	secret_wipe(&made, sizeof(made));
	return 0;
}
