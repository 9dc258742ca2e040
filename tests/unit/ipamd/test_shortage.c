/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/reason.h"
#include "tests/unit/ipamd/book.h"
#include "tests/unit/ipamd/disk.h"
#include "tests/unit/ipamd/operations.h"
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

#define SHORTAGES (sizeof(shortages) / sizeof(shortages[0]))

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
make_ready(const struct operation *o)
{
	book_forsake(&b);
	book_sync(&b);
	o->prepare(&b);
}

/* Until it has as much as it needs. Returns how often it failed. */
static unsigned
try(const struct shortage *s, const struct operation *o)
{
	bool again = false, failed = true;
	unsigned n;
	char *before;
	int rc;

	for (n = 1; failed && n < NTH_MAX; n++) {
		if (!again)
			make_ready(o);
		book_sync(&b);
		before = describe();
		s->spare(n);
		rc = operation_run(&b, o->act);
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
	const struct shortage *s = &shortages[(unsigned) _i % SHORTAGES];
	const struct operation *o = &operations[(unsigned) _i / SHORTAGES];
	unsigned n;

	if (s->place == ON_DISK)
		disk = disk_new(KIT_PATH("book.db"));
	if (s->place == IN_MEMORY)
		book_init_memory(&b, "10.1.1.1/29");
	else
		book_init(&b, "10.1.1.1/29");
	n = try(s, o);
	fprintf(stderr, "%s: %u times without %s\n", o->what, n, s->what);
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
	int rows = 0;

	while (operations[rows].what != NULL)
		rows++;
	watch_library();
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, who_runs_short_has_done_nothing, 0,
	    (int) SHORTAGES * rows);
	return kit_run("ipamd/shortage", tc);
}
