/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/play_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "daemons/ipamd/network.h"
#include "daemons/ipamd/node.h"
#include "daemons/ipamd/reserve.h"
#include "daemons/ipamd/session.h"
#include "daemons/ipamd/token.h"

/* The moves of the game: each on the ledger's side, then on the model's. */

/* --- tokens and nodes ------------------------------------------------------------------------- */

static void
unnamed(struct play *p, struct request *r)
{
	request_init(r, &p->granter, 0, "", NULL, 0, NULL);
}

void
play_do_create(struct play *p)
{
	int net = play_some_net(p);
	struct ip_addr addr = play_some_addr(p, net);
	unsigned uses = play_choice(p, 3) == 0 ? 2 : 1, life_s = 10 + 100 * play_choice(p, 20);
	struct token_wish wish = { .network = play_nets[net], .life_s = life_s,
		.uses = uses, .address = PLAY_ADDR(&addr) };
	struct token_view made = { 0 };
	struct model_result r;
	struct request req;
	struct act a;

	if (p->m.ntokens == MODEL_TOKENS)
		return;
	play_tell(p, "create %s uses=%u life=%u addr=%s", wish.network, uses, life_s, wish.address);
	unnamed(p, &req);
	play_begin(&a, p);
	if (a.rc == 0)
		a.rc = token_create(&p->l, &req, &wish, &made, &a.err);
	if (!play_end(&a))
		return;
	r = model_create(&p->m, net, uses, life_s, &addr, made.secret);
	play_same_result(&a, r.rc);
}

void
play_do_redeem(struct play *p)
{
	size_t i = play_choice(p, (unsigned) p->m.ntokens + 1);
	const char *secret = i == p->m.ntokens ? "0000" : p->m.tokens[i].secret;
	unsigned keys = 1 + play_choice(p, 4);
	uint8_t grpc[PKI_SPKI_LEN] = { 1, (uint8_t) keys }, vpn[PKI_SPKI_LEN] = { 2, (uint8_t) keys };
	struct token_claim claim = { .secret = secret, .display_name = play_some_name(p),
		.grpc_spki = grpc, .grpc_spki_len = PKI_SPKI_LEN,
		.vpn_spki = vpn, .vpn_spki_len = PKI_SPKI_LEN };
	struct token_node t = { 0 };
	static struct model before;
	struct model_result r;
	struct act a;

	if (p->m.nnodes == MODEL_NODES)
		return;
	play_tell(p, "redeem token %zu keys=%u name=%s", i, keys, claim.display_name);
	play_begin(&a, p);
	if (a.rc == 0)
		a.rc = token_redeem(&p->l, &p->granter, &claim, &t, &a.err);
	if (!play_end(&a))
		return;
	before = p->m;
	r = model_redeem(&p->m, secret, keys, claim.display_name, t.node.id, t.node.token);
	play_same_address(&a, &t.node.addr, &t.change, &r, &before);
	PLAY_MUST(p, a.rc < 0 || t.fresh != r.same, "fresh is %d", t.fresh);
}

void
play_do_attach(struct play *p)
{
	size_t i = play_choice(p, (unsigned) p->m.nnodes + 2);
	const struct model_node *n = i < p->m.nnodes ? &p->m.nodes[i] : NULL;
	const char *token = n != NULL ? n->token : i > p->m.nnodes || p->m.ntombs == 0 ? "none"
	    : p->m.tombs[play_choice(p, (unsigned) p->m.ntombs)].token;
	char *served[MODEL_NETS];
	struct lease_wish wish = { .node_token = token, .served = served, .nserved = MODEL_NETS,
		.net_token = n == NULL || play_choice(p, 8) == 0 ? "" : p->m.nets[n->net].secret,
		.cert_node_id = n == NULL || play_choice(p, 8) == 0 ? "n-other" : n->id };
	struct lease lease = { 0 };
	static struct model before;
	struct model_result r;
	struct act a;

	for (unsigned k = 0; k < MODEL_NETS; k++)
		served[k] = (char *) play_nets[k];
	play_tell(p, "attach %s cert=%s net_token=%s", n == NULL ? token : n->id, wish.cert_node_id,
	    wish.net_token);
	play_begin(&a, p);
	if (a.rc == 0)
		a.rc = lease_attach(&p->l, &wish, &lease, &a.err);
	if (!play_end(&a))
		return;
	PLAY_MUST(p, a.rc < 0 || lease.epoch > p->epoch, "an epoch is handed out twice");
	before = p->m;
	r = model_attach(&p->m, token, wish.cert_node_id, wish.net_token, lease.epoch);
	play_same_address(&a, &lease.addr.addr, &lease.change, &r, &before);
}

void
play_do_delete(struct play *p)
{
	char id[MODEL_TEXT];
	uint64_t epoch = 0;
	struct model_result r;
	struct act a;

	snprintf(id, sizeof(id), "%s", play_some_id(p));
	play_tell(p, "delete %s", id);
	play_begin(&a, p);
	if (a.rc == 0)
		a.rc = node_delete(&p->l, id, &epoch);
	if (!play_end(&a))
		return;
	r = model_delete(&p->m, id, epoch);
	play_same_result(&a, r.rc);
}

/* What an administrator calls a token by. */
static int
find_label(struct play *p, const char *secret, char label[STORE_LABEL_LEN + 1])
{
	uint8_t hash[SECRET_HASH_LEN];
	struct store_token t;
	int rc;

	secret_hash(secret, hash);
	rc = store_token_by_hash(p->l.store, hash, &t);
	snprintf(label, STORE_LABEL_LEN + 1, "%s", rc == 0 ? t.label : "none");
	return rc == -ENOENT ? 0 : rc;
}

void
play_do_revoke(struct play *p)
{
	size_t i = play_choice(p, (unsigned) p->m.ntokens + 1);
	char label[STORE_LABEL_LEN + 1], secret[MODEL_TEXT];
	struct token_view view;
	struct act a;

	snprintf(secret, sizeof(secret), "%s", i == p->m.ntokens ? "0000" : p->m.tokens[i].secret);
	play_tell(p, "revoke token %zu", i);
	play_begin(&a, p);
	if (a.rc == 0 && (a.rc = find_label(p, secret, label)) == 0)
		a.rc = token_revoke(&p->l, label, &view);
	if (play_end(&a))
		play_same_result(&a, model_revoke(&p->m, secret));
}

void
play_do_rename(struct play *p)
{
	const char *id = play_some_id(p), *name = play_some_name(p);
	struct node_wish wish = { .rename = true, .display_name = name };
	struct node_noted noted = { .notes = { 0 } };
	struct act a;

	play_tell(p, "rename %s to \"%s\"", id, name);
	play_begin(&a, p);
	if (a.rc == 0)
		a.rc = node_update(&p->l, id, &wish, &noted, &a.err);
	node_notes_fini(&noted.notes);
	if (play_end(&a))
		play_same_result(&a, model_rename(&p->m, id, name));
}

void
play_do_reclaim(struct play *p)
{
	int net = play_some_net(p), expected;
	unsigned max = 1 + play_choice(p, 3), least_s = play_choice(p, 2) * play_choice(p, 200);
	struct lease_victims v = { .n = 0 };
	struct act a;

	play_tell(p, "reclaim %s max=%u idle=%u", play_nets[net], max, least_s);
	play_begin(&a, p);
	if (a.rc == 0)
		a.rc = lease_reclaim(&p->l, play_nets[net], max, least_s, &v, &a.err);
	free(v.victims);
	if (!play_end(&a))
		return;
	expected = model_reclaim(&p->m, net, max, least_s);
	play_same_result(&a, expected < 0 ? expected : 0);
	PLAY_MUST(p, expected < 0 || v.n == (size_t) expected, "%zu are reclaimed", v.n);
}

/* --- sessions --------------------------------------------------------------------------------- */

static uint64_t
some_epoch(struct play *p, const char *id)
{
	const struct model_node *n = model_node(&p->m, id);
	uint64_t epoch = n == NULL ? p->l.epoch : n->epoch;

	switch (play_choice(p, 8)) {
	case 0:
		return epoch == 0 ? 0 : epoch - 1;
	case 1:
		return p->l.epoch + 1;
	default:
		return epoch;
	}
}

void
play_do_report(struct play *p)
{
	static const enum node_state states[] = { NODE_CONNECTED, NODE_LOST, NODE_IDLE };
	const char *id = play_some_id(p);
	struct session s = { .node_id = id, .epoch = some_epoch(p, id),
		.state = states[play_choice(p, 3)] };
	struct act a;

	play_tell(p, "report %s epoch=%llx state=%d", id, (unsigned long long) s.epoch, s.state);
	play_begin(&a, p);
	if (a.rc == 0)
		a.rc = session_report(&p->l, &s, &a.err);
	if (play_end(&a))
		play_same_result(&a, model_report(&p->m, id, s.epoch, s.state));
}

static void
announce(struct play *p, bool first, bool last, const char *id, uint64_t epoch, bool connected)
{
	struct session s = { .node_id = id, .epoch = epoch,
		.state = connected ? NODE_CONNECTED : NODE_CONNECTING };
	struct session_part part = { first, last, &s, id != NULL };
	bool gone = false, expected;
	struct act a;
	int rc;

	play_tell(p, "announce first=%d last=%d %s epoch=%llx connected=%d", first, last,
	    id == NULL ? "-" : id, (unsigned long long) epoch, connected);
	play_begin(&a, p);
	if (a.rc == 0)
		a.rc = session_announce(&p->l, &part, &gone, &a.err);
	if (!play_end(&a))
		return;
	rc = model_announce(&p->m, first, last, id, epoch, connected, &expected);
	play_same_result(&a, rc);
	PLAY_MUST(p, rc < 0 || gone == expected, "gone is %d", gone);
}

/* All that are live, but for some; or whatever may be. */
void
play_do_announce(struct play *p)
{
	bool first = true;

	if (play_choice(p, 3) == 0) {
		const char *id = play_some_id(p);

		announce(p, play_choice(p, 4) != 0, play_choice(p, 2) == 0, id, some_epoch(p, id),
		    play_choice(p, 2) == 0);
		return;
	}
	for (size_t i = 0; i < p->m.nnodes; i++) {
		const struct model_node *n = &p->m.nodes[i];

		if (n->state != NODE_CONNECTED && n->state != NODE_CONNECTING)
			continue;
		if (play_choice(p, 6) == 0)
			continue;
		announce(p, first, false, n->id, n->epoch, n->state == NODE_CONNECTED);
		first = false;
	}
	announce(p, first, true, NULL, 0, false);
}

void
play_do_forsake(struct play *p)
{
	struct act a;

	play_tell(p, "forsake");
	play_begin(&a, p);
	if (a.rc == 0)
		a.rc = session_forsake(&p->l);
	if (!play_end(&a))
		return;
	PLAY_MUST(p, a.rc >= 0, "it is refused");
	model_forsake(&p->m);
}

/* --- kept addresses --------------------------------------------------------------------------- */

void
play_do_reserve(struct play *p)
{
	int net = play_some_net(p);
	const char *name = play_names[1 + play_choice(p, 2)];
	struct ip_addr addr = play_some_addr(p, net);
	struct reserve_wish wish = { play_nets[net], name, PLAY_ADDR(&addr) };
	struct reserve_view view = { 0 };
	static struct model before;
	struct model_result r;
	struct act a;

	play_tell(p, "reserve %s name=%s addr=%s", wish.network, name, wish.address);
	play_begin(&a, p);
	if (a.rc == 0)
		a.rc = reserve_address(&p->l, &wish, &view, &a.err);
	if (!play_end(&a))
		return;
	before = p->m;
	r = model_reserve(&p->m, net, name, &addr);
	play_same_address(&a, &view.hold.addr, &(struct lease_change){ 0 }, &r, &before);
}

void
play_do_release(struct play *p)
{
	int net = play_some_net(p);
	const char *name = play_some_name(p);
	struct ip_addr addr = play_some_addr(p, net), none = { 0 };
	struct reserve_wish wish = { play_nets[net], name,
		name[0] != '\0' ? "" : PLAY_ADDR(&addr) };
	struct reserve_view view;
	struct act a;

	if (name[0] == '\0' && addr.family == 0)
		return;
	play_tell(p, "release %s name=%s addr=%s", wish.network, name, wish.address);
	play_begin(&a, p);
	if (a.rc == 0)
		a.rc = reserve_release(&p->l, &wish, &view, &a.err);
	if (play_end(&a))
		play_same_result(&a, model_release(&p->m, net, name, name[0] != '\0' ? &none : &addr));
}

/* --- networks --------------------------------------------------------------------------------- */

static const char *const prefixes[] = { "10.2.0.1/30", "10.2.0.5/30", "10.2.0.1/29",
	"10.3.0.2/29", "10.1.1.9/29" };

void
play_do_network(struct play *p)
{
	unsigned what = play_choice(p, 5), net = 1 + play_choice(p, MODEL_NETS - 1);
	const char *name = play_nets[play_choice(p, 10) == 0 ? net = 0 : net];
	const char *address = prefixes[play_choice(p, 5)];
	struct ip_prefix prefix, exclude = { 0 };
	char text[IP_TEXT_MAX], *list[] = { text };
	struct network_wish wish = { .name = name, .address = address, .exclude = list };
	struct network_view view = { 0 };
	struct request req;
	struct act a;
	int rc = 0;

	ip_prefix_parse(address, &prefix);
	if (play_choice(p, 4) == 0) {
		exclude = (struct ip_prefix){ ip_prefix_at(&prefix, 2), 32 };
		ip_prefix_format(&exclude, text);
		wish.nexclude = 1;
	}
	wish.open = play_choice(p, 2) == 0;
	play_tell(p, "network %u %s %s exclude=%zu open=%d", what, name, address, wish.nexclude,
	    wish.open);
	unnamed(p, &req);
	play_begin(&a, p);
	if (a.rc == 0)
		a.rc = what < 2 ? network_create(&p->l, &req, &wish, &view, &a.err)
		    : what == 2 ? network_recreate(&p->l, &wish, &view, &a.err)
		    : what == 3 ? network_delete(&p->l, name, wish.open, &view, &a.err)
		    : network_token(&p->l, &req, name, wish.open, &view);
	if (!play_end(&a))
		return;
	PLAY_MUST(p, a.rc < 0 || what != 2 || (view.epoch >= p->epoch && view.epoch < p->l.epoch),
	    "sessions of before the change can go on");
	rc = what < 2 ? model_net_create(&p->m, (int) net, name, &prefix, &exclude, view.secret)
	    : what == 2 ? model_net_recreate(&p->m, (int) net, &prefix, &exclude, p->l.epoch)
	    : what == 3 ? model_net_delete(&p->m, (int) net, wish.open)
	    : model_net_token(&p->m, (int) net, view.secret);
	play_same_result(&a, rc);
}
