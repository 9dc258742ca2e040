/* SPDX-License-Identifier: Apache-2.0 */
#include "common/places.h"

#include <check.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/priv.h"
#include "config.h"
#include "tests/unit/kit.h"

static struct places places;
static char run_dir[KIT_PATH_MAX], state_dir[KIT_PATH_MAX];

static void
name_places(void)
{
	kit_path("deep/run", run_dir);
	kit_path("deep/er/state", state_dir);
	umask(027);	/* as daemon_begin sets it */
	ck_assert_int_eq(places_init(&places, run_dir, state_dir, NULL), 0);
}

START_TEST(paths_are_below_the_two_directories)
{
	struct places p;

	ck_assert_int_eq(places_init(&p, "/r", "/s", NULL), 0);
	ck_assert_str_eq(p.ipamd_rpc, "/r/ipamd/rpc.sock");
	ck_assert_str_eq(p.tunneld_control, "/r/tunneld/control.sock");
	ck_assert_str_eq(p.ctld_admin, "/r/admin/ctld.sock");
	ck_assert_str_eq(p.ipamd_db, "/s/ipamd/litevpn.db");
	ck_assert_str_eq(p.grant_key, "/s/ipamd/grant.key");
	ck_assert_str_eq(p.grant_pub, "/s/ipamd/grant.pub");
}
END_TEST

START_TEST(paths_have_a_largest_length)
{
	char longer[PLACES_PATH_MAX];
	struct places p;
	struct err e;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(places_init(&p, "/r", longer, &e), -ENAMETOOLONG);
	ck_assert_int_eq(places_init(&p, longer, "/s", &e), -ENAMETOOLONG);
}
END_TEST

static void
must_be(const char *path, const char *user, const char *group, mode_t mode)
{
	const struct passwd *pw = getpwnam(user);
	const struct group *gr = getgrnam(group);
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_msg((st.st_mode & 07777) == mode, "%s: %o", path, st.st_mode);
	ck_assert_ptr_nonnull(pw);
	ck_assert_ptr_nonnull(gr);
	ck_assert_uint_eq(st.st_uid, pw->pw_uid);
	ck_assert_uint_eq(st.st_gid, gr->gr_gid);
}

static bool
users_exist(void)
{
	return getpwnam(LV_USER_TUNNELD) != NULL && getpwnam(LV_USER_IPAMD) != NULL &&
	    getpwnam(LV_USER_CTLD) != NULL && getgrnam(LV_GROUP) != NULL &&
	    getgrnam(LV_GROUP_ADMIN) != NULL;
}

static void
must_be_right(void)
{
	must_be(run_dir, "root", "root", 0755);
	must_be(state_dir, "root", "root", 0755);
	must_be(places.ipamd_run, LV_USER_IPAMD, LV_GROUP, 0750);
	must_be(places.tunneld_run, LV_USER_TUNNELD, LV_GROUP, 0750);
	must_be(places.admin_run, LV_USER_CTLD, LV_GROUP_ADMIN, 0750);
	must_be(places.ipamd_state, LV_USER_IPAMD, LV_GROUP, 0711);
	must_be(places.tunneld_state, "root", "root", 0700);
	/* Missing parents, too, must let the daemons pass. */
	must_be(KIT_PATH("deep"), "root", "root", 0755);
	must_be(KIT_PATH("deep/er"), "root", "root", 0755);
}

START_TEST(each_place_has_its_owner)
{
	struct err e = { 0 };

	KIT_SKIP_UNLESS(geteuid() == 0 && users_exist(), "needs root, and the users of litevpn");
	ck_assert_msg(places_make(&places, run_dir, state_dir, &e) == 0, "%s", e.text);
	must_be_right();
	/* Again: what has gone wrong meanwhile is set right. */
	ck_assert_int_eq(chmod(places.ipamd_run, 0777), 0);
	ck_assert_int_eq(chown(places.admin_run, 0, 0), 0);
	ck_assert_int_eq(rmdir(places.tunneld_state), 0);
	ck_assert_int_eq(places_make(&places, run_dir, state_dir, &e), 0);
	must_be_right();
}
END_TEST

START_TEST(what_is_no_directory_is_refused)
{
	struct err e = { 0 };

	KIT_SKIP_UNLESS(geteuid() == 0 && users_exist(), "needs root, and the users of litevpn");
	ck_assert_int_eq(places_make(&places, run_dir, state_dir, &e), 0);
	ck_assert_int_eq(rmdir(places.ipamd_run), 0);
	ck_assert_int_eq(symlink("/etc", places.ipamd_run), 0);	/* must not be followed */
	ck_assert_int_eq(places_make(&places, run_dir, state_dir, &e), -ENOTDIR);
	ck_assert_ptr_nonnull(strstr(e.text, "/ipamd: is not a directory"));
	must_be("/etc", "root", "root", 0755);
	ck_assert_int_eq(unlink(places.ipamd_run), 0);
	ck_assert_int_lt(places_make(&places, "/proc/nonexistent/run", state_dir, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.text, "/proc/nonexistent: cannot make it"));
}
END_TEST

/* An ordinary user makes them for himself; a node needs only tunneld's state. */
static int
make_as_nobody(void *arg)
{
	char run[KIT_PATH_MAX + 8], state[KIT_PATH_MAX + 8];
	struct places p;
	struct stat st;
	struct err e = { 0 };

	KIT_MUST(setgid(65534) == 0 && setuid(65534) == 0);
	snprintf(run, sizeof(run), "%s/run", (const char *) arg);
	snprintf(state, sizeof(state), "%s/state", (const char *) arg);
	KIT_MUST(places_init(&p, run, state, &e) == 0);
	KIT_MUST(places_make_node(&p, run, state, &e) == 0);
	KIT_MUST(stat(p.tunneld_state, &st) == 0);
	KIT_MUST(st.st_uid == 65534 && (st.st_mode & 07777) == 0700);
	KIT_MUST(access(p.ipamd_run, F_OK) < 0);
	KIT_MUST(places_make(&p, run, state, &e) == 0);
	KIT_MUST(stat(p.ipamd_run, &st) == 0 && st.st_uid == 65534 && (st.st_mode & 07777) == 0750);
	return 0;
}

START_TEST(without_root_they_are_our_own)
{
	char open_dir[KIT_PATH_MAX];

	KIT_SKIP_UNLESS(geteuid() == 0, "becoming another user needs root");
	kit_path("open", open_dir);
	ck_assert_int_eq(mkdir(open_dir, 0700), 0);
	ck_assert_int_eq(chmod(open_dir, 0777), 0);
	ck_assert_int_eq(kit_child(make_as_nobody, open_dir), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("places");

	tcase_add_checked_fixture(tc, name_places, NULL);
	tcase_add_test(tc, paths_are_below_the_two_directories);
	tcase_add_test(tc, paths_have_a_largest_length);
	tcase_add_test(tc, each_place_has_its_owner);
	tcase_add_test(tc, what_is_no_directory_is_refused);
	tcase_add_test(tc, without_root_they_are_our_own);
	return kit_run("common/places", tc);
}
