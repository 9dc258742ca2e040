/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/model_inside.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ipamd/sweep.h"

/* --- looking ---------------------------------------------------------------------------------- */

void
model_copy(char out[MODEL_TEXT], const char *text)
{
	snprintf(out, MODEL_TEXT, "%s", text);
}

struct model_node *
model_node(struct model *m, const char *id)
{
	for (size_t i = 0; i < m->nnodes; i++) {
		if (strcmp(m->nodes[i].id, id) == 0)
			return &m->nodes[i];
	}
	return NULL;
}

struct model_node *
model_owner(struct model *m, int net, const struct ip_addr *addr)
{
	for (size_t i = 0; i < m->nnodes; i++) {
		if (m->nodes[i].net == net && addr->family != 0 &&
		    ip_equal(&m->nodes[i].addr, addr))
			return &m->nodes[i];
	}
	return NULL;
}

struct model_hold *
model_hold_at(struct model *m, int net, const struct ip_addr *addr)
{
	for (size_t i = 0; i < m->nholds; i++) {
		if (m->holds[i].net == net && ip_equal(&m->holds[i].addr, addr))
			return &m->holds[i];
	}
	return NULL;
}

struct model_hold *
model_hold_named(struct model *m, int net, const char *name)
{
	for (size_t i = 0; i < m->nholds && name[0] != '\0'; i++) {
		if (m->holds[i].net == net && strcmp(m->holds[i].name, name) == 0)
			return &m->holds[i];
	}
	return NULL;
}

struct model_token *
model_promise_at(struct model *m, int net, const struct ip_addr *addr)
{
	for (size_t i = 0; i < m->ntokens; i++) {
		if (m->tokens[i].net == net && m->tokens[i].promise.family != 0 &&
		    ip_equal(&m->tokens[i].promise, addr))
			return &m->tokens[i];
	}
	return NULL;
}

bool
model_usable(const struct model *m, int net, const struct ip_addr *addr)
{
	const struct model_net *n = &m->nets[net];
	struct ip_addr first = ip_prefix_network(&n->prefix).addr, last = ip_prefix_last(&n->prefix);

	return ip_prefix_contains(&n->prefix, addr) && !ip_equal(addr, &first) &&
	    !ip_equal(addr, &n->prefix.addr) &&
	    (addr->family != AF_INET || !ip_equal(addr, &last)) &&
	    (n->exclude.addr.family == 0 || !ip_prefix_contains(&n->exclude, addr));
}

bool
model_taken(const struct model *m, int net, const struct ip_addr *addr)
{
	struct model *x = (struct model *) m;

	return model_usable(m, net, addr) && (model_owner(x, net, addr) != NULL ||
	    model_hold_at(x, net, addr) != NULL || model_promise_at(x, net, addr) != NULL);
}

/* The addresses of a network, from 0 on; the tests' networks are small. */
static uint64_t
count(const struct model *m, int net)
{
	const struct ip_prefix *p = &m->nets[net].prefix;

	return UINT64_C(1) << (ip_bits(&p->addr) - p->len);
}

uint64_t
model_size(const struct model *m, int net)
{
	struct ip_prefix base = ip_prefix_network(&m->nets[net].prefix);
	uint64_t n = 0;

	for (uint64_t i = 0; i < count(m, net); i++) {
		struct ip_addr a = ip_prefix_at(&base, i);

		n += model_usable(m, net, &a);
	}
	return n;
}

bool
model_lowest_free(const struct model *m, int net, struct ip_addr *out)
{
	struct ip_prefix base = ip_prefix_network(&m->nets[net].prefix);

	for (uint64_t i = 0; i < count(m, net); i++) {
		*out = ip_prefix_at(&base, i);
		if (model_usable(m, net, out) && !model_taken(m, net, out))
			return true;
	}
	return false;
}

bool
model_is_live(const struct model_node *n)
{
	return n->state == NODE_CONNECTING || n->state == NODE_CONNECTED;
}

const struct model_node *
model_victim(const struct model *m, int net, const struct model_node *last)
{
	const struct model_node *best = NULL;

	for (size_t i = 0; i < m->nnodes; i++) {
		const struct model_node *n = &m->nodes[i];

		if (n->net == net && !model_is_live(n) && !n->reserved && !n->fixed &&
		    model_usable(m, net, &n->addr) && (last == NULL || n->use > last->use) &&
		    (best == NULL || n->use < best->use))
			best = n;
	}
	return best;
}

/* --- removing --------------------------------------------------------------------------------- */

void
model_remove_node(struct model *m, struct model_node *n)
{
	MODEL_REMOVE(m->nodes, m->nnodes, (size_t) (n - m->nodes));
}

/* A node that has had an address is gone, or has none any more. */
void
model_leave(struct model *m, const struct model_node *was)
{
	struct model_hold *h = &m->holds[m->nholds];

	if (!model_usable(m, was->net, &was->addr) || model_hold_at(m, was->net, &was->addr) != NULL ||
	    !was->attached || m->conf.rest_s == 0)
		return;
	assert(m->nholds < MODEL_HOLDS);
	*h = (struct model_hold){ .net = was->net, .addr = was->addr,
		.until_s = m->now_s + m->conf.rest_s };
	m->nholds++;
}

bool
model_is_expired(const struct model *m, const struct model_node *n)
{
	return !n->attached && !n->reserved && m->now_s - n->create_s > m->conf.ttl_s;
}

void
model_ask(struct model *m)
{
	if (m->now_s < m->asked_s) {
		m->set_back_s = m->now_s;
		m->too_long = true;
	}
	m->asked_s = m->now_s;
}

void
model_expire(struct model *m)
{
	for (size_t i = 0; m->too_long && i < m->nholds; i++) {
		if (m->holds[i].until_s > m->now_s + m->conf.rest_s)
			m->holds[i].until_s = m->now_s + m->conf.rest_s;
	}
	m->too_long = false;
	for (size_t i = m->nholds; i-- > 0;) {
		if (m->holds[i].until_s != 0 && m->holds[i].until_s <= m->now_s)
			MODEL_REMOVE(m->holds, m->nholds, i);
	}
	for (size_t i = m->ntokens; i-- > 0;) {
		if (m->tokens[i].expire_s <= m->now_s)
			MODEL_REMOVE(m->tokens, m->ntokens, i);
	}
	for (size_t i = m->nnodes; i-- > 0;) {
		if (model_is_expired(m, &m->nodes[i]))
			model_remove_node(m, &m->nodes[i]);
	}
}

void
model_sweep(struct model *m)
{
	model_expire(m);
	/* In the order of their setting; the clock may have been set back between them. */
	for (size_t i = m->ntombs < SWEEP_BATCH ? m->ntombs : SWEEP_BATCH; i-- > 0;) {
		if (m->tombs[i].time_s < m->now_s - TOMBSTONE_LIFE_S)
			MODEL_REMOVE(m->tombs, m->ntombs, i);
	}
}

/* --- choosing an address ---------------------------------------------------------------------- */

/* Unregisters it, where it has been idle for so long. */
static bool
steal(struct model *m, const struct model_node *v, int64_t least_s)
{
	int64_t min_s = m->conf.min_idle_s > m->conf.rest_s ? m->conf.min_idle_s : m->conf.rest_s;
	int64_t since_s = v->seen_s > v->create_s ? v->seen_s : v->create_s;

	if (since_s > m->now_s)
		since_s = m->set_back_s;
	if ((min_s > 0 && m->now_s - since_s < min_s) || m->now_s - since_s < least_s)
		return false;
	assert(m->ntombs < MODEL_TOMBS);
	model_copy(m->tombs[m->ntombs].token, v->token);
	m->tombs[m->ntombs++].time_s = m->now_s;
	model_remove_node(m, (struct model_node *) v);
	return true;
}

static int
reclaim(struct model *m, int net, struct model_result *r)
{
	const struct model_node *v = model_victim(m, net, NULL);
	struct model_node was;

	if (m->conf.refuse)
		return -REASON_POOL_EXHAUSTED;
	if (!m->synced)
		return -REASON_IPAM_DOWN;
	if (v == NULL)
		return -REASON_POOL_EXHAUSTED;
	was = *v;
	if (!steal(m, v, INT64_MIN))
		return -REASON_POOL_EXHAUSTED;
	model_copy(r->victim, was.id);
	r->addr = was.addr;
	return 0;
}

int
model_reclaim(struct model *m, int net, unsigned max, int64_t least_idle_s)
{
	const struct model_node *v;
	int n = 0;

	if (!m->nets[net].there)
		return -REASON_NETWORK_UNKNOWN;
	if (!m->synced)
		return -REASON_IPAM_DOWN;
	while (n < (int) max && (v = model_victim(m, net, NULL)) != NULL &&
	    steal(m, v, least_idle_s))
		n++;
	return n;
}

int
model_choose(struct model *m, int net, const char *name, bool *fixed, struct model_result *r)
{
	struct model_hold *h = model_hold_named(m, net, name);

	*fixed = false;
	if (h != NULL && model_usable(m, net, &h->addr) && model_owner(m, net, &h->addr) == NULL) {
		*fixed = true;
		r->addr = h->addr;
		return 0;
	}
	if (model_lowest_free(m, net, &r->addr))
		return 0;
	model_expire(m);
	return model_lowest_free(m, net, &r->addr) ? 0 : reclaim(m, net, r);
}

/* --- tokens ----------------------------------------------------------------------------------- */

/* May an administrator have this address kept? What is over is in nobody's way. */
int
model_claim(struct model *m, int net, const struct ip_addr *addr, const char *name)
{
	struct model_node *n = model_owner(m, net, addr);
	struct model_token *t = model_promise_at(m, net, addr);
	struct model_hold *h = model_hold_at(m, net, addr);

	if (!model_usable(m, net, addr))
		return -REASON_ADDRESS_INVALID;
	if (n != NULL && (name[0] == '\0' || strcmp(n->name, name) != 0))
		return -REASON_ADDRESS_TAKEN;
	if (t != NULL && t->expire_s > m->now_s)
		return -REASON_ADDRESS_TAKEN;
	if (h != NULL && (h->until_s == 0 || h->until_s > m->now_s))
		return -REASON_ADDRESS_TAKEN;
	if (t != NULL)
		t->promise = (struct ip_addr){ 0 };
	if (h != NULL)
		MODEL_REMOVE(m->holds, m->nholds, (size_t) (h - m->holds));
	return 0;
}

struct model_result
model_create(struct model *m, int net, unsigned uses, int64_t life_s, const struct ip_addr *addr,
    const char *secret)
{
	struct model_result r = { .addr = *addr };
	struct model_token *t;

	if (!m->nets[net].there)
		r.rc = -REASON_NETWORK_UNKNOWN;
	else if (addr->family != 0 && uses != 1)
		r.rc = -REASON_FIELD_INVALID;
	else if (addr->family != 0)
		r.rc = model_claim(m, net, addr, "");
	if (r.rc < 0)
		return r;
	assert(m->ntokens < MODEL_TOKENS);
	t = &m->tokens[m->ntokens++];
	*t = (struct model_token){ .number = ++m->number, .net = net, .uses = uses,
		.expire_s = m->now_s + life_s, .promise = *addr };
	model_copy(t->secret, secret);
	return r;
}

static struct model_node *
add_node(struct model *m, const struct model_node *n)
{
	assert(m->nnodes < MODEL_NODES);
	m->nodes[m->nnodes] = *n;
	m->nodes[m->nnodes].state = m->nodes[m->nnodes].rest = NODE_NEVER;
	m->nodes[m->nnodes].create_s = m->now_s;
	m->nodes[m->nnodes].use = ++m->use;
	return &m->nodes[m->nnodes++];
}

static int
enroll(struct model *m, struct model_token *t, struct model_node *n, struct model_result *r)
{
	int64_t number = t->number;

	if (t->uses == 0)
		return -REASON_TOKEN_USED;
	n->fixed = t->promise.family != 0;
	r->addr = t->promise;
	if (n->fixed && !model_usable(m, t->net, &t->promise))
		return -REASON_ADDRESS_INVALID;
	if (!n->fixed)
		r->rc = model_choose(m, t->net, n->name, &n->fixed, r);
	if (r->rc < 0)
		return r->rc;
	for (t = m->tokens; t->number != number; t++)
		;	/* others may have expired before it */
	t->promise = (struct ip_addr){ 0 };
	t->uses--;
	n->addr = r->addr;
	add_node(m, n);
	return 0;
}

struct model_result
model_redeem(struct model *m, const char *secret, unsigned keys, const char *name, const char *id,
    const char *token)
{
	struct model_node n = { .keys = keys };
	struct model_result r = { .rc = -REASON_TOKEN_UNKNOWN };
	struct model_token *t = m->tokens;

	while (t < m->tokens + m->ntokens && strcmp(t->secret, secret) != 0)
		t++;
	if (t == m->tokens + m->ntokens)
		return r;
	if (t->expire_s <= m->now_s) {
		r.rc = -REASON_TOKEN_EXPIRED;
		return r;
	}
	for (size_t i = m->nnodes; i-- > 0;) {
		const struct model_node *known = &m->nodes[i];

		if (known->keys != keys || known->bootstrap != t->number)
			continue;
		if (model_is_expired(m, known))
			break;
		return (struct model_result){ .addr = known->addr, .same = true };
	}
	n.net = t->net;
	n.bootstrap = t->number;
	model_copy(n.id, id);
	model_copy(n.token, token);
	model_copy(n.name, name);
	r.rc = 0;
	r.rc = enroll(m, t, &n, &r);
	return r;
}

int
model_revoke(struct model *m, const char *secret)
{
	for (size_t i = 0; i < m->ntokens; i++) {
		if (strcmp(m->tokens[i].secret, secret) == 0) {
			MODEL_REMOVE(m->tokens, m->ntokens, i);
			return 0;
		}
	}
	return -REASON_TOKEN_NOT_FOUND;
}

/* --- beginning -------------------------------------------------------------------------------- */

void
model_init(struct model *m, int64_t now_s)
{
	struct model_node reserved = { .id = "reserverd", .token = "reserverd", .reserved = true };

	m->now_s = now_s;
	add_node(m, &reserved);
}

/* No round of before is one of those that follow. */
void
model_restart(struct model *m, uint64_t epoch)
{
	for (size_t i = 0; i < m->nnodes; i++)
		m->nodes[i].round = -1000;
	m->epoch = epoch;
	m->round = 0;
	m->synced = m->announcing = false;
	m->asked_s = m->set_back_s = m->now_s;
	m->too_long = true;
}
