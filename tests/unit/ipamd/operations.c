/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/operations.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ipamd/network.h"
#include "daemons/ipamd/node.h"
#include "daemons/ipamd/reserve.h"
#include "daemons/ipamd/sweep.h"

/* What the operation is about: made anew each time before it is tried. */
static struct {
	struct store_node node;
	uint64_t epoch;
	char name[STORE_NAME_MAX + 1];
	char secret[SECRET_TOKEN_LEN + 1];
} subject;

int
operation_run(struct book *b, int (*act)(struct book *b, struct request *r))
{
	struct request r;
	int rc = ledger_request(&b->ledger, b->now_s), commit;

	request_init(&r, &b->granter, 0, "", NULL, 0, &b->err);
	rc = ledger_answer(&b->ledger, rc < 0 ? rc : act(b, &r));
	commit = ledger_commit(&b->ledger);
	return rc < 0 ? rc : commit;
}

static void
prepare_nothing(struct book *b)
{
	(void) b;
}

static void
prepare_token(struct book *b)
{
	struct token_wish wish = { .network = "", .address = "" };
	struct token_view made;

	ck_assert_int_eq(book_token(b, &wish, &made), 0);
	memcpy(subject.secret, made.secret, sizeof(subject.secret));
}

static void
prepare_node(struct book *b)
{
	subject.node = book_enroll(b);
}

static void
prepare_session(struct book *b)
{
	struct lease lease = book_connect(b, &subject.node);

	subject.epoch = lease.epoch;
}

static void
prepare_full(struct book *b)
{
	while (pool_used(b->ledger.nets[0].pool) < pool_size(b->ledger.nets[0].pool))
		book_enroll(b);
	prepare_token(b);
}

/* A node that has had to give its address back. */
static void
prepare_homeless(struct book *b)
{
	struct store *st = b->ledger.store;

	subject.node = book_enroll(b);
	ck_assert_int_eq(ledger_request(&b->ledger, b->now_s), 0);
	ledger_free(&b->ledger, &b->ledger.nets[0], &subject.node.addr);
	ck_assert_int_eq(store_node_bind(st, &subject.node, &(struct ip_addr){ 0 }, false,
	    b->now_s), 0);
	ck_assert_int_eq(ledger_answer(&b->ledger, 0), 0);
	ck_assert_int_eq(ledger_commit(&b->ledger), 0);
}

static void
prepare_homeless_and_full(struct book *b)
{
	prepare_homeless(b);
	prepare_full(b);
}

static void
prepare_old(struct book *b)
{
	prepare_node(b);
	prepare_token(b);
	b->now_s += BOOK_TTL_S + 1;
}

static int
do_token(struct book *b, struct request *r)
{
	struct token_wish wish = { .network = "", .address = "10.1.1.5" };
	struct token_view made;
	int rc = token_create(&b->ledger, r, &wish, &made, &b->err);

	return rc == -REASON_ADDRESS_TAKEN ? 0 : rc;
}

static int
do_redeem(struct book *b, struct request *r)
{
	uint8_t grpc[PKI_SPKI_LEN] = { 1 }, vpn[PKI_SPKI_LEN] = { 2 };
	struct token_claim claim = { .secret = subject.secret, .display_name = "a node",
		.grpc_spki = grpc, .grpc_spki_len = sizeof(grpc),
		.vpn_spki = vpn, .vpn_spki_len = sizeof(vpn) };
	struct token_node node;

	(void) r;
	return token_redeem(&b->ledger, &b->granter, &claim, &node, &b->err);
}

static int
do_attach(struct book *b, struct request *r)
{
	struct lease_wish wish = { .node_token = subject.node.token, .net_token = "",
		.cert_node_id = subject.node.id };
	struct lease lease;

	(void) r;
	return lease_attach(&b->ledger, &wish, &lease, &b->err);
}

static int
do_report(struct book *b, struct request *r)
{
	struct session s = { subject.node.id, subject.epoch, NODE_IDLE };

	(void) r;
	return session_report(&b->ledger, &s, &b->err);
}

static int
do_announce(struct book *b, struct request *r)
{
	struct session s = { subject.node.id, subject.epoch, NODE_CONNECTED };
	struct session_part part = { true, true, &s, 1 };
	bool gone;

	(void) r;
	return session_announce(&b->ledger, &part, &gone, &b->err);
}

static int
do_forsake(struct book *b, struct request *r)
{
	(void) r;
	return session_forsake(&b->ledger);
}

static int
do_delete(struct book *b, struct request *r)
{
	uint64_t epoch;

	(void) r;
	return node_delete(&b->ledger, subject.node.id, &epoch);
}

static int
do_reserve(struct book *b, struct request *r)
{
	struct reserve_wish wish = { "", "a name", "" };
	struct reserve_view view;

	(void) r;
	return reserve_address(&b->ledger, &wish, &view, &b->err);
}

static int
do_release(struct book *b, struct request *r)
{
	struct reserve_wish wish = { "", "a name", "" };
	struct reserve_view view;

	(void) r;
	return reserve_release(&b->ledger, &wish, &view, &b->err);
}

static void
prepare_reserved(struct book *b)
{
	ck_assert_int_eq(operation_run(b, do_reserve), 0);
}

static int
do_network(struct book *b, struct request *r)
{
	struct network_wish wish = { .name = subject.name, .address = "10.2.0.1/29" };
	struct network_view view;

	return network_create(&b->ledger, r, &wish, &view, &b->err);
}

static int
do_recreate(struct book *b, struct request *r)
{
	struct network_wish wish = { .name = subject.name, .address = "10.3.0.1/29" };
	struct network_view view;

	(void) r;
	return network_recreate(&b->ledger, &wish, &view, &b->err);
}

static int
do_net_token(struct book *b, struct request *r)
{
	struct network_view view;

	return network_token(&b->ledger, r, "", false, &view);
}

static int
do_remove(struct book *b, struct request *r)
{
	struct network_view view;

	(void) r;
	return network_delete(&b->ledger, subject.name, true, &view, &b->err);
}

static void
prepare_no_network(struct book *b)
{
	int rc;

	snprintf(subject.name, sizeof(subject.name), "net");
	rc = operation_run(b, do_remove);
	ck_assert(rc == 0 || rc == -REASON_NETWORK_UNKNOWN);
}

static void
prepare_network(struct book *b)
{
	struct token_wish wish = { .network = "net", .address = "" };
	struct token_view made;
	struct token_node node;

	prepare_no_network(b);
	ck_assert_int_eq(operation_run(b, do_network), 0);
	ck_assert_int_eq(book_token(b, &wish, &made), 0);
	ck_assert_int_eq(book_redeem(b, made.secret, 1, &node), 0);
}

static int
do_sweep(struct book *b, struct request *r)
{
	struct sweep done;

	(void) r;
	return sweep_step(&b->ledger, &done);
}

static int
do_victims(struct book *b, struct request *r)
{
	struct lease_victims v;
	int rc;

	(void) r;
	if ((rc = lease_victims(&b->ledger, "", 10, &v)) == 0)
		free(v.victims);
	return rc;
}

static void
prepare_idle(struct book *b)
{
	prepare_session(b);
	ck_assert_int_eq(book_report(b, subject.node.id, subject.epoch, NODE_IDLE), 0);
}

static int
do_reclaim(struct book *b, struct request *r)
{
	struct lease_victims v;
	int rc;

	(void) r;
	if ((rc = lease_reclaim(&b->ledger, "", 2, 0, &v, &b->err)) == 0)
		free(v.victims);
	return rc;
}

static int
do_revoke(struct book *b, struct request *r)
{
	struct token_view v;

	(void) r;
	return token_revoke(&b->ledger, subject.name, &v);
}

static void
prepare_promise(struct book *b)
{
	struct token_wish wish = { .network = "", .address = "10.1.1.5" };
	struct token_view made;
	int rc = operation_run(b, do_revoke);	/* where a new start was all that was left, it is there yet */

	ck_assert(rc == 0 || rc == -REASON_TOKEN_NOT_FOUND);
	ck_assert_int_eq(book_token(b, &wish, &made), 0);
	memcpy(subject.name, made.row.label, sizeof(made.row.label));
}

static int
do_update(struct book *b, struct request *r)
{
	const struct label_text set = { "site", "b" };
	struct node_wish wish = { .rename = true, .display_name = "other", .set = &set,
		.nset = 1 };
	struct node_noted n;
	int rc;

	(void) r;
	if ((rc = node_update(&b->ledger, subject.node.id, &wish, &n, &b->err)) == 0)
		node_notes_fini(&n.notes);
	return rc;
}

static int
do_list(struct book *b, struct request *r)
{
	struct reserve_page addresses = { .n = 0 };
	struct token_page tokens = { .n = 0 };
	struct node_page nodes = { .n = 0 };
	int rc;

	(void) r;
	if ((rc = reserve_list(&b->ledger, "", false, 0, 0, &addresses)) == 0 &&
	    (rc = token_list(&b->ledger, "", 0, 0, &tokens)) == 0)
		rc = node_list(&b->ledger, "", 0, 0, &nodes);
	free(addresses.holds);
	free(tokens.tokens);
	node_page_fini(&nodes);
	return rc;
}

const struct operation operations[] = {
	{ "a bootstrap token", prepare_nothing, do_token },
	{ "redeem", prepare_token, do_redeem },
	{ "redeem, and reclaim", prepare_full, do_redeem },
	{ "attach", prepare_node, do_attach },
	{ "attach anew", prepare_homeless, do_attach },
	{ "attach anew, and reclaim", prepare_homeless_and_full, do_attach },
	{ "report", prepare_session, do_report },
	{ "announce", prepare_session, do_announce },
	{ "forsake", prepare_session, do_forsake },
	{ "delete", prepare_session, do_delete },
	{ "reserve", prepare_nothing, do_reserve },
	{ "release", prepare_reserved, do_release },
	{ "create a network", prepare_no_network, do_network },
	{ "recreate it", prepare_network, do_recreate },
	{ "delete it", prepare_network, do_remove },
	{ "a net-token", prepare_nothing, do_net_token },
	{ "sweep", prepare_old, do_sweep },
	{ "victims", prepare_session, do_victims },
	{ "reclaim", prepare_idle, do_reclaim },
	{ "revoke", prepare_promise, do_revoke },
	{ "update", prepare_node, do_update },
	{ "lists", prepare_reserved, do_list },
	{ NULL, NULL, NULL },
};
