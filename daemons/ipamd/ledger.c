/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ipamd/networks.h"

/* --- opening ---------------------------------------------------------------------------------- */

static int
add_reserved(struct ledger *l)
{
	struct store_node n = { .net = STORE_NET_DEFAULT, .reserved = true };
	int rc = store_node_by_id(l->store, LEDGER_RESERVED, &n);

	if (rc != -ENOENT)
		return rc;
	snprintf(n.id, sizeof(n.id), "%s", LEDGER_RESERVED);
	snprintf(n.token, sizeof(n.token), "%s", LEDGER_RESERVED);
	return store_node_add(l->store, &n, l->now_s);
}

/* Rounds rise over starts, so that no row of an earlier run seems to be announced in this one. */
static int
begin_run(struct ledger *l, struct err *e)
{
	uint32_t boot;
	int rc;

	if ((rc = store_request(l->store)) < 0 ||
	    (rc = store_boot(l->store, &boot)) < 0)
		return rc;
	l->epoch = (uint64_t) boot << 32;
	l->round = (int64_t) l->epoch;
	if ((rc = networks_configure(l, e)) < 0 ||
	    (rc = add_reserved(l)) < 0 ||
	    (rc = networks_load(l)) < 0 ||
	    (rc = store_accept(l->store)) < 0 ||
	    (rc = store_commit(l->store)) < 0)
		return rc;
	return store_event_span(l->store, &l->events);
}

int
ledger_open(struct ledger *l, const struct conf_server *conf, struct store *store, int64_t now_s,
    struct err *e)
{
	struct err why = { 0 };
	int rc;

	*l = (struct ledger){ .conf = conf, .store = store, .now_s = now_s, .started_s = now_s,
		.set_back_s = now_s };
	if ((rc = begin_run(l, &why)) < 0) {
		err_set(e, rc, "%s", why.rc == rc ? why.text :
		    store_failure(store)[0] != '\0' ? store_failure(store) : err_text(rc));
		err_prefix(e, "the addresses cannot be loaded");
		ledger_close(l);
	}
	return rc;
}

void
ledger_close(struct ledger *l)
{
	networks_unload(l);
	store_close(l->store);
	l->store = NULL;
}

/* --- requests --------------------------------------------------------------------------------- */

int
ledger_request_firm(struct ledger *l, int64_t now_s)
{
	if (now_s < l->now_s) {
		l->set_back_s = now_s;
		l->rests = (struct ledger_look){ 0 };
	}
	l->rests_before = l->rests;
	l->now_s = now_s;
	l->touched = false;
	return store_request(l->store);
}

int
ledger_request(struct ledger *l, int64_t now_s)
{
	int rc = ledger_request_firm(l, now_s);

	return rc < 0 ? rc : store_guard(l->store);
}

/* Where the store itself has failed, the commit will, and everything is read again then. */
static void
read_again(struct ledger *l)
{
	int rc = networks_load(l);

	l->broken |= rc < 0 && rc != -REASON_STORE_FAILED;
}

int
ledger_answer(struct ledger *l, int rc)
{
	int end = rc < 0 ? store_refuse(l->store) : store_accept(l->store);

	if (rc < 0)
		l->rests = l->rests_before;
	if (rc < 0 && end == 0 && l->touched)
		read_again(l);
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
	enum store_due due = store_due(l->store);
	int rc = store_commit(l->store);

	/* Should this fail, the next commit does it, and the store is doomed until then. */
	if (rc == 0 && due != STORE_NOTHING)
		store_event_span(l->store, &l->events);
	if (rc < 0) {
		l->synced = false;
		l->announcing = false;
		l->rests = (struct ledger_look){ 0 };
		l->broken |= networks_load(l) < 0;
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
ledger_network_next(struct ledger *l, const struct network *after)
{
	for (unsigned i = after == NULL ? 0 : (unsigned) (after - l->nets) + 1; i < NETWORKS_MAX;
	     i++) {
		if (l->nets[i].row.id != 0)
			return &l->nets[i];
	}
	return NULL;
}

struct network *
ledger_network(struct ledger *l, int64_t id)
{
	struct network *net = NULL;

	while ((net = ledger_network_next(l, net)) != NULL && net->row.id != id)
		;
	return net;
}

struct network *
ledger_network_named(struct ledger *l, const char *name)
{
	struct network *net = NULL;

	if (name[0] == '\0')
		name = NETWORK_DEFAULT;
	while ((net = ledger_network_next(l, net)) != NULL && strcmp(net->row.name, name) != 0)
		;
	return net;
}

int
ledger_network_id(struct ledger *l, const char *name, int64_t *out)
{
	const struct network *net = name[0] == '\0' ? NULL : ledger_network_named(l, name);

	if (name[0] != '\0' && net == NULL)
		return -REASON_NETWORK_UNKNOWN;
	*out = net == NULL ? 0 : net->row.id;
	return 0;
}

void
ledger_take(struct ledger *l, struct network *net, const struct ip_addr *addr)
{
	l->touched |= pool_mark(net->pool, addr);
}

void
ledger_free(struct ledger *l, struct network *net, const struct ip_addr *addr)
{
	l->touched |= pool_unmark(net->pool, addr);
}

int64_t
ledger_since(const struct ledger *l, int64_t noted_s)
{
	return noted_s > l->now_s ? l->set_back_s : noted_s;
}

bool
ledger_expired(const struct ledger *l, const struct store_node *n)
{
	return !n->attached && !n->reserved &&
	    l->now_s - n->create_s > l->conf->token_ttl_ms / 1000;
}
