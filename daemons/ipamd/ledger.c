/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CHUNK 256	/* bindings read at a time */

/* --- pools ------------------------------------------------------------------------------------ */

/* One bound node; what its address is worth changes with the configuration. */
static int
load_binding(struct ledger *l, struct pool *pool, const struct store_binding *b)
{
	bool stale = !pool_usable(pool, &b->addr);

	pool_mark(pool, &b->addr);
	return stale == b->stale ? 0 : store_node_stale(l->store, b->row, stale);
}

static int
load_bindings(struct ledger *l, const struct network *net, struct pool *pool)
{
	struct store_binding chunk[CHUNK];
	int64_t row = 0;
	int n, rc = 0;

	do {
		if ((n = store_bindings(l->store, net->id, row, chunk, CHUNK)) < 0)
			return n;
		for (int i = 0; i < n && rc == 0; i++) {
			rc = load_binding(l, pool, &chunk[i]);
			row = chunk[i].row;
		}
	} while (rc == 0 && n == CHUNK);
	return rc;
}

static int
load_promises(struct ledger *l, const struct network *net, struct pool *pool)
{
	struct store_binding chunk[CHUNK];
	int64_t row = 0;
	int n;

	do {
		if ((n = store_promises(l->store, net->id, row, chunk, CHUNK)) < 0)
			return n;
		for (int i = 0; i < n; i++) {
			pool_mark(pool, &chunk[i].addr);
			row = chunk[i].row;
		}
	} while (n == CHUNK);
	return 0;
}

static int
load_pool(struct ledger *l, struct network *net)
{
	const struct conf_list *exclude = &l->conf->pool_exclude;
	struct pool *pool;
	int rc;

	if ((rc = pool_new(&net->prefix, exclude->items, exclude->n, &pool)) < 0)
		return rc;
	if ((rc = load_bindings(l, net, pool)) < 0 || (rc = load_promises(l, net, pool)) < 0) {
		pool_free(pool);
		return rc;
	}
	pool_free(net->pool);
	net->pool = pool;
	return 0;
}

static int
load_pools(struct ledger *l)
{
	int rc = 0;

	for (unsigned i = 0; i < l->nnets && rc == 0; i++)
		rc = load_pool(l, &l->nets[i]);
	return rc;
}

/* --- opening ---------------------------------------------------------------------------------- */

static int
add_reserved(struct ledger *l)
{
	struct store_node n = { .net = l->nets[0].id, .reserved = true };
	int rc = store_node_by_id(l->store, LEDGER_RESERVED, &n);

	if (rc != -ENOENT)
		return rc;
	snprintf(n.id, sizeof(n.id), "%s", LEDGER_RESERVED);
	snprintf(n.token, sizeof(n.token), "%s", LEDGER_RESERVED);
	return store_node_add(l->store, &n, l->now_s);
}

static int
begin_run(struct ledger *l)
{
	uint32_t boot;
	int rc;

	if ((rc = store_request(l->store)) < 0 ||
	    (rc = store_boot(l->store, &boot)) < 0 ||
	    (rc = store_unannounced(l->store, STORE_NO_ROUND, l->now_s)) < 0 ||
	    (rc = add_reserved(l)) < 0 ||
	    (rc = load_pools(l)) < 0 ||
	    (rc = store_accept(l->store)) < 0 ||
	    (rc = store_commit(l->store)) < 0)
		return rc;
	l->epoch = (uint64_t) boot << 32;
	return 0;
}

int
ledger_open(struct ledger *l, const struct conf_server *conf, struct store *store, int64_t now_s,
    struct err *e)
{
	int rc;

	*l = (struct ledger){ .conf = conf, .store = store, .now_s = now_s, .started_s = now_s };
	l->nets[0] = (struct network){ .id = STORE_NET_DEFAULT, .name = NETWORK_DEFAULT,
		.prefix = conf->vpn_addr };
	l->nnets = 1;
	if ((rc = begin_run(l)) < 0) {
		err_set(e, rc, "the addresses cannot be loaded: %s",
		    store_failure(store)[0] != '\0' ? store_failure(store) : err_text(rc));
		ledger_close(l);
	}
	return rc;
}

void
ledger_close(struct ledger *l)
{
	for (unsigned i = 0; i < l->nnets; i++) {
		pool_free(l->nets[i].pool);
		l->nets[i].pool = NULL;
	}
	store_close(l->store);
	l->store = NULL;
}

/* --- requests --------------------------------------------------------------------------------- */

int
ledger_request(struct ledger *l, int64_t now_s)
{
	l->now_s = now_s;
	return store_request(l->store);
}

int
ledger_answer(struct ledger *l, int rc)
{
	int end = rc < 0 ? store_refuse(l->store) : store_accept(l->store);

	return end < 0 ? end : rc;
}

enum store_due
ledger_due(const struct ledger *l)
{
	return store_due(l->store);
}

int
ledger_commit(struct ledger *l)
{
	int rc = store_commit(l->store);

	if (rc < 0) {
		l->synced = false;
		l->announcing = false;
		l->broken |= load_pools(l) < 0;
	}
	return rc;
}

bool
ledger_broken(const struct ledger *l)
{
	return l->broken || store_broken(l->store);
}

/* --- what is known ---------------------------------------------------------------------------- */

struct network *
ledger_network(struct ledger *l, int64_t id)
{
	for (unsigned i = 0; i < l->nnets; i++) {
		if (l->nets[i].id == id)
			return &l->nets[i];
	}
	return NULL;
}

struct network *
ledger_network_named(struct ledger *l, const char *name)
{
	if (name[0] == '\0')
		name = NETWORK_DEFAULT;
	for (unsigned i = 0; i < l->nnets; i++) {
		if (strcmp(l->nets[i].name, name) == 0)
			return &l->nets[i];
	}
	return NULL;
}

bool
ledger_expired(const struct ledger *l, const struct store_node *n)
{
	return !n->attached && !n->reserved &&
	    l->now_s - n->create_s > l->conf->token_ttl_ms / 1000;
}
