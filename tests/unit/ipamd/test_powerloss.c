/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemons/ipamd/check.h"
#include "daemons/ipamd/ledger.h"
#include "daemons/ipamd/store_sqlite.h"
#include "tests/unit/dice.h"
#include "tests/unit/ipamd/disk.h"
#include "tests/unit/ipamd/play.h"
#include "tests/unit/ipamd/shelf.h"
#include "tests/unit/ipamd/wreck.h"
#include "tests/unit/kit.h"

/*
 * The power fails. The game of test_play.c is played over the real store while disk.h writes down
 * what becomes of the file, and when answers leave. Then the power fails at any moment of it, and
 * what wreck.h makes of the file must open, stand the test of ipamd --check, start, and hold
 * exactly what it held after the last commit that was answered, or after the one under way.
 *
 * LV_SEED chooses the first game, LV_SOAK makes it many. As soon as the store forces less to the
 * disk, or answers leave before the commit, the same test must find a loss.
 */

#define BYTES 3000		/* of a game: some hundred operations */
#define COMMITS_MAX 1024	/* of a game */
#define LOG_PAGES 40		/* and no thousand: the log goes into the file often */
#define EVERY 40		/* so many events, the mean way to the next failure */

struct toll {
	unsigned images;
	unsigned unfit;		/* do not open or not start, or do not stand the test */
	unsigned lost;		/* do not hold what was answered */
	unsigned strange;	/* hold what was never there */
};

struct trial {
	char path[KIT_PATH_MAX], image[KIT_PATH_MAX];
	struct play_stage stage;
	struct disk *disk;
	const char *lowered;		/* a pragma for the store that is to be found out; NULL */
	bool hasty;			/* answers leave before the commit: likewise */
	bool (*found)(const struct toll *toll);		/* all that was looked for */
	uint32_t begun, answered;	/* commits */
	uint64_t content[COMMITS_MAX];	/* of the database after each */
	struct conf_server conf[COMMITS_MAX];
	struct ip_prefix exclude[COMMITS_MAX];	/* what conf points to */
	struct toll toll;
};

/* --- the store, and what is in it ------------------------------------------------------------- */

/* The connection that was opened last: the store's, as soon as it is open. */
static sqlite3 *latest;

static int
on_connection(sqlite3 *db, char **error, const void *api)
{
	(void) error, (void) api;
	latest = db;
	return sqlite3_wal_autocheckpoint(db, LOG_PAGES);
}

static uint64_t
mix(uint64_t sum, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ b[i]) * UINT64_C(0x100000001b3);
	return (sum ^ len) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t
sum_rows(uint64_t sum, const char *sql)
{
	sqlite3_stmt *s = NULL;

	ck_assert_int_eq(sqlite3_prepare_v2(latest, sql, -1, &s, NULL), SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(s); i++) {
			const void *bytes = sqlite3_column_blob(s, i);

			sum = mix(sum, bytes, (size_t) sqlite3_column_bytes(s, i));
		}
	}
	sqlite3_finalize(s);
	return sum;
}

/* All rows of all tables. */
static uint64_t
sum_up(void)
{
	char sql[128];
	sqlite3_stmt *s = NULL;
	uint64_t sum = 1;

	ck_assert_int_eq(sqlite3_prepare_v2(latest,
	    "select name from sqlite_master where type='table' order by name", -1, &s, NULL),
	    SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW) {
		snprintf(sql, sizeof(sql), "select * from %s order by 1",
		    (const char *) sqlite3_column_text(s, 0));
		sum = sum_rows(sum, sql);
	}
	sqlite3_finalize(s);
	return sum;
}

/* --- the game --------------------------------------------------------------------------------- */

static void
note(struct trial *t)
{
	disk_note(t->disk, (uint64_t) t->begun << 32 | t->answered);
}

static struct store *
open_store(void *arg)
{
	struct trial *t = arg;
	struct store *st = NULL;
	struct err e = { 0 };

	ck_assert_msg(store_sqlite_open(t->path, &st, &e) == 0, "%s", e.text);
	if (t->lowered != NULL)
		ck_assert_int_eq(sqlite3_exec(latest, t->lowered, NULL, NULL, NULL), SQLITE_OK);
	return st;
}

static void
on_commit(void *arg)
{
	struct trial *t = arg;

	ck_assert_uint_lt(++t->begun, COMMITS_MAX);
	t->conf[t->begun] = t->stage.conf;
	if (t->stage.conf.pool_exclude.n > 0) {
		t->exclude[t->begun] = *(const struct ip_prefix *) t->stage.conf.pool_exclude.items;
		t->conf[t->begun].pool_exclude.items = &t->exclude[t->begun];
	}
	if (t->hasty)
		t->answered = t->begun;
	note(t);
}

static void
on_committed(void *arg)
{
	struct trial *t = arg;

	t->content[t->begun] = sum_up();
	t->answered = t->begun;
	note(t);
}

/* --- the power fails -------------------------------------------------------------------------- */

static void
on_finding(void *arg, const struct check_finding *f)
{
	(void) arg;
	fprintf(stderr, "%s: %s %s\n", f->check, f->where, f->what);
}

static bool
stands_check(const struct trial *t, const struct conf_server *conf)
{
	struct check check = { .conf = conf, .found = on_finding };
	struct check_result result = { .findings = 1 };
	struct dbfile *db;
	struct err e;

	if (dbfile_open(t->image, DBFILE_READ, &db, &e) < 0)
		return false;
	if (check_run(&check, db, &result, &e) < 0)
		result.findings = 1;
	dbfile_close(db);
	return result.findings == 0;
}

/* Before the first answer anything may be there: nobody was told anything. */
static void
compare(struct trial *t, uint32_t begun, uint32_t answered)
{
	uint64_t sum = sum_up();

	for (uint32_t i = begun; answered > 0 && i >= answered; i--) {
		if (t->content[i] == sum)
			return;
	}
	for (uint32_t i = 1; i < answered; i++) {
		if (t->content[i] == sum) {
			t->toll.lost++;
			return;
		}
	}
	t->toll.strange += answered > 0;
}

static void
look(struct trial *t, uint32_t begun, uint32_t answered)
{
	const struct conf_server *conf = &t->conf[begun];
	struct store *st = NULL;
	struct ledger l = { 0 };
	struct err e = { 0 };
	int rc = store_sqlite_open(t->image, &st, &e);

	t->toll.images++;
	if (rc == 0) {
		compare(t, begun, answered);
		rc = ledger_open(&l, conf, st, time(NULL), &e);
		ledger_close(&l);
	}
	if (rc < 0)
		fprintf(stderr, "%s\n", e.text);
	if (rc < 0 || !stands_check(t, conf))
		t->toll.unfit++;
}

static bool
is_enough(const struct toll *toll)
{
	return toll->images >= (getenv("LV_SOAK") != NULL ? 12000 : 300);
}

static bool
is_lost(const struct toll *toll)
{
	return toll->lost > 0;
}

static void
fail_again_and_again(struct trial *t, struct dice *dice)
{
	struct wreck *w = wreck_new(t->disk);
	uint32_t begun, answered;

	while (wreck_step(w) && !t->found(&t->toll)) {
		begun = (uint32_t) (wreck_note(w) >> 32);
		answered = (uint32_t) wreck_note(w);
		if (begun == 0 || dice_below(dice, EVERY) > 0)
			continue;
		wreck_image(w, dice_below(dice, WRECK_KINDS), dice, t->image);
		look(t, begun, answered);
	}
	wreck_free(w);
}

/* One game, and what comes of it. */
static void
try(struct trial *t, uint64_t seed)
{
	static uint8_t bytes[BYTES];
	struct dice dice = dice_new(seed);

	fprintf(stderr, "LV_SEED=%" PRIu64 "\n", seed);
	kit_path("game.db", t->path);
	kit_path("image.db", t->image);
	dbfile_remove(t->path);
	t->begun = t->answered = 0;
	t->stage = (struct play_stage){ .open = open_store, .arg = t, .commits = on_commit,
		.committed = on_committed };
	t->disk = disk_new(t->path);
	dice_fill(&dice, bytes, sizeof(bytes));
	play(&t->stage, bytes, sizeof(bytes));
	fail_again_and_again(t, &dice);
	disk_free(t->disk);
}

static void
print(const struct trial *t)
{
	fprintf(stderr, "%u images: %u unfit, %u without what was answered, %u with what never "
	    "was\n", t->toll.images, t->toll.unfit, t->toll.lost, t->toll.strange);
}

static struct trial trial;	/* too large for a stack */

START_TEST(nothing_that_was_answered_is_lost)
{
	trial.found = is_enough;
	for (uint64_t seed = dice_seed(); !is_enough(&trial.toll); seed++)
		try(&trial, seed);
	print(&trial);
	ck_assert_uint_eq(trial.toll.unfit + trial.toll.lost + trial.toll.strange, 0);
}
END_TEST

static const struct {
	const char *what, *pragma;
	bool hasty;
} faults[] = {
	{ "commits do not wait for the disk", "pragma synchronous=normal", false },
	{ "nothing waits for the disk", "pragma synchronous=off", false },
	{ "answers leave before the commit", NULL, true },
};

START_TEST(what_forces_less_is_found_out)
{
	trial.found = is_lost;
	trial.lowered = faults[_i].pragma;
	trial.hasty = faults[_i].hasty;
	for (uint64_t seed = dice_seed(); !is_lost(&trial.toll) && trial.toll.images < 1000; seed++)
		try(&trial, seed);
	fprintf(stderr, "%s: ", faults[_i].what);
	print(&trial);
	ck_assert_uint_gt(trial.toll.lost, 0);
}
END_TEST

/* --- a database from before ------------------------------------------------------------------- */

static const char seed[] =
    "create table vpn_mgr (id integer primary key autoincrement, token text not null unique,"
    " state integer not null, bind_ip text not null default \"\","
    " create_time timestamp default (datetime(CURRENT_TIMESTAMP, 'localtime')),"
    " update_time timestamp default (datetime(CURRENT_TIMESTAMP, 'localtime')));"
    "insert into vpn_mgr(token, state, bind_ip) values('aa', 3, '10.1.1.2'),"
    " ('bb', -1, '10.1.1.3'), ('cc', -1, '');";
static const char rows[] = "select group_concat(token || '=' || bind_ip) from vpn_mgr";
static const char all_rows[] = "aa=10.1.1.2,bb=10.1.1.3,cc=";

/* Whatever step it was in: it is there with all that was in it, and can be brought forward. */
static void
look_at_old(const char *image)
{
	struct store *st = NULL;
	struct err e = { 0 };

	ck_assert_str_eq(shelf_look(image, rows), all_rows);
	ck_assert_msg(store_sqlite_open(image, &st, &e) == 0, "%s", e.text);
	store_close(st);
	ck_assert_str_eq(shelf_look(image, rows), all_rows);
}

START_TEST(an_old_database_stands_its_steps)
{
	char path[KIT_PATH_MAX], image[KIT_PATH_MAX];
	struct dice dice = dice_new(dice_seed());
	unsigned rarely = getenv("LV_SOAK") != NULL ? 1 : 4, images = 0;
	struct disk *disk;
	struct wreck *w;

	shelf_run(kit_path("old.db", path), seed);
	kit_path("image.db", image);
	disk = disk_new(path);
	store_close(shelf_open(path));
	w = wreck_new(disk);
	for (unsigned i = 0; i < 3; i++)	/* what was there before is on the disk */
		wreck_step(w);
	while (wreck_step(w)) {
		if (dice_below(&dice, rarely) > 0)
			continue;
		wreck_image(w, dice_below(&dice, WRECK_KINDS), &dice, image);
		look_at_old(image);
		images++;
	}
	fprintf(stderr, "%u images\n", images);
	ck_assert_uint_gt(images, 10);
	wreck_free(w);
	disk_free(disk);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("powerloss");

	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	sqlite3_auto_extension((void (*)(void)) on_connection);
	tcase_set_timeout(tc, getenv("LV_SOAK") != NULL ? 3600 : 60);
	tcase_add_test(tc, nothing_that_was_answered_is_lost);
	KIT_ROWS(tc, what_forces_less_is_found_out, faults);
	tcase_add_test(tc, an_old_database_stands_its_steps);
	return kit_run("ipamd/powerloss", tc);
}
