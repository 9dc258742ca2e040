/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ipamd/network.h"
#include "daemons/ipamd/node.h"
#include "daemons/ipamd/reserve.h"
#include "daemons/ipamd/sweep.h"
#include "tests/unit/ipamd/book.h"
#include "tests/unit/ipamd/disk.h"
#include "tests/unit/kit.h"

/*
 * Something runs out, at each place where it can: every operation is tried with its first call of
 * the store failing, then with its second, and so on until none fails; likewise with what the disk
 * takes, and with memory. An operation that fails has changed nothing, neither in the store nor in
 * the pools; the next one works.
 */

#define NTH_MAX 2000	/* more than any operation has */

static struct book b;
static struct disk *disk;

/* --- what runs out ---------------------------------------------------------------------------- */

/* Allocations until one fails, once; 0: none does. */
struct budget {
	unsigned left;
	bool failed;
};
static struct budget own, library;

static bool
spend(struct budget *m)
{
	if (m->left == 0 || --m->left > 0)
		return true;
	m->failed = true;
	return false;
}

/* What the daemon itself allocates: the linker leads it here (Makefile). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *
__wrap_malloc(size_t size)
{
	return spend(&own) ? __real_malloc(size) : NULL;
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return spend(&own) ? __real_calloc(n, size) : NULL;
}

void *
__wrap_realloc(void *p, size_t size)
{
	return spend(&own) ? __real_realloc(p, size) : NULL;
}

static sqlite3_mem_methods usual;

static void *
library_malloc(int size)
{
	return spend(&library) ? usual.xMalloc(size) : NULL;
}

static void *
library_realloc(void *p, int size)
{
	return spend(&library) ? usual.xRealloc(p, size) : NULL;
}

static void
watch_library(void)
{
	sqlite3_mem_methods ours;

	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual);
	ours = usual;
	ours.xMalloc = library_malloc;
	ours.xRealloc = library_realloc;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
}

static void
spare_call(unsigned nth)
{
	memory_fail(b.memory, nth, false);
}

static bool
call_failed(void)
{
	return memory_failed(b.memory);
}

static void
spare_room(unsigned nth)
{
	disk_fail(disk, nth, SQLITE_FULL);
}

static void
spare_device(unsigned nth)
{
	disk_fail(disk, nth, SQLITE_IOERR);
}

static bool
write_failed(void)
{
	return disk_failed(disk);
}

static void
spare_own(unsigned nth)
{
	own = (struct budget){ .left = nth };
}

static bool
own_failed(void)
{
	return own.failed;
}

static void
spare_library(unsigned nth)
{
	library = (struct budget){ .left = nth };
}

static bool
library_failed(void)
{
	return library.failed;
}

static const struct shortage {
	const char *what;
	void (*spare)(unsigned nth);	/* the nth from now on fails; 0: none does */
	bool (*failed)(void);
	int rc;			/* of the operation then */
	enum { IN_FILE, ON_DISK, IN_MEMORY } place;	/* of the store; ON_DISK: of disk.h */
	bool harmless;		/* now and then it succeeds all the same */
	bool breaks;		/* it may be that only a new start is left */
} shortages[] = {
	{ "a call of the store", spare_call, call_failed, -REASON_STORE_FAILED, IN_MEMORY, true,
	    false },
	{ "room on the disk", spare_room, write_failed, -REASON_STORE_FAILED, ON_DISK, true,
	    false },
	{ "a disk that works", spare_device, write_failed, -REASON_STORE_FAILED, ON_DISK, true,
	    true },
	{ "sqlite's memory", spare_library, library_failed, -REASON_STORE_FAILED, IN_FILE, true,
	    false },
	{ "memory", spare_own, own_failed, -ENOMEM, IN_FILE, false, false },
};

/* --- operations ------------------------------------------------------------------------------- */

/* What an operation is about: made anew each time before it is tried. */
static struct {
	unsigned n;
	struct store_node node;
	uint64_t epoch;
	char name[STORE_NAME_MAX + 1];
	char secret[SECRET_TOKEN_LEN + 1];
} subject;

static int
request(int (*fn)(struct request *r))
{
	struct request r;
	int rc = ledger_request(&b.ledger, b.now_s), commit;

	request_init(&r, &b.granter, 0, "", NULL, 0, &b.err);
	rc = ledger_answer(&b.ledger, rc < 0 ? rc : fn(&r));
	commit = ledger_commit(&b.ledger);
	return rc < 0 ? rc : commit;
}

static void
prepare_nothing(void)
{
}

static void
prepare_token(void)
{
	struct token_wish wish = { .network = "", .address = "" };
	struct token_view made;

	ck_assert_int_eq(book_token(&b, &wish, &made), 0);
	memcpy(subject.secret, made.secret, sizeof(subject.secret));
}

static void
prepare_node(void)
{
	subject.node = book_enroll(&b);
}

static void
prepare_session(void)
{
	struct lease lease = book_connect(&b, &subject.node);

	subject.epoch = lease.epoch;
}

static void
prepare_full(void)
{
	while (pool_used(b.ledger.nets[0].pool) < pool_size(b.ledger.nets[0].pool))
		book_enroll(&b);
	prepare_token();
}

/* A node that has had to give its address back. */
static void
prepare_homeless(void)
{
	struct store *st = b.ledger.store;

	subject.node = book_enroll(&b);
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ledger_free(&b.ledger, &b.ledger.nets[0], &subject.node.addr);
	ck_assert_int_eq(store_node_bind(st, &subject.node, &(struct ip_addr){ 0 }, false,
	    b.now_s), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
}

static void
prepare_homeless_and_full(void)
{
	prepare_homeless();
	prepare_full();
}

static void
prepare_old(void)
{
	prepare_node();
	prepare_token();
	b.now_s += BOOK_TTL_S + 1;
}

static int
do_token(struct request *r)
{
	struct token_wish wish = { .network = "", .address = "10.1.1.5" };
	struct token_view made;
	int rc = token_create(&b.ledger, r, &wish, &made, &b.err);

	return rc == -REASON_ADDRESS_TAKEN ? 0 : rc;
}

static int
do_redeem(struct request *r)
{
	uint8_t grpc[PKI_SPKI_LEN] = { 1 }, vpn[PKI_SPKI_LEN] = { 2 };
	struct token_claim claim = { .secret = subject.secret, .display_name = "a node",
		.grpc_spki = grpc, .grpc_spki_len = sizeof(grpc),
		.vpn_spki = vpn, .vpn_spki_len = sizeof(vpn) };
	struct token_node node;

	(void) r;
	return token_redeem(&b.ledger, &b.granter, &claim, &node, &b.err);
}

static int
do_attach(struct request *r)
{
	struct lease_wish wish = { .node_token = subject.node.token, .net_token = "",
		.cert_node_id = subject.node.id };
	struct lease lease;

	(void) r;
	return lease_attach(&b.ledger, &wish, &lease, &b.err);
}

static int
do_report(struct request *r)
{
	struct session s = { subject.node.id, subject.epoch, NODE_IDLE };

	(void) r;
	return session_report(&b.ledger, &s, &b.err);
}

static int
do_announce(struct request *r)
{
	struct session s = { subject.node.id, subject.epoch, NODE_CONNECTED };
	struct session_part part = { true, true, &s, 1 };
	bool gone;

	(void) r;
	return session_announce(&b.ledger, &part, &gone, &b.err);
}

static int
do_forsake(struct request *r)
{
	(void) r;
	return session_forsake(&b.ledger);
}

static int
do_delete(struct request *r)
{
	uint64_t epoch;

	(void) r;
	return node_delete(&b.ledger, subject.node.id, &epoch);
}

static int
do_reserve(struct request *r)
{
	struct reserve_wish wish = { "", "a name", "" };
	struct reserve_view view;

	(void) r;
	return reserve_address(&b.ledger, &wish, &view, &b.err);
}

static int
do_release(struct request *r)
{
	struct reserve_wish wish = { "", "a name", "" };
	struct reserve_view view;

	(void) r;
	return reserve_release(&b.ledger, &wish, &view, &b.err);
}

static void
prepare_reserved(void)
{
	ck_assert_int_eq(request(do_reserve), 0);
}

static int
do_network(struct request *r)
{
	struct network_wish wish = { .name = subject.name, .address = "10.2.0.1/29" };
	struct network_view view;

	return network_create(&b.ledger, r, &wish, &view, &b.err);
}

static int
do_recreate(struct request *r)
{
	struct network_wish wish = { .name = subject.name, .address = "10.3.0.1/29" };
	struct network_view view;

	(void) r;
	return network_recreate(&b.ledger, &wish, &view, &b.err);
}

static int
do_net_token(struct request *r)
{
	struct network_view view;

	return network_token(&b.ledger, r, "", false, &view);
}

static int
do_remove(struct request *r)
{
	struct network_view view;

	(void) r;
	return network_delete(&b.ledger, subject.name, true, &view, &b.err);
}

static void
prepare_no_network(void)
{
	int rc;

	snprintf(subject.name, sizeof(subject.name), "net");
	rc = request(do_remove);
	ck_assert(rc == 0 || rc == -REASON_NETWORK_UNKNOWN);
}

static void
prepare_network(void)
{
	struct token_wish wish = { .network = "net", .address = "" };
	struct token_view made;
	struct token_node node;

	prepare_no_network();
	ck_assert_int_eq(request(do_network), 0);
	ck_assert_int_eq(book_token(&b, &wish, &made), 0);
	ck_assert_int_eq(book_redeem(&b, made.secret, 1, &node), 0);
}

static int
do_sweep(struct request *r)
{
	struct sweep done;

	(void) r;
	return sweep_step(&b.ledger, &done);
}

static int
do_victims(struct request *r)
{
	struct lease_victims v;
	int rc;

	(void) r;
	if ((rc = lease_victims(&b.ledger, "", 10, &v)) == 0)
		free(v.victims);
	return rc;
}

static void
prepare_idle(void)
{
	prepare_session();
	ck_assert_int_eq(book_report(&b, subject.node.id, subject.epoch, NODE_IDLE), 0);
}

static int
do_reclaim(struct request *r)
{
	struct lease_victims v;
	int rc;

	(void) r;
	if ((rc = lease_reclaim(&b.ledger, "", 2, 0, &v, &b.err)) == 0)
		free(v.victims);
	return rc;
}

static int
do_revoke(struct request *r)
{
	struct token_view v;

	(void) r;
	return token_revoke(&b.ledger, subject.name, &v);
}

static void
prepare_promise(void)
{
	struct token_wish wish = { .network = "", .address = "10.1.1.5" };
	struct token_view made;
	int rc = request(do_revoke);	/* where a new start was all that was left, it is there yet */

	ck_assert(rc == 0 || rc == -REASON_TOKEN_NOT_FOUND);
	ck_assert_int_eq(book_token(&b, &wish, &made), 0);
	memcpy(subject.name, made.row.label, sizeof(made.row.label));
}

static int
do_update(struct request *r)
{
	const struct label_text set = { "site", "b" };
	struct node_wish wish = { .rename = true, .display_name = "other", .set = &set,
		.nset = 1 };
	struct node_noted n;
	int rc;

	(void) r;
	if ((rc = node_update(&b.ledger, subject.node.id, &wish, &n, &b.err)) == 0)
		node_notes_fini(&n.notes);
	return rc;
}

static int
do_list(struct request *r)
{
	struct reserve_page addresses = { .n = 0 };
	struct token_page tokens = { .n = 0 };
	struct node_page nodes = { .n = 0 };
	int rc;

	(void) r;
	if ((rc = reserve_list(&b.ledger, "", false, 0, 0, &addresses)) == 0 &&
	    (rc = token_list(&b.ledger, "", 0, 0, &tokens)) == 0)
		rc = node_list(&b.ledger, "", 0, 0, &nodes);
	free(addresses.holds);
	free(tokens.tokens);
	node_page_fini(&nodes);
	return rc;
}

static const struct {
	const char *what;
	void (*prepare)(void);
	int (*act)(struct request *r);
} operations[] = {
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
};

#define SHORTAGES (sizeof(shortages) / sizeof(shortages[0]))
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

/* --- what there is ---------------------------------------------------------------------------- */

static void
describe_network(FILE *out, const struct network *net)
{
	struct store_hold holds[64];
	int n = store_hold_list(b.ledger.store, net->row.id, 0, holds, 64);

	fprintf(out, "network %s %s token %d used %" PRIu64 "\n", net->row.name,
	    PREFIX_TEXT(&net->row.prefix), net->row.has_token, pool_used(net->pool));
	for (int i = 0; i < n; i++)
		fprintf(out, "hold %s %d %s %" PRId64 "\n", IP_TEXT(&holds[i].addr),
		    holds[i].kind, holds[i].name, holds[i].until_s);
}

/* All that is kept, as a text that the caller frees. */
static char *
describe(void)
{
	struct store_node nodes[64];
	struct store_event_span span = { 0 };
	struct network *net = NULL;
	uint64_t tokens = 0;
	size_t len;
	char *text;
	FILE *out = open_memstream(&text, &len);
	int n = store_node_list(b.ledger.store, 0, 0, nodes, 64);

	ck_assert_int_ge(n, 1);
	for (int i = 0; i < n; i++)
		fprintf(out, "node %s %s %s state %d epoch %" PRIx64 " %d%d use %" PRId64 "\n",
		    nodes[i].id, nodes[i].token,
		    nodes[i].addr.family == 0 ? "" : IP_TEXT(&nodes[i].addr), nodes[i].state,
		    nodes[i].epoch, nodes[i].attached, nodes[i].fixed, nodes[i].use);
	while ((net = ledger_network_next(&b.ledger, net)) != NULL)
		describe_network(out, net);
	ck_assert_int_eq(store_token_count(b.ledger.store, &tokens), 0);
	ck_assert_int_eq(store_event_span(b.ledger.store, &span), 0);
	fprintf(out, "%" PRIu64 " tokens, events %" PRIu64 " to %" PRIu64 "\n", tokens,
	    span.oldest, span.newest);
	fclose(out);
	return text;
}

/* --- trying ----------------------------------------------------------------------------------- */

/* Returns whether the operation is still to be done. */
static bool
look_after_failure(const struct shortage *s, int rc, const char *before)
{
	char *after;

	ck_assert_msg(rc == s->rc || (rc >= 0 && s->harmless), "%s",
	    err_name(rc));
	if (ledger_broken(&b.ledger)) {
		ck_assert(s->breaks);
		book_restart(&b);
		book_check_pool(&b);
		return false;
	}
	/* What failed after the commit is mended by the next one. */
	if (rc >= 0)
		ledger_commit(&b.ledger);
	book_check_pool(&b);
	after = describe();
	if (rc < 0)
		ck_assert_str_eq(after, before);
	free(after);
	return rc < 0;
}

/* Whoever was there before can be reclaimed. */
static void
make_ready(void (*prepare)(void))
{
	book_forsake(&b);
	book_sync(&b);
	prepare();
}

/* Until it has as much as it needs. Returns how often it failed. */
static unsigned
try(const struct shortage *s, void (*prepare)(void), int (*act)(struct request *r))
{
	bool again = false, failed = true;
	unsigned n;
	char *before;
	int rc;

	for (n = 1; failed && n < NTH_MAX; n++) {
		if (!again)
			make_ready(prepare);
		book_sync(&b);
		before = describe();
		s->spare(n);
		rc = request(act);
		failed = s->failed();
		s->spare(0);
		if (failed)
			again = look_after_failure(s, rc, before);
		else
			ck_assert_msg(rc >= 0, "%s", err_name(rc));
		free(before);
	}
	ck_assert(!failed);
	return n - 2;
}

START_TEST(who_runs_short_has_done_nothing)
{
	const struct shortage *s = &shortages[(unsigned) _i / OPERATIONS];
	unsigned o = (unsigned) _i % OPERATIONS, n;

	if (s->place == ON_DISK)
		disk = disk_new(KIT_PATH("book.db"));
	if (s->place == IN_MEMORY)
		book_init_memory(&b, "10.1.1.1/29");
	else
		book_init(&b, "10.1.1.1/29");
	n = try(s, operations[o].prepare, operations[o].act);
	fprintf(stderr, "%s: %u times without %s\n", operations[o].what, n, s->what);
	book_restart(&b);
	book_check_pool(&b);
	book_fini(&b);
	disk_free(disk);
}
END_TEST

/* The game of test_play.c goes over calls that fail in any combination; this one over each. */
int
main(void)
{
	TCase *tc = tcase_create("shortage");

	watch_library();
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, who_runs_short_has_done_nothing, 0, SHORTAGES * OPERATIONS);
	return kit_run("ipamd/shortage", tc);
}
