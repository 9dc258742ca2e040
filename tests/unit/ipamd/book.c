/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/book.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemons/ipamd/node.h"
#include "daemons/ipamd/store_sqlite.h"
#include "tests/unit/ipamd/shelf.h"
#include "tests/unit/kit.h"

static char path[KIT_PATH_MAX];

int
book_open(struct book *b)
{
	struct store *st = NULL;
	int rc = 0;

	if (b->memory != NULL)
		st = memory_open(b->memory);
	else
		rc = store_sqlite_open(path, &st, &b->err);
	return rc < 0 ? rc : ledger_open(&b->ledger, &b->conf, st, b->now_s, &b->err);
}

static void
open_ledger(struct book *b)
{
	ck_assert_msg(book_open(b) == 0, "%s", b->err.text);
}

static void
set_up(struct book *b, const char *vpn_addr)
{
	*b = (struct book){ .now_s = BOOK_START_S };
	b->conf.token_ttl_ms = BOOK_TTL_S * 1000;
	b->conf.cert_life_ms = INT64_C(365) * 24 * 3600 * 1000;
	b->conf.require_node_cert = true;
	b->conf.events_max_age_ms = INT64_C(24) * 3600 * 1000;
	b->conf.events_max_rows = 1000;
	ck_assert_int_eq(ip_prefix_parse(vpn_addr, &b->conf.vpn_addr), 0);
	secret_random(b->granter.key, sizeof(b->granter.key));
}

void
book_init_file(struct book *b, const char *vpn_addr, const char *name)
{
	set_up(b, vpn_addr);
	kit_path(name, path);
	open_ledger(b);
}

void
book_init_memory(struct book *b, const char *vpn_addr)
{
	set_up(b, vpn_addr);
	b->memory = memory_new();
	open_ledger(b);
}

/* Tests run in processes of their own, one after the other, and share the directory. */
void
book_init(struct book *b, const char *vpn_addr)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char file[KIT_PATH_MAX + 8];

	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(file, sizeof(file), "%s%s", KIT_PATH("book.db"), ends[i]);
		remove(file);
	}
	book_init_file(b, vpn_addr, "book.db");
}

void
book_fini(struct book *b)
{
	ledger_close(&b->ledger);
	memory_free(b->memory);
}

void
book_restart(struct book *b)
{
	ledger_close(&b->ledger);
	open_ledger(b);
}

/* --- requests --------------------------------------------------------------------------------- */

static int
begin(struct book *b)
{
	b->err = (struct err){ 0 };
	return ledger_request(&b->ledger, b->now_s);
}

static int
end(struct book *b, int rc)
{
	int commit;

	rc = ledger_answer(&b->ledger, rc);
	commit = ledger_commit(&b->ledger);
	return rc < 0 ? rc : commit;
}

int
book_token(struct book *b, const struct token_wish *wish, struct token_view *out)
{
	struct request r;
	int rc = begin(b);

	ck_assert_int_eq(request_init(&r, &b->granter, 0, "", NULL, 0, &b->err), 0);
	return end(b, rc < 0 ? rc : token_create(&b->ledger, &r, wish, out, &b->err));
}

static void
make_keys(unsigned seed, uint8_t grpc_out[PKI_SPKI_LEN], uint8_t vpn_out[PKI_SPKI_LEN])
{
	memset(grpc_out, 0, PKI_SPKI_LEN);
	memset(vpn_out, 0, PKI_SPKI_LEN);
	grpc_out[0] = 1;
	vpn_out[0] = 2;
	memcpy(grpc_out + 4, &seed, sizeof(seed));
	memcpy(vpn_out + 4, &seed, sizeof(seed));
}

static int
redeem(struct book *b, const char *secret, unsigned seed, bool litekube, struct token_node *out)
{
	uint8_t grpc[PKI_SPKI_LEN], vpn[PKI_SPKI_LEN];
	struct token_claim claim = {
		.secret = secret,
		.display_name = "a node",
		.grpc_spki = grpc,
		.vpn_spki = vpn,
		.grpc_spki_len = sizeof(grpc),
		.vpn_spki_len = sizeof(vpn),
		.litekube = litekube,
	};
	int rc = begin(b);

	make_keys(seed, grpc, vpn);
	return end(b, rc < 0 ? rc : token_redeem(&b->ledger, &b->granter, &claim, out, &b->err));
}

int
book_redeem(struct book *b, const char *secret, unsigned seed, struct token_node *out)
{
	return redeem(b, secret, seed, false, out);
}

int
book_redeem_litekube(struct book *b, const char *secret, unsigned seed, struct token_node *out)
{
	return redeem(b, secret, seed, true, out);
}

int
book_renew(struct book *b, const char *id, unsigned grpc_seed, unsigned vpn_seed,
    struct renewal *out)
{
	uint8_t grpc[PKI_SPKI_LEN], vpn[PKI_SPKI_LEN], ignored[PKI_SPKI_LEN];
	struct renew_claim claim = {
		.node_id = id,
		.grpc_spki = grpc,
		.vpn_spki = vpn,
		.grpc_spki_len = grpc_seed == 0 ? 0 : sizeof(grpc),
		.vpn_spki_len = vpn_seed == 0 ? 0 : sizeof(vpn),
	};
	int rc = begin(b);

	make_keys(grpc_seed, grpc, ignored);
	make_keys(vpn_seed, ignored, vpn);
	return end(b, rc < 0 ? rc : renew_grant(&b->ledger, &b->granter, &claim, out, &b->err));
}

struct store_node
book_enroll(struct book *b)
{
	struct token_wish wish = { .network = "", .address = "" };
	struct token_view made;
	struct token_node node;

	ck_assert_int_eq(book_token(b, &wish, &made), 0);
	ck_assert_msg(book_redeem(b, made.secret, 1, &node) == 0, "%s", b->err.text);
	return node.node;
}

int
book_attach(struct book *b, const struct store_node *n, struct lease *out)
{
	struct lease_wish wish = { .node_token = n->token, .net_token = "", .cert_node_id = n->id };
	int rc = begin(b);

	return end(b, rc < 0 ? rc : lease_attach(&b->ledger, &wish, out, &b->err));
}

struct lease
book_connect(struct book *b, struct store_node *node_out)
{
	struct lease lease;

	*node_out = book_enroll(b);
	ck_assert_int_eq(book_attach(b, node_out, &lease), 0);
	ck_assert_int_eq(book_report(b, node_out->id, lease.epoch, NODE_CONNECTED), 0);
	return lease;
}

int
book_report(struct book *b, const char *id, uint64_t epoch, enum node_state state)
{
	struct session s = { .node_id = id, .epoch = epoch, .state = state };
	int rc = begin(b);

	return end(b, rc < 0 ? rc : session_report(&b->ledger, &s, &b->err));
}

int
book_announce(struct book *b, const struct session *sessions, size_t n, bool *gone)
{
	struct session_part part = { .first = true, .last = true, .sessions = sessions, .n = n };
	bool *mine = calloc(n + 1, sizeof(bool));
	int rc = begin(b);

	rc = end(b, rc < 0 ? rc
	    : session_announce(&b->ledger, &part, gone == NULL ? mine : gone, &b->err));
	free(mine);
	return rc;
}

void
book_sync(struct book *b)
{
	struct node_page page;
	struct session *sessions;
	size_t n = 0;

	ck_assert_int_eq(begin(b), 0);
	ck_assert_int_eq(end(b, node_list(&b->ledger, "", 0, NODE_PAGE_MAX, &page)), 0);
	sessions = calloc(page.n + 1, sizeof(*sessions));
	for (size_t i = 0; i < page.n; i++) {
		if (page.nodes[i].state == NODE_CONNECTING || page.nodes[i].state == NODE_CONNECTED)
			sessions[n++] = (struct session){ page.nodes[i].id, page.nodes[i].epoch,
				page.nodes[i].state };
	}
	ck_assert_int_eq(book_announce(b, sessions, n, NULL), 0);
	free(sessions);
	node_page_fini(&page);
}

void
book_forsake(struct book *b)
{
	ck_assert_int_eq(begin(b), 0);
	ck_assert_int_ge(end(b, session_forsake(&b->ledger)), 0);
}

int
book_delete(struct book *b, const char *id)
{
	uint64_t epoch;
	int rc = begin(b);

	return end(b, rc < 0 ? rc : node_delete(&b->ledger, id, &epoch));
}

bool
book_has(struct book *b, const char *id)
{
	struct node_noted n;
	bool has;

	ck_assert_int_eq(begin(b), 0);
	has = end(b, node_get(&b->ledger, id, &n)) == 0;
	if (has)
		node_notes_fini(&n.notes);
	return has;
}

struct store_node
book_get(struct book *b, const char *id)
{
	struct node_noted n = { 0 };

	ck_assert_int_eq(begin(b), 0);
	ck_assert_msg(end(b, node_get(&b->ledger, id, &n)) == 0, "%s", id);
	node_notes_fini(&n.notes);
	return n.node;
}

/* --- looking ---------------------------------------------------------------------------------- */

static void
check_taken(const struct network *net, const struct ip_addr *addr)
{
	ck_assert_msg(!pool_usable(net->pool, addr) || pool_taken(net->pool, addr), "%s",
	    IP_TEXT(addr));
}

/* An address that is reserved may be a node's as well. */
static void
check_pool(struct book *b, const struct network *net)
{
	struct store_binding rows[256];
	struct store_hold holds[256];
	struct store_node owner;
	uint64_t taken = 0;
	int n, m;

	ck_assert_int_ge(n = store_bindings(b->ledger.store, net->row.id, 0, rows, 256), 0);
	ck_assert_int_ge(m = store_hold_list(b->ledger.store, net->row.id, 0, holds, 256), 0);
	for (int i = 0; i < n; i++) {
		check_taken(net, &rows[i].addr);
		taken += pool_usable(net->pool, &rows[i].addr);
	}
	for (int i = 0; i < m; i++) {
		check_taken(net, &holds[i].addr);
		taken += pool_usable(net->pool, &holds[i].addr) &&
		    store_node_by_addr(b->ledger.store, net->row.id, &holds[i].addr,
		    &owner) == -ENOENT;
	}
	ck_assert_uint_eq(pool_used(net->pool), taken);
}

void
book_check_pool(struct book *b)
{
	struct network *net = NULL;

	while ((net = ledger_network_next(&b->ledger, net)) != NULL)
		check_pool(b, net);
}

const char *
book_sql(const char *sql)
{
	return shelf_look(path, sql);
}
