/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/token.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ipamd/events.h"
#include "daemons/ipamd/expire.h"
#include "daemons/ipamd/hold.h"
#include "daemons/ipamd/name.h"

#define TRIES 8		/* random ids that may be taken before something is wrong */
#define NODE_DIGITS 12

_Static_assert(STORE_LABEL_LEN <= SECRET_TOKEN_LEN && NODE_DIGITS <= SECRET_TOKEN_LEN,
    "ids are cut from the text of a random token");

/* --- making ----------------------------------------------------------------------------------- */

static int
read_wish(const struct ledger *l, const struct token_wish *w, struct store_token *t,
    struct ip_addr *addr, struct err *e)
{
	int64_t life_s = w->life_s == 0 ? l->conf->token_ttl_ms / 1000 : w->life_s;
	uint32_t uses = w->uses == 0 ? 1 : w->uses;

	if (life_s < 1 || life_s > TOKEN_LIFE_MAX_S)
		return err_set(e, -REASON_FIELD_INVALID, "life_s: must be from 1 s to %d days",
		    TOKEN_LIFE_MAX_S / (24 * 3600));
	if (uses > TOKEN_USES_MAX)
		return err_set(e, -REASON_FIELD_INVALID, "uses: must be at most %d",
		    TOKEN_USES_MAX);
	if (w->address[0] != '\0' && uses != 1)
		return err_set(e, -REASON_FIELD_INVALID, "address: is for one use only");
	if (w->address[0] != '\0' && ip_parse(w->address, addr) < 0)
		return err_set(e, -REASON_ADDRESS_INVALID, "address: is not an IP address");
	t->uses = t->uses_left = uses;
	t->create_s = l->now_s;
	t->expire_s = l->now_s + life_s;
	return 0;
}

static int
check_room(struct ledger *l, struct err *e)
{
	uint64_t n;
	int rc = store_token_count(l->store, &n);

	if (rc == 0 && n >= TOKENS_MAX)
		return err_set(e, -REASON_OVERLOADED, "there are %" PRIu64 " bootstrap tokens", n);
	return rc;
}

static int
add_token(struct ledger *l, struct request *r, struct store_token *t,
    char secret[SECRET_TOKEN_LEN + 1])
{
	char random[SECRET_TOKEN_LEN + 1];
	int rc = -EEXIST;

	for (unsigned i = 0; i < TRIES && rc == -EEXIST; i++) {
		request_secret(r, secret);
		secret_hash(secret, t->hash);
		secret_token(random);
		snprintf(t->label, sizeof(t->label), "%.*s", STORE_LABEL_LEN, random);
		rc = store_token_add(l->store, t);
	}
	return rc == -EEXIST ? -REASON_INTERNAL : rc;
}

/* The address is the token's until its node has it, or its life is over. */
static int
promise(struct ledger *l, struct network *net, const struct store_token *t,
    const struct ip_addr *addr)
{
	struct store_hold h = { .net = net->row.id, .addr = *addr, .kind = HOLD_PROMISE,
		.token = t->row, .until_s = t->expire_s };
	int rc = addr->family == 0 ? 0 : store_hold_add(l->store, &h);

	if (rc == 0)
		ledger_take(l, net, addr);
	return rc;
}

int
token_create(struct ledger *l, struct request *r, const struct token_wish *wish,
    struct token_view *out, struct err *e)
{
	struct network *net = ledger_network_named(l, wish->network);
	struct token_view made = { 0 };
	struct store_token *t = &made.row;
	int rc;

	if (net == NULL)
		return -REASON_NETWORK_UNKNOWN;
	t->net = net->row.id;
	if ((rc = read_wish(l, wish, t, &made.addr, e)) < 0 ||
	    (rc = check_room(l, e)) < 0 ||
	    (made.addr.family != 0 && (rc = hold_claim(l, net, &made.addr, e)) < 0) ||
	    (rc = add_token(l, r, t, made.secret)) < 0 ||
	    (rc = promise(l, net, t, &made.addr)) < 0)
		return rc;
	memcpy(made.network, net->row.name, sizeof(made.network));
	*out = made;
	secret_wipe(&made, sizeof(made));
	return 0;
}

/* --- seeing and revoking ---------------------------------------------------------------------- */

static int
view(struct ledger *l, const struct store_token *t, struct token_view *out)
{
	const struct network *net = ledger_network(l, t->net);
	struct token_view v = { .row = *t };
	struct store_hold h;
	int rc = store_hold_by_token(l->store, t->row, &h);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == 0)
		v.addr = h.addr;
	if (net != NULL)
		memcpy(v.network, net->row.name, sizeof(v.network));
	*out = v;
	return 0;
}

int
token_get(struct ledger *l, const char *label, struct token_view *out)
{
	struct store_token t;
	int rc = store_token_by_label(l->store, label, &t);

	if (rc < 0)
		return rc == -ENOENT ? -REASON_TOKEN_NOT_FOUND : rc;
	return view(l, &t, out);
}

int
token_list(struct ledger *l, const char *network, int64_t after, size_t size,
    struct token_page *out)
{
	size_t max = size == 0 ? TOKEN_PAGE_DEFAULT : size > TOKEN_PAGE_MAX ? TOKEN_PAGE_MAX : size;
	struct store_token *rows = calloc(max + 1, sizeof(*rows));
	struct token_page page = { .tokens = calloc(max, sizeof(*page.tokens)) };
	int64_t net;
	int n = 0, rc;

	rc = rows == NULL || page.tokens == NULL ? -ENOMEM : ledger_network_id(l, network, &net);
	if (rc == 0)
		rc = n = store_token_list(l->store, net, after, rows, max + 1);
	for (; rc >= 0 && page.n < max && page.n < (size_t) n; page.n++)
		rc = view(l, &rows[page.n], &page.tokens[page.n]);
	if (rc >= 0) {
		page.next = (size_t) n > max ? rows[max - 1].row : 0;
		*out = page;
		page.tokens = NULL;
		rc = 0;
	}
	free(page.tokens);
	free(rows);
	return rc;
}

int
token_revoke(struct ledger *l, const char *label, struct token_view *out)
{
	struct token_view v;
	int rc;

	if ((rc = token_get(l, label, &v)) < 0 ||
	    (rc = expire_token(l, &v.row)) < 0 ||
	    (rc = events_network(l, EVENT_TOKEN_REVOKE, ledger_network(l, v.row.net), "token=%s",
	    v.row.label)) < 0)
		return rc;
	*out = v;
	return 0;
}

/* --- redeeming -------------------------------------------------------------------------------- */

static int
read_claim(const struct token_claim *c, struct store_node *n, struct err *e)
{
	if (c->grpc_spki_len != PKI_SPKI_LEN)
		return err_set(e, -REASON_FIELD_INVALID, "grpc_spki: must be %d bytes",
		    PKI_SPKI_LEN);
	if (c->vpn_spki_len != PKI_SPKI_LEN)
		return err_set(e, -REASON_FIELD_INVALID, "vpn_spki: must be %d bytes",
		    PKI_SPKI_LEN);
	if (memcmp(c->grpc_spki, c->vpn_spki, PKI_SPKI_LEN) == 0)
		return err_set(e, -REASON_FIELD_INVALID, "vpn_spki: must be another key than "
		    "grpc_spki's");
	if (name_check_display(c->display_name, "display_name", e) < 0)
		return e->rc;
	snprintf(n->display_name, sizeof(n->display_name), "%s", c->display_name);
	memcpy(n->grpc_spki, c->grpc_spki, PKI_SPKI_LEN);
	memcpy(n->vpn_spki, c->vpn_spki, PKI_SPKI_LEN);
	return 0;
}

static int
find_token(struct ledger *l, const char *secret, struct store_token *t)
{
	uint8_t hash[SECRET_HASH_LEN];
	int rc;

	secret_hash(secret, hash);
	rc = store_token_by_hash(l->store, hash, t);
	if (rc == -ENOENT)
		return -REASON_TOKEN_UNKNOWN;
	return rc == 0 && t->expire_s <= l->now_s ? -REASON_TOKEN_EXPIRED : rc;
}

static int
add_node(struct ledger *l, struct store_node *n)
{
	char random[SECRET_TOKEN_LEN + 1];
	int rc = -EEXIST;

	for (unsigned i = 0; i < TRIES && rc == -EEXIST; i++) {
		secret_token(random);
		snprintf(n->id, sizeof(n->id), "n-%.*s", NODE_DIGITS, random);
		secret_token(n->token);
		rc = store_node_add(l->store, n, l->now_s);
	}
	return rc == -EEXIST ? -REASON_INTERNAL : rc;
}

/* The address that the token was made for, if it was: it becomes the node's own. */
static int
take_promise(struct ledger *l, const struct network *net, const struct store_token *t,
    struct store_node *n, struct err *e)
{
	struct store_hold h;
	int rc = store_hold_by_token(l->store, t->row, &h);

	if (rc < 0)
		return rc;
	if (!pool_usable(net->pool, &h.addr))
		return err_set(e, -REASON_ADDRESS_INVALID, "%s was promised, but cannot be given "
		    "to a node of %s any more", IP_TEXT(&h.addr), PREFIX_TEXT(&net->row.prefix));
	n->addr = h.addr;
	n->fixed = true;
	return store_hold_delete(l->store, h.row);
}

static int
enroll(struct ledger *l, const struct network *net, const struct store_token *t, bool unbound,
    struct store_node *n, struct lease_change *change, struct err *e)
{
	int rc;

	if (t->uses_left == 0)
		return -REASON_TOKEN_USED;
	rc = take_promise(l, net, t, n, e);
	if (rc == -ENOENT)
		rc = unbound ? 0 : lease_choose(l, n, &n->addr, &n->fixed, change, e);
	if (rc < 0)
		return rc;
	change->bound = n->addr.family != 0;
	if ((rc = store_token_use(l->store, t->row)) < 0 || (rc = add_node(l, n)) < 0)
		return rc;
	return events_node(l, EVENT_CREATE, n, "token=%s name=%s", t->label, n->display_name);
}

static int
sign_grants(const struct ledger *l, const struct granter *g, const struct token_claim *c,
    struct token_node *out)
{
	struct granter_wish wish = {
		.subject = c->litekube ? GRANT_SUBJECT_LITEKUBE : GRANT_SUBJECT_NODE,
		.node_id = out->node.id,
		.not_after = l->now_s + l->conf->cert_life_ms / 1000,
		.now_s = l->now_s,
	};
	int rc;

	wish.pki = GRANT_PKI_GRPC;
	wish.spki = c->grpc_spki;
	if ((rc = granter_sign(g, &wish, out->grpc_grant)) < 0)
		return rc;
	wish.pki = GRANT_PKI_VPN;
	wish.spki = c->vpn_spki;
	return granter_sign(g, &wish, out->vpn_grant);
}

int
token_redeem(struct ledger *l, const struct granter *g, const struct token_claim *claim,
    struct token_node *out, struct err *e)
{
	struct token_node made = { 0 };
	struct store_node known;
	struct store_token t;
	struct network *net;
	int rc;

	if ((rc = read_claim(claim, &made.node, e)) < 0 ||
	    (rc = find_token(l, claim->secret, &t)) < 0)
		return rc;
	if ((net = ledger_network(l, t.net)) == NULL)
		return -REASON_NETWORK_UNKNOWN;
	made.node.net = t.net;
	made.node.bootstrap = t.row;
	rc = store_node_by_keys(l->store, &made.node, &known);
	made.fresh = rc == -ENOENT || (rc == 0 && ledger_expired(l, &known));
	if (made.fresh)
		rc = enroll(l, net, &t, claim->litekube, &made.node, &made.change, e);
	else if (rc == 0)
		made.node = known;
	if (rc < 0 || (rc = sign_grants(l, g, claim, &made)) < 0)
		return rc;
	ledger_take(l, net, &made.node.addr);
	*out = made;
	secret_wipe(&made, sizeof(made));
	return 0;
}
