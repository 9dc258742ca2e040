/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/token.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/reason.h"
#include "common/utf8.h"
#include "daemons/ipamd/events.h"

#define TRIES 8		/* random ids that may be taken before something is wrong */
#define NODE_DIGITS 12

_Static_assert(STORE_LABEL_LEN <= SECRET_TOKEN_LEN && NODE_DIGITS <= SECRET_TOKEN_LEN,
    "ids are cut from the text of a random token");

/* --- making ----------------------------------------------------------------------------------- */

static int
read_wish(const struct ledger *l, const struct token_wish *w, struct store_token *t, struct err *e)
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
	if (w->address[0] != '\0' && ip_parse(w->address, &t->addr) < 0)
		return err_set(e, -REASON_ADDRESS_INVALID, "address: is not an IP address");
	t->uses_left = uses;
	t->expire_s = l->now_s + life_s;
	return 0;
}

/* A promise ends with the life of its token, not with the sweep that comes some time later. */
static int
claim_address(struct ledger *l, const struct network *net, const struct ip_addr *addr,
    struct err *e)
{
	struct store_token other;
	int rc;

	if (!pool_usable(net->pool, addr))
		return err_set(e, -REASON_ADDRESS_INVALID, "address: %s cannot be given to a node "
		    "of %s", IP_TEXT(addr), PREFIX_TEXT(&net->prefix));
	if (!pool_taken(net->pool, addr))
		return 0;
	rc = store_token_by_promise(l->store, net->id, addr, &other);
	if (rc == 0 && other.expire_s <= l->now_s)
		return store_token_delete(l->store, other.row);
	if (rc == 0)
		return err_set(e, -REASON_ADDRESS_TAKEN, "address: %s is promised to another "
		    "bootstrap token", IP_TEXT(addr));
	return rc == -ENOENT ? -REASON_ADDRESS_TAKEN : rc;
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
add_token(struct ledger *l, struct store_token *t, char secret[SECRET_TOKEN_LEN + 1])
{
	char random[SECRET_TOKEN_LEN + 1];
	int rc = -EEXIST;

	for (unsigned i = 0; i < TRIES && rc == -EEXIST; i++) {
		secret_token(secret);
		secret_hash(secret, t->hash);
		secret_token(random);
		snprintf(t->label, sizeof(t->label), "%.*s", STORE_LABEL_LEN, random);
		rc = store_token_add(l->store, t);
	}
	return rc == -EEXIST ? -REASON_INTERNAL : rc;
}

int
token_create(struct ledger *l, const struct token_wish *wish, struct token_made *out,
    struct err *e)
{
	const struct network *net = ledger_network_named(l, wish->network);
	struct token_made made = { 0 };
	struct store_token t = { 0 };
	int rc;

	if (net == NULL)
		return -REASON_NETWORK_UNKNOWN;
	t.net = net->id;
	if ((rc = read_wish(l, wish, &t, e)) < 0 ||
	    (rc = check_room(l, e)) < 0 ||
	    (t.addr.family != 0 && (rc = claim_address(l, net, &t.addr, e)) < 0) ||
	    (rc = add_token(l, &t, made.secret)) < 0)
		return rc;
	pool_mark(net->pool, &t.addr);
	memcpy(made.label, t.label, sizeof(made.label));
	made.network = net->name;
	made.addr = t.addr;
	made.uses = t.uses_left;
	made.expire_s = t.expire_s;
	*out = made;
	secret_wipe(&made, sizeof(made));
	return 0;
}

/* --- redeeming -------------------------------------------------------------------------------- */

/* Fit to be shown in a terminal: valid UTF-8 without control characters (C0, DEL, C1). */
static bool
is_printable(const char *text)
{
	uint32_t c;

	while ((c = utf8_next(&text)) != 0) {
		if (c == UTF8_BAD || c < 0x20 || (c >= 0x7f && c < 0xa0))
			return false;
	}
	return true;
}

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
	if (strlen(c->display_name) > STORE_NAME_MAX)
		return err_set(e, -REASON_FIELD_INVALID, "display_name: must be at most %d bytes",
		    STORE_NAME_MAX);
	if (!is_printable(c->display_name))
		return err_set(e, -REASON_FIELD_INVALID, "display_name: must be UTF-8 without "
		    "control characters");
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

static int
enroll(struct ledger *l, const struct network *net, const struct store_token *t,
    struct store_node *n, struct lease_change *change, struct err *e)
{
	int rc;

	if (t->uses_left == 0)
		return -REASON_TOKEN_USED;
	n->fixed = t->addr.family != 0;
	n->addr = t->addr;
	if (n->fixed && !pool_usable(net->pool, &n->addr))
		return err_set(e, -REASON_ADDRESS_INVALID, "%s was promised, but cannot be given "
		    "to a node of %s any more", IP_TEXT(&n->addr), PREFIX_TEXT(&net->prefix));
	if (!n->fixed && (rc = lease_take(l, net, &n->addr, change, e)) < 0)
		return rc;
	change->bound = true;
	if ((rc = store_token_use(l->store, t->row)) < 0 || (rc = add_node(l, n)) < 0)
		return rc;
	return events_node(l, EVENT_CREATE, n, "token=%s name=%s", t->label, n->display_name);
}

static int
sign_grants(const struct ledger *l, const struct granter *g, const struct token_claim *c,
    struct token_node *out)
{
	struct granter_wish wish = {
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
	made.network = net->name;
	made.node.net = t.net;
	made.node.bootstrap = t.row;
	rc = store_node_by_keys(l->store, &made.node, &known);
	made.fresh = rc == -ENOENT || (rc == 0 && ledger_expired(l, &known));
	if (made.fresh)
		rc = enroll(l, net, &t, &made.node, &made.change, e);
	else if (rc == 0)
		made.node = known;
	if (rc < 0 || (rc = sign_grants(l, g, claim, &made)) < 0)
		return rc;
	pool_mark(net->pool, &made.node.addr);
	*out = made;
	secret_wipe(&made, sizeof(made));
	return 0;
}
