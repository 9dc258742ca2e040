/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/play.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemons/ipamd/check.h"
#include "tests/unit/dice.h"
#include "tests/unit/ipamd/shelf.h"
#include "tests/unit/kit.h"

/*
 * The ledger against the model, over both stores. LV_SEED chooses the first game, LV_SOAK makes it
 * many; a game that fails says its number.
 */

#define BYTES 4000	/* of a game: some hundred operations */

static struct store *
open_memory(void *arg)
{
	return memory_open(arg);
}

static struct store *
open_sqlite(void *arg)
{
	return shelf_open(arg);
}

static void
on_finding(void *arg, const struct check_finding *f)
{
	(void) arg;
	fprintf(stderr, "%s: %s %s\n", f->check, f->where, f->what);
}

/* What is left on the disk stands the test of ipamd --check, the order of use among others. */
static void
check_file(const char *path, const struct conf_server *conf)
{
	struct check check = { .conf = conf, .found = on_finding };
	struct check_result result = { .findings = 1 };
	struct dbfile *db;
	struct err e;

	ck_assert_int_eq(dbfile_open(path, DBFILE_READ, &db, &e), 0);
	ck_assert_int_eq(check_run(&check, db, &result, &e), 0);
	ck_assert_uint_eq(result.findings, 0);
	dbfile_close(db);
}

static size_t
game(uint64_t seed, bool in_memory)
{
	static uint8_t bytes[BYTES];
	struct memory *memory = in_memory ? memory_new() : NULL;
	char path[KIT_PATH_MAX], file[KIT_PATH_MAX + 8];
	struct play_stage stage = { .open = open_sqlite, .arg = path };
	struct dice dice = dice_new(seed);
	size_t n;

	for (unsigned i = 0; i < 3; i++) {
		snprintf(file, sizeof(file), "%s%s", kit_path("play.db", path),
		    (const char *[]){ "", "-wal", "-shm" }[i]);
		remove(file);
	}
	if (in_memory)
		stage = (struct play_stage){ .open = open_memory, .arg = memory,
			.memory = memory };
	fprintf(stderr, "LV_SEED=%" PRIu64 "\n", seed);
	dice_fill(&dice, bytes, sizeof(bytes));
	n = play(&stage, bytes, sizeof(bytes));
	if (!in_memory)
		check_file(path, &stage.conf);
	memory_free(memory);
	return n;
}

static void
games(bool in_memory, unsigned n, unsigned n_soak)
{
	size_t acts = 0;

	if (getenv("LV_SOAK") != NULL)
		n = n_soak;
	for (unsigned i = 0; i < n; i++)
		acts += game(dice_seed() + i, in_memory);
	ck_assert_uint_ge(acts, 200 * n);
	fprintf(stderr, "%zu operations\n", acts);
}

START_TEST(the_ledger_is_as_the_model_in_memory)
{
	games(true, 60, 5000);
}
END_TEST

START_TEST(the_ledger_is_as_the_model_in_sqlite)
{
	games(false, 6, 50);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("play");

	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	tcase_set_timeout(tc, getenv("LV_SOAK") != NULL ? 3600 : 60);
	tcase_add_test(tc, the_ledger_is_as_the_model_in_memory);
	tcase_add_test(tc, the_ledger_is_as_the_model_in_sqlite);
	return kit_run("ipamd/play", tc);
}
