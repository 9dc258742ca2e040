/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/hotcopy.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/reason.h"
#include "tests/unit/kit.h"

/* A database of some megabytes that somebody writes to. */

#define ROWS 3000
static const char fill[] = "pragma journal_mode=wal; create table t(id integer primary key, b blob);"
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000)"
    " insert into t select i, randomblob(1000) from n";

static struct ev *ev;
static struct dbfile *db;
static struct hotcopy *copy;

static void
setup(void)
{
	const char *path = kit_write("db", "", 0600);
	struct err e;

	ck_assert_int_eq(ev_new(&ev), 0);
	ck_assert_int_eq(dbfile_open(path, DBFILE_WRITE, &db, &e), 0);
	ck_assert_int_eq(dbfile_run(db, fill, &e), 0);
	ck_assert_int_eq(hotcopy_new(ev, path, &copy, &e), 0);
}

static void
teardown(void)
{
	hotcopy_free(copy);
	ck_assert_int_ne(access(KIT_PATH("db.hotcopy"), F_OK), 0);
	dbfile_close(db);
	dbfile_remove(KIT_PATH("db"));
	ev_free(ev);
}

static const struct hotcopy_part *
read_part(uint64_t id, uint64_t offset)
{
	const struct hotcopy_part *part = NULL;
	struct err e;

	ck_assert_msg(hotcopy_read(copy, id, offset, 42, &part, &e) == 0, "%s", e.text);
	return part;
}

static int
refused(uint64_t id, uint64_t offset)
{
	const struct hotcopy_part *part = NULL;
	struct err e;
	int rc = hotcopy_read(copy, id, offset, 42, &part, &e);

	ck_assert_ptr_null(part);
	return rc;
}

/* Reads all of it into a file, while somebody deletes a row before each part. */
static unsigned
read_all(const char *to, uint8_t sha256[DIGEST_LEN])
{
	const struct hotcopy_part *part = read_part(0, 0);
	uint64_t id = part->id, offset = 0;
	FILE *f = fopen(to, "w");
	unsigned slices = 0;
	struct err e;

	ck_assert_uint_eq(part->revision, 42);
	while (!part->whole) {
		fwrite(part->data, 1, part->len, f);
		offset += part->len;
		slices += !part->copied;
		ck_assert_int_eq(dbfile_run(db, "delete from t where id="
		    "(select min(id) from t)", &e), 0);
		part = read_part(id, offset);
	}
	ck_assert_uint_eq(part->size, offset);
	memcpy(sha256, part->sha256, DIGEST_LEN);
	fclose(f);
	return slices;
}

START_TEST(it_is_as_it_was_when_it_began)
{
	const char *to = KIT_PATH("backup");
	uint8_t said[DIGEST_LEN], is[DIGEST_LEN];
	struct dbfile *back;
	struct digest *d = digest_new();
	char block[4096];
	int64_t rows;
	struct err e;
	size_t n;
	FILE *f;

	ck_assert_uint_ge(read_all(to, said), 2);
	f = fopen(to, "r");
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		digest_add(d, block, n);
	fclose(f);
	digest_end(d, is);
	digest_free(d);
	ck_assert_mem_eq(said, is, DIGEST_LEN);
	ck_assert_int_eq(dbfile_open(to, DBFILE_READ, &back, &e), 0);
	ck_assert_int_eq(dbfile_number(back, "select count(*) from t", &rows, &e), 0);
	ck_assert_int_eq(rows, ROWS);
	dbfile_close(back);
	ck_assert_int_eq(dbfile_number(db, "select count(*) from t", &rows, &e), 0);
	ck_assert_int_lt(rows, ROWS);
}
END_TEST

START_TEST(one_at_a_time)
{
	uint64_t id = read_part(0, 0)->id;

	ck_assert_int_eq(refused(0, 0), -REASON_BACKUP_BUSY);
	hotcopy_drop(copy, id + 1);	/* another's end does not end it */
	ck_assert_int_eq(refused(0, 0), -REASON_BACKUP_BUSY);
	hotcopy_drop(copy, id);
	hotcopy_drop(copy, id);
	ck_assert_int_eq(refused(id, 0), -REASON_DEADLINE);
	ck_assert_uint_gt(read_part(0, 0)->id, id);
}
END_TEST

START_TEST(offsets_follow_each_other)
{
	const struct hotcopy_part *part = read_part(0, 0);
	uint64_t id = part->id, len;

	ck_assert_int_eq(refused(id, 1), -REASON_FIELD_INVALID);
	while ((part = read_part(id, 0))->len == 0)
		;
	len = part->len;
	ck_assert_int_eq(refused(id, 0), -REASON_FIELD_INVALID);
	ck_assert_int_eq(refused(id, UINT64_MAX), -REASON_FIELD_INVALID);
	read_part(id, len);
}
END_TEST

START_TEST(without_a_database_there_is_none)
{
	struct hotcopy *none;
	const struct hotcopy_part *part;
	struct err e;

	ck_assert_int_eq(hotcopy_new(ev, KIT_PATH("nothing"), &none, &e), 0);
	ck_assert_int_lt(hotcopy_read(none, 0, 0, 1, &part, &e), 0);
	ck_assert_int_lt(hotcopy_read(none, 0, 0, 1, &part, &e), 0);
	ck_assert_int_ne(e.rc, -REASON_BACKUP_BUSY);
	hotcopy_free(none);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("hotcopy");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, it_is_as_it_was_when_it_began);
	tcase_add_test(tc, one_at_a_time);
	tcase_add_test(tc, offsets_follow_each_other);
	tcase_add_test(tc, without_a_database_there_is_none);
	return kit_run("hotcopy", tc);
}
