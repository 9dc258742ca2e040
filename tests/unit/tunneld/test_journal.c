/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/journal.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/kit.h"

static const char *
path(void)
{
	static char p[KIT_PATH_MAX];

	return kit_path("journal", p);
}

static void
reopen(struct journal *j)
{
	struct err e = { 0 };

	ck_assert_msg(journal_open(path(), j, &e) == 0, "%s", e.text);
}

static struct journal_route
route(const char *to, const char *via, const char *device)
{
	struct journal_route r = { .device = "" };

	ck_assert_int_eq(ip_prefix_parse(to, &r.to), 0);
	if (via != NULL)
		ck_assert_int_eq(ip_parse(via, &r.hop.via), 0);
	strcpy(r.device, device);
	return r;
}

static void
check_route(const struct journal_route *r, const char *to, const char *via, const char *device)
{
	struct journal_route want = route(to, via, device);

	ck_assert_str_eq(PREFIX_TEXT(&r->to), to);
	ck_assert(ip_equal(&r->hop.via, &want.hop.via));
	ck_assert_str_eq(r->device, device);
}

static void
fill(struct journal *j)
{
	strcpy(j->device, "litevpn0");
	j->nroutes = 4;
	j->routes[0] = route("192.0.2.7/32", "198.51.100.1", "eth0");
	j->routes[1] = route("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/128",
	    "fe80:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "a15-chars-names");
	j->routes[2] = route("203.0.113.9/32", NULL, "wlan0");
	j->routes[3] = route("2001:db8::1/128", NULL, "ppp0");
}

static void
check_full(const struct journal *j)
{
	ck_assert_str_eq(j->device, "litevpn0");
	ck_assert_uint_eq(j->nroutes, 4);
	check_route(&j->routes[0], "192.0.2.7/32", "198.51.100.1", "eth0");
	check_route(&j->routes[1], "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/128",
	    "fe80:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "a15-chars-names");
	check_route(&j->routes[2], "203.0.113.9/32", NULL, "wlan0");
	check_route(&j->routes[3], "2001:db8::1/128", NULL, "ppp0");
}

START_TEST(a_new_one_is_empty)
{
	struct journal j;

	unlink(path());
	reopen(&j);
	ck_assert_str_eq(j.device, "");
	ck_assert_uint_eq(j.nroutes, 0);
	ck_assert_int_eq(journal_save(&j), 0);
	journal_close(&j);
	journal_close(&j);
	reopen(&j);
	ck_assert_uint_eq(j.nroutes, 0);
	journal_close(&j);
}
END_TEST

START_TEST(it_reads_back)
{
	struct journal j;

	unlink(path());
	reopen(&j);
	fill(&j);
	ck_assert_int_eq(journal_save(&j), 0);
	ck_assert_int_eq(journal_save(&j), 0);	/* the same again, not behind it */
	journal_close(&j);
	reopen(&j);
	check_full(&j);
	/* Fewer lines leave nothing of the longer text. */
	j.nroutes = 1;
	ck_assert_int_eq(journal_save(&j), 0);
	journal_close(&j);
	reopen(&j);
	ck_assert_str_eq(j.device, "litevpn0");
	ck_assert_uint_eq(j.nroutes, 1);
	journal_close(&j);
}
END_TEST

static int
save_and_die(void *arg)
{
	struct journal j;

	(void) arg;
	reopen(&j);
	fill(&j);
	return journal_save(&j);	/* and exits without closing anything */
}

START_TEST(it_outlives_a_crash)
{
	struct journal j;

	unlink(path());
	ck_assert_int_eq(kit_child(save_and_die, NULL), 0);
	reopen(&j);
	check_full(&j);
	journal_close(&j);
}
END_TEST

START_TEST(it_has_one_user)
{
	struct journal first, second;
	struct err e = { 0 };

	unlink(path());
	reopen(&first);
	fill(&first);
	ck_assert_int_eq(journal_save(&first), 0);
	ck_assert_int_eq(journal_open(path(), &second, &e), -EBUSY);
	ck_assert_ptr_nonnull(strstr(e.text, "another tunneld"));
	journal_close(&second);		/* what failed can be closed as well */
	journal_close(&first);
	reopen(&second);
	check_full(&second);
	journal_close(&second);
}
END_TEST

START_TEST(the_path_must_be_a_file_of_its_own)
{
	struct journal j;
	struct err e = { 0 };

	ck_assert_int_eq(journal_open(KIT_PATH("nowhere/journal"), &j, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, "nowhere/journal"));
	ck_assert_int_eq(journal_open(kit_dir(), &j, &e), -EISDIR);
	unlink(path());
	ck_assert_int_eq(symlink("/dev/null", path()), 0);
	ck_assert_int_eq(journal_open(path(), &j, &e), -ELOOP);
	unlink(path());
}
END_TEST

/* --- what somebody has edited, or half a disk has kept ---------------------------------------- */

#define GOOD "route 192.0.2.7/32 via 198.51.100.1 dev eth0\n"

static const struct {
	const char *text, *device;
	unsigned routes;
} files[] = {
	{ "", "", 0 },
	{ "\n\n\n", "", 0 },
	{ GOOD, "", 1 },
	{ GOOD "rubbish\n" GOOD "\n" GOOD, "", 3 },
	{ GOOD GOOD GOOD GOOD GOOD GOOD, "", JOURNAL_ROUTES_MAX },
	{ "route 192.0.2.7/32 via 198.51.100.1 dev eth0", "", 1 },	/* without its line end */
	{ "route 192.0.2.7/32 dev eth0\n", "", 1 },
	{ "route 192.0.2.7 dev eth0\n", "", 0 },		/* no length */
	{ "route 192.0.2.7/33 dev eth0\n", "", 0 },
	{ "route 192.0.2.7/32 via nowhere dev eth0\n", "", 0 },
	{ "route 192.0.2.7/32 via 198.51.100.1 dev\n", "", 0 },
	{ "route 192.0.2.7/32 via 198.51.100.1\n", "", 0 },
	{ "route 192.0.2.7/32\n", "", 0 },
	{ "route\n", "", 0 },
	{ "route \n", "", 0 },
	{ "routes 192.0.2.7/32 dev eth0\n", "", 0 },
	{ "oute 192.0.2.7/32 dev eth0\n", "", 0 },
	{ "device litevpn0\n" GOOD, "litevpn0", 1 },
	{ "device \n", "", 0 },
	{ "device", "", 0 },
	{ "device a15-chars-names\n", "a15-chars-names", 0 },
	{ "device a-name-too-long-\n", "", 0 },		/* cut it would be another one */
	{ "route 192.0.2.7/32 dev a-name-too-long-\n", "", 0 },
	{ "route 192.0.2.7/32 dev eth0 metric 5\n", "", 0 },
	{ "\xff\xfe\x80 route 1 2 3\n", "", 0 },
};

START_TEST(lines_that_are_none_are_left_out)
{
	struct journal j;

	kit_write("journal", files[_i].text, 0600);
	reopen(&j);
	ck_assert_str_eq(j.device, files[_i].device);
	ck_assert_uint_eq(j.nroutes, files[_i].routes);
	for (unsigned i = 0; i < j.nroutes; i++)
		ck_assert_str_eq(PREFIX_TEXT(&j.routes[i].to), "192.0.2.7/32");
	journal_close(&j);
}
END_TEST

START_TEST(a_huge_file_is_read_in_part)
{
	char *text = malloc(100001);
	struct journal j;

	memset(text, 'x', 100000);
	memcpy(text, GOOD, strlen(GOOD));
	text[100000] = '\0';
	kit_write("journal", text, 0600);
	free(text);
	reopen(&j);
	ck_assert_uint_eq(j.nroutes, 1);
	j.nroutes = 0;
	ck_assert_int_eq(journal_save(&j), 0);
	journal_close(&j);
	text = kit_read(path());
	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("journal");

	tcase_add_test(tc, a_new_one_is_empty);
	tcase_add_test(tc, it_reads_back);
	tcase_add_test(tc, it_outlives_a_crash);
	tcase_add_test(tc, it_has_one_user);
	tcase_add_test(tc, the_path_must_be_a_file_of_its_own);
	KIT_ROWS(tc, lines_that_are_none_are_left_out, files);
	tcase_add_test(tc, a_huge_file_is_read_in_part);
	return kit_run("tunneld/journal", tc);
}
