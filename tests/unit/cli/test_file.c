/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/file.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/kit.h"

/* Entries of a directory, temporary ones included. */
static unsigned
count(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *entry;
	unsigned n = 0;

	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d)) != NULL)
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(d);
	return n;
}

/* A fresh directory in a static place. */
static const char *
make_dir(const char *name)
{
	static char path[KIT_PATH_MAX];
	struct err e;

	kit_path(name, path);
	ck_assert_int_eq(file_make_dirs(path, &e), 0);
	return path;
}

static void
must_hold(const char *dir, const char *name, const char *text, mode_t mode)
{
	char *have = NULL, path[2 * KIT_PATH_MAX];
	struct stat st;
	struct err e;

	ck_assert_int_ge(file_read(dir, name, false, &have, &e), 0);
	ck_assert_str_eq(have, text);
	free(have);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, mode);
}

START_TEST(files_appear_together)
{
	const char *dir = make_dir("together/a/b");
	struct file_set set = { 0 };
	char *text = NULL;
	struct err e;

	ck_assert_int_eq(file_set_add(&set, dir, "one", "1", 0600, getuid(), &e), 0);
	ck_assert_int_eq(file_set_add(&set, dir, "two", "2", 0444, getuid(), &e), 0);
	ck_assert_int_eq(file_read(dir, "one", false, &text, &e), -ENOENT);
	ck_assert_int_eq(file_set_commit(&set, &e), 0);
	file_set_fini(&set);
	must_hold(dir, "one", "1", 0600);
	must_hold(dir, "two", "2", 0444);
	ck_assert_uint_eq(count(dir), 2);
}
END_TEST

START_TEST(without_a_commit_nothing_is_left)
{
	const char *dir = make_dir("nothing");
	struct file_set set = { 0 };
	struct err e;

	ck_assert_int_eq(file_set_add(&set, dir, "one", "1", 0600, getuid(), &e), 0);
	ck_assert_uint_eq(count(dir), 1);
	file_set_fini(&set);
	ck_assert_uint_eq(count(dir), 0);
}
END_TEST

START_TEST(what_exists_is_kept_unless_forced)
{
	const char *dir = make_dir("kept");
	struct file_set set = { 0 };
	struct err e;

	ck_assert_int_eq(file_set_add(&set, dir, "one", "old", 0600, getuid(), &e), 0);
	ck_assert_int_eq(file_set_commit(&set, &e), 0);
	file_set_fini(&set);
	ck_assert_int_eq(file_set_add(&set, dir, "one", "new", 0600, getuid(), &e), -EEXIST);
	ck_assert_ptr_nonnull(strstr(e.text, "--force"));
	file_set_fini(&set);
	must_hold(dir, "one", "old", 0600);
	set.force = true;
	ck_assert_int_eq(file_set_add(&set, dir, "one", "new", 0640, getuid(), &e), 0);
	ck_assert_int_eq(file_set_commit(&set, &e), 0);
	file_set_fini(&set);
	must_hold(dir, "one", "new", 0640);
	ck_assert_uint_eq(count(dir), 1);
}
END_TEST

/* A file that comes between the look and the rename is not overwritten either. */
START_TEST(a_late_file_is_kept_too)
{
	const char *dir = make_dir("late");
	struct file_set set = { 0 };
	struct err e;

	ck_assert_int_eq(file_set_add(&set, dir, "one", "ours", 0600, getuid(), &e), 0);
	kit_write("late/one", "theirs", 0600);
	ck_assert_int_eq(file_set_commit(&set, &e), -EEXIST);
	file_set_fini(&set);
	must_hold(dir, "one", "theirs", 0600);
	ck_assert_uint_eq(count(dir), 1);
}
END_TEST

/* A link under the name is replaced, not followed. */
START_TEST(links_are_not_followed)
{
	const char *dir = make_dir("links");
	const char *outside = kit_write("outside", "untouched", 0600);
	struct file_set set = { .force = true };
	char link[KIT_PATH_MAX], *text;
	struct err e;

	ck_assert_int_eq(symlink(outside, kit_path("links/one", link)), 0);
	ck_assert_int_eq(file_set_add(&set, dir, "one", "new", 0600, getuid(), &e), 0);
	ck_assert_int_eq(file_set_commit(&set, &e), 0);
	file_set_fini(&set);
	must_hold(dir, "one", "new", 0600);
	text = kit_read(KIT_PATH("outside"));
	ck_assert_str_eq(text, "untouched");
	free(text);
}
END_TEST

START_TEST(bad_places_are_named)
{
	struct file_set set = { 0 };
	char longest[300];
	struct err e;

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_int_eq(file_set_add(&set, "/nowhere/at/all", "one", "", 0600, 0, &e), -ENOENT);
	ck_assert_int_eq(file_set_add(&set, longest, "one", "", 0600, 0, &e), -ENAMETOOLONG);
	ck_assert_int_eq(file_set_add(&set, kit_dir(), longest, "", 0600, 0, &e), -ENAMETOOLONG);
	kit_write("plain", "", 0600);
	ck_assert_int_lt(file_set_add(&set, KIT_PATH("plain"), "one", "", 0600, 0, &e), 0);
	ck_assert_int_lt(file_make_dirs(KIT_PATH("plain/sub"), &e), 0);
	ck_assert_int_eq(file_make_dirs("", &e), -ENAMETOOLONG);
	ck_assert_uint_eq(set.n, 0);
	file_set_fini(&set);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("file");

	tcase_add_test(tc, files_appear_together);
	tcase_add_test(tc, without_a_commit_nothing_is_left);
	tcase_add_test(tc, what_exists_is_kept_unless_forced);
	tcase_add_test(tc, a_late_file_is_kept_too);
	tcase_add_test(tc, links_are_not_followed);
	tcase_add_test(tc, bad_places_are_named);
	return kit_run("file", tc);
}
