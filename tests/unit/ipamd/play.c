/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/play.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ipamd/sweep.h"
#include "tests/unit/ipamd/play_inside.h"

#define START_S 1698530000	/* 2023-10-28 21:53 UTC: soon summer time ends in Europe */
#define TTL_S 600
#define YEAR_S (365 * 24 * 3600)

/* --- telling ---------------------------------------------------------------------------------- */

void
play_tell(struct play *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->story[p->acts % STORY_MAX], sizeof(p->story[0]), fmt, ap);
	va_end(ap);
}

void
play_fail(struct play *p, const char *fmt, ...)
{
	va_list ap;

	for (size_t i = p->acts < STORY_MAX ? 0 : p->acts - STORY_MAX + 1; i <= p->acts; i++)
		fprintf(stderr, "%5zu  %s\n", i, p->story[i % STORY_MAX]);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	abort();
}


/* --- choosing --------------------------------------------------------------------------------- */

unsigned
play_choice(struct play *p, unsigned n)
{
	return p->next == p->end ? 0 : *p->next++ % n;
}

const char *const play_names[3] = { "", "x", "y" };
const char *const play_nets[MODEL_NETS] = { "default", "a", "b", "c", "d" };

const char *
play_some_name(struct play *p)
{
	return play_names[play_choice(p, 3)];
}

/* Mostly a network that is there. */
int
play_some_net(struct play *p)
{
	int net = (int) play_choice(p, 2 * MODEL_NETS);

	return net >= MODEL_NETS || (!p->m.nets[net].there && play_choice(p, 4) != 0) ? 0 : net;
}

struct ip_addr
play_some_addr(struct play *p, int net)
{
	struct ip_prefix base = ip_prefix_network(&p->m.nets[net].prefix);
	unsigned i = play_choice(p, 12);

	return i >= 9 || base.addr.family == 0 ? (struct ip_addr){ 0 } : ip_prefix_at(&base, i);
}

const char *
play_some_id(struct play *p)
{
	size_t i = play_choice(p, (unsigned) p->m.nnodes + 1);

	return i == p->m.nnodes ? "n-nobody" : p->m.nodes[i].id;
}

const char *
play_addr_text(const struct ip_addr *addr, char buf[IP_TEXT_MAX])
{
	return addr->family == 0 ? "" : ip_format(addr, buf);
}


/* --- comparing -------------------------------------------------------------------------------- */

static void
compare_node(struct play *p, const struct store_node *n, const struct model_node *x)
{
	PLAY_MUST(p, strcmp(n->id, x->id) == 0, "node %s is there, not %s", n->id, x->id);
	PLAY_MUST(p, strcmp(n->token, x->token) == 0, "%s has another token", n->id);
	PLAY_MUST(p, ip_equal(&n->addr, &x->addr), "%s has %s, not %s", n->id, PLAY_ADDR(&n->addr),
	    PLAY_ADDR(&x->addr));
	PLAY_MUST(p, n->state == x->state, "%s has state %d, not %d", n->id, n->state, x->state);
	PLAY_MUST(p, n->epoch == x->epoch, "%s has another epoch", n->id);
	PLAY_MUST(p, n->fixed == x->fixed, "%s: fixed is %d", n->id, n->fixed);
	PLAY_MUST(p, n->attached == x->attached, "%s: attached is %d", n->id, n->attached);
	PLAY_MUST(p, n->create_s == x->create_s && n->seen_s == x->seen_s, "%s has other times", n->id);
}

static void
compare_nodes(struct play *p)
{
	struct store_node nodes[MODEL_NODES + 1];
	int n = store_node_list(p->l.store, 0, 0, nodes, MODEL_NODES + 1);

	PLAY_MUST(p, n == (int) p->m.nnodes, "there are %d nodes, not %zu", n, p->m.nnodes);
	for (int i = 0; i < n; i++)
		compare_node(p, &nodes[i], &p->m.nodes[i]);
}

static void
compare_victims(struct play *p, int net, const struct network *real)
{
	struct store_node v[MODEL_NODES];
	const struct model_node *last = NULL;
	int n = store_node_victims(p->l.store, real->row.id, v, MODEL_NODES);

	for (int i = 0; i < n; i++) {
		last = model_victim(&p->m, net, last);
		PLAY_MUST(p, last != NULL && strcmp(last->id, v[i].id) == 0,
		    "victim %d of %s is %s, not %s", i, real->row.name, v[i].id,
		    last == NULL ? "nobody" : last->id);
	}
	PLAY_MUST(p, model_victim(&p->m, net, last) == NULL || n == 0, "a victim of %s is missing",
	    real->row.name);
	PLAY_MUST(p, n > 0 || model_victim(&p->m, net, NULL) == NULL, "%s has no victims",
	    real->row.name);
}

/* pool == store == model, address by address, also those that it must never give. */
static void
compare_pool(struct play *p, int net, const struct network *real)
{
	struct ip_prefix base = ip_prefix_network(&p->m.nets[net].prefix);
	uint64_t used = 0;

	for (uint64_t i = 0; i < UINT64_C(1) << (32 - base.len); i++) {
		struct ip_addr a = ip_prefix_at(&base, i);
		bool taken = model_taken(&p->m, net, &a);

		PLAY_MUST(p, pool_taken(real->pool, &a) == taken, "%s is %s", PLAY_ADDR(&a),
		    taken ? "free" : "taken");
		used += taken;
	}
	PLAY_MUST(p, pool_used(real->pool) == used, "%s: other use", real->row.name);
	PLAY_MUST(p, pool_size(real->pool) == model_size(&p->m, net), "%s: other size",
	    real->row.name);
}

static void
compare(struct play *p)
{
	compare_nodes(p);
	for (int i = 0; i < MODEL_NETS; i++) {
		const struct model_net *x = &p->m.nets[i];
		const struct network *real = ledger_network_named(&p->l, play_nets[i]);

		PLAY_MUST(p, (real != NULL) == x->there, "network %s: is it there?", play_nets[i]);
		if (real == NULL)
			continue;
		PLAY_MUST(p, memcmp(&real->row.prefix, &x->prefix, sizeof(x->prefix)) == 0,
		    "network %s has another prefix", x->name);
		compare_pool(p, i, real);
		compare_victims(p, i, real);
	}
	PLAY_MUST(p, p->l.synced == p->m.synced, "synced is %d", p->l.synced);
	PLAY_MUST(p, p->l.epoch >= p->epoch, "epochs fall");
	p->epoch = p->l.epoch;
}

/* --- requests --------------------------------------------------------------------------------- */

/* What the ledger cannot undo is not undone: time, and what was spent. */
static void
undo(struct play *p)
{
	int64_t now_s = p->m.now_s, asked_s = p->m.asked_s, set_back_s = p->m.set_back_s;

	p->m = p->committed;
	p->m.now_s = now_s;
	p->m.asked_s = asked_s;
	p->m.set_back_s = set_back_s;
	p->m.too_long = true;
	p->m.round = p->l.round - p->base;
	p->m.epoch = p->l.epoch;
}

static void
tell(const struct play *p, void (*what)(void *arg))
{
	if (what != NULL)
		what(p->stage->arg);
}

static void
commit(struct play *p)
{
	tell(p, p->stage->commits);
	PLAY_MUST(p, ledger_commit(&p->l) == 0, "the commit has failed");
	tell(p, p->stage->committed);
	p->committed = p->m;
}

/* A call of the store fails soon, perhaps in this operation. */
static bool
has_failed(struct play *p)
{
	return p->stage->memory != NULL && memory_failed(p->stage->memory);
}

void
play_begin(struct act *a, struct play *p)
{
	*a = (struct act){ .p = p };
	model_ask(&p->m);
	a->rc = ledger_request(&p->l, p->m.now_s);
}

bool
play_end(struct act *a)
{
	struct play *p = a->p;

	if (a->rc != -REASON_STORE_FAILED || !has_failed(p))
		a->rc = ledger_answer(&p->l, a->rc);
	if (!has_failed(p)) {
		PLAY_MUST(p, !ledger_broken(&p->l), "it is broken");
		return true;
	}
	memory_fail(p->stage->memory, 0, false);
	PLAY_MUST(p, ledger_commit(&p->l) == -REASON_STORE_FAILED, "a failure was committed");
	PLAY_MUST(p, !ledger_broken(&p->l), "it is broken by a failure");
	undo(p);
	p->m.synced = p->m.announcing = false;
	return false;
}

void
play_same_result(struct act *a, int expected)
{
	PLAY_MUST(a->p, a->rc == expected, "the answer is %s (%s), not %s", err_name(a->rc),
	    a->err.text, err_name(expected));
}

void
play_same_address(struct act *a, const struct ip_addr *real, const struct lease_change *change,
    const struct model_result *r, const struct model *before)
{
	play_same_result(a, r->rc);
	if (a->rc < 0) {
		a->p->m = *before;
		return;
	}
	PLAY_MUST(a->p, ip_equal(real, &r->addr), "it gives %s, not %s", PLAY_ADDR(real),
	    PLAY_ADDR(&r->addr));
	PLAY_MUST(a->p, strcmp(change->victim, r->victim) == 0, "it reclaims %s, not %s",
	    change->victim, r->victim);
}

/* --- the world around it ---------------------------------------------------------------------- */

/* Time passes; now and then somebody sets the clock, forwards or back. */
static void
do_time(struct play *p)
{
	static const int64_t steps[] = { 1, 1, 30, 100, 100, 700, 4000, -50, -4000,
		TOMBSTONE_LIFE_S, YEAR_S, -YEAR_S };

	p->m.now_s += steps[play_choice(p, 12)];
	p->committed.now_s = p->m.now_s;
	play_tell(p, "it is %lld", (long long) p->m.now_s - START_S);
}

static void
do_sweep(struct play *p)
{
	struct sweep done;
	struct act a;

	play_tell(p, "sweep");
	play_begin(&a, p);
	if (a.rc == 0)
		a.rc = sweep_step(&p->l, &done);
	if (!play_end(&a))
		return;
	play_same_result(&a, 0);
	model_sweep(&p->m);
}

static const char *const own[] = { "10.1.1.1/29", "10.1.1.2/29", "10.9.9.1/29" };

static void
configure(struct play *p)
{
	unsigned which = play_choice(p, 4);
	struct model_conf *c = &p->m.conf;

	*c = (struct model_conf){ .ttl_s = TTL_S, .refuse = which == 1,
		.min_idle_s = which == 2 ? 100 : 0, .rest_s = which == 3 ? 200 : 0 };
	p->stage->conf.token_ttl_ms = c->ttl_s * 1000;
	p->stage->conf.pool_on_exhausted = c->refuse ? CONF_EXHAUSTED_REFUSE : CONF_EXHAUSTED_RECLAIM;
	p->stage->conf.pool_reclaim_min_idle_ms = c->min_idle_s * 1000;
	p->stage->conf.pool_quarantine_ms = c->rest_s * 1000;
	ip_prefix_parse(own[play_choice(p, 4) == 0 ? 1 + play_choice(p, 2) : 0], &p->stage->conf.vpn_addr);
	p->m.nets[0].prefix = p->stage->conf.vpn_addr;
	p->m.nets[0].exclude = (struct ip_prefix){ 0 };
	p->stage->conf.pool_exclude = (struct conf_list){ 0 };
	if (play_choice(p, 4) == 0) {
		p->m.nets[0].exclude = (struct ip_prefix){ ip_prefix_at(&p->m.nets[0].prefix, 3),
			32 };
		p->stage->conf.pool_exclude = (struct conf_list){ 1, &p->m.nets[0].exclude };
	}
}

static int
open_ledger(struct play *p, struct err *e)
{
	tell(p, p->stage->commits);
	return ledger_open(&p->l, &p->stage->conf, p->stage->open(p->stage->arg), p->m.now_s, e);
}

static void
started(struct play *p, int rc)
{
	PLAY_MUST(p, rc == 0, "it does not start: %s", err_name(rc));
	tell(p, p->stage->committed);
	p->base = p->l.round;
	model_restart(&p->m, p->l.epoch);
	p->committed = p->m;
}

/* As after a crash: what was not committed is lost. It may fail to start, and start again. */
static void
do_restart(struct play *p)
{
	struct memory *memory = p->stage->memory;
	struct err e = { 0 };

	if (memory != NULL)
		memory_fail(memory, 0, false);
	ledger_close(&p->l);
	undo(p);
	configure(p);
	play_tell(p, "restart refuse=%d min_idle=%lld rest=%lld", p->m.conf.refuse,
	    (long long) p->m.conf.min_idle_s, (long long) p->m.conf.rest_s);
	if (memory != NULL && play_choice(p, 3) == 0) {
		memory_fail(memory, 1 + play_choice(p, 20), play_choice(p, 2) == 0);
		if (open_ledger(p, &e) == 0) {
			PLAY_MUST(p, !memory_failed(memory), "it starts in spite of a failure");
			ledger_close(&p->l);
		}
		memory_fail(memory, 0, false);
	}
	started(p, open_ledger(p, &e));
}

static const struct {
	unsigned weight;
	void (*act)(struct play *p);
} acts[] = {
	{ 4, play_do_create },
	{ 6, play_do_redeem },
	{ 8, play_do_attach },
	{ 6, play_do_report },
	{ 3, play_do_announce },
	{ 1, play_do_forsake },
	{ 2, play_do_delete },
	{ 2, play_do_reserve },
	{ 2, play_do_release },
	{ 3, play_do_network },
	{ 5, do_time },
	{ 1, do_sweep },
	{ 1, do_restart },
	{ 1, play_do_revoke },
	{ 1, play_do_rename },
	{ 1, play_do_reclaim },
};

static void
act(struct play *p)
{
	unsigned at = play_choice(p, 47), i = 0;
	unsigned failing = play_choice(p, 16);

	while (at >= acts[i].weight)
		at -= acts[i++].weight;
	if (failing == 0 && p->stage->memory != NULL)
		memory_fail(p->stage->memory, 1 + play_choice(p, 16), false);
	acts[i].act(p);
	if (p->stage->memory != NULL)
		memory_fail(p->stage->memory, 0, false);
	compare(p);
	if (failing > 4)
		commit(p);
	p->acts++;
}

size_t
play(struct play_stage *stage, const uint8_t *bytes, size_t len)
{
	static struct play p;	/* too large for a stack */
	size_t n;

	p = (struct play){ .stage = stage, .next = bytes, .end = bytes + len };
	stage->conf.cert_life_ms = INT64_C(365) * 24 * 3600 * 1000;
	stage->conf.require_node_cert = true;
	stage->conf.events_max_age_ms = INT64_C(24) * 3600 * 1000;
	stage->conf.events_max_rows = 1000;
	p.m.nets[0] = (struct model_net){ .there = true, .from_conf = true };
	configure(&p);
	model_init(&p.m, START_S);
	started(&p, open_ledger(&p, NULL));
	while (p.next < p.end)
		act(&p);
	n = p.acts;
	ledger_close(&p.l);
	return n;
}
