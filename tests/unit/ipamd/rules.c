/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/rules.h"

#include <check.h>
#include <stdio.h>

#include "tests/unit/ipamd/memory.h"
#include "tests/unit/ipamd/shelf.h"
#include "tests/unit/kit.h"

/* The kinds of store. Who adds one adds a row to `kinds`. */

static struct memory *memory;

static struct store *
open_sqlite(void)
{
	return shelf_open(KIT_PATH("store.db"));
}

static struct store *
open_memory(void)
{
	if (memory == NULL)
		memory = memory_new();
	return memory_open(memory);
}

static const struct {
	const char *name;
	struct store *(*open)(void);
} kinds[RULES_KINDS] = {
	{ "sqlite", open_sqlite },
	{ "memory", open_memory },
};

struct store *rules_store;
static unsigned kind;

const char *
rules_open(unsigned i)
{
	static const char *const files[] = { "store.db", "store.db-wal", "store.db-shm" };

	for (unsigned k = 0; k < sizeof(files) / sizeof(files[0]); k++)
		remove(KIT_PATH(files[k]));
	kind = i;
	rules_store = kinds[kind].open();
	return kinds[kind].name;
}

void
rules_close(void)
{
	store_close(rules_store);
	memory_free(memory);
	memory = NULL;
}

void
rules_reopen(void)
{
	store_close(rules_store);
	rules_store = kinds[kind].open();
}

void
rules_begin(void)
{
	ck_assert_int_eq(store_request(rules_store), 0);
	ck_assert_int_eq(store_guard(rules_store), 0);
}

void
rules_end(void)
{
	ck_assert_int_eq(store_accept(rules_store), 0);
	ck_assert_int_eq(store_commit(rules_store), 0);
}

struct store_node
rules_get(const char *id)
{
	struct store_node n = { 0 };

	ck_assert_msg(store_node_by_id(rules_store, id, &n) == 0, "%s", id);
	return n;
}

bool
rules_has(const char *id)
{
	struct store_node n;

	return store_node_by_id(rules_store, id, &n) == 0;
}

struct ip_addr
rules_addr(const char *text)
{
	struct ip_addr a;

	ck_assert_int_eq(ip_parse(text, &a), 0);
	return a;
}
