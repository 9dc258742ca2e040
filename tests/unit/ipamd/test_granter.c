/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/granter.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/reason.h"
#include "tests/unit/kit.h"

#define NOW 1700000000

static struct granter
open_granter(const char *key, const char *pub)
{
	struct err e = { .text = "" };
	struct granter g;

	ck_assert_msg(granter_open(&g, key, pub, &e) == 0, "%s", e.text);
	return g;
}

static void
check_file(const char *path, mode_t mode, const uint8_t expected[GRANT_KEY_LEN])
{
	uint8_t bytes[GRANT_KEY_LEN + 1];
	struct stat st;
	FILE *f = fopen(path, "r");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fread(bytes, 1, sizeof(bytes), f), GRANT_KEY_LEN);
	fclose(f);
	ck_assert_int_eq(memcmp(bytes, expected, GRANT_KEY_LEN), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, mode);
}

START_TEST(the_key_is_made_once)
{
	const char *key = KIT_PATH("grant.key"), *pub = KIT_PATH("grant.pub");
	struct granter first, again;
	uint8_t public[GRANT_KEY_LEN];

	umask(027);	/* the signer, a stranger, reads the public half all the same */
	remove(key);
	remove(pub);
	first = open_granter(key, pub);
	ck_assert_int_eq(grant_key_public(first.key, public), 0);
	check_file(key, 0600, first.key);
	check_file(pub, 0444, public);
	again = open_granter(key, pub);
	ck_assert_int_eq(memcmp(first.key, again.key, GRANT_KEY_LEN), 0);
	/* The public half follows from the key, whatever became of its file. */
	remove(pub);
	open_granter(key, pub);
	check_file(pub, 0444, public);
	chmod(pub, 0644);
	kit_write("grant.pub", "0123456789abcdef0123456789abcdef", 0644);
	open_granter(key, pub);
	check_file(pub, 0444, public);
}
END_TEST

START_TEST(an_interrupted_start_does_no_harm)
{
	const char *key = KIT_PATH("int.key"), *pub = KIT_PATH("int.pub");

	kit_write("int.key.new", "half", 0600);
	open_granter(key, pub);
	ck_assert_int_lt(access(KIT_PATH("int.key.new"), F_OK), 0);
}
END_TEST

static const struct {
	const char *what, *text;
	mode_t mode;
	int rc;
} damaged[] = {
	{ "short", "0123456789abcdef0123456789abcde", 0600, -EBADMSG },
	{ "long", "0123456789abcdef0123456789abcdef0", 0600, -EBADMSG },
	{ "empty", "", 0600, -EBADMSG },
	{ "open to all", "0123456789abcdef0123456789abcdef", 0644, -EPERM },
};

START_TEST(a_damaged_key_is_not_replaced)
{
	const char *key = kit_write("bad.key", damaged[_i].text, damaged[_i].mode);
	struct granter g;
	struct stat st;
	struct err e;

	chmod(key, damaged[_i].mode);
	ck_assert_int_eq(granter_open(&g, key, KIT_PATH("bad.pub"), &e), damaged[_i].rc);
	ck_assert_ptr_nonnull(strstr(e.text, "bad.key"));
	ck_assert_int_eq(stat(key, &st), 0);
	ck_assert_uint_eq((size_t) st.st_size, strlen(damaged[_i].text));
	ck_assert_int_lt(access(KIT_PATH("bad.pub"), F_OK), 0);
}
END_TEST

START_TEST(a_place_that_cannot_be_written_is_an_error)
{
	struct granter g;
	struct err e;

	ck_assert_int_eq(granter_open(&g, "/nowhere/k", "/nowhere/p", &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, "/nowhere/k"));
}
END_TEST

START_TEST(a_grant_is_good_for_a_minute)
{
	const char *key = KIT_PATH("sign.key"), *pub = KIT_PATH("sign.pub");
	struct granter g = open_granter(key, pub);
	uint8_t spki[PKI_SPKI_LEN] = { 5 }, public[GRANT_KEY_LEN], one[GRANT_WIRE_LEN],
	    two[GRANT_WIRE_LEN];
	struct granter_wish wish = { GRANT_PKI_VPN, GRANT_SUBJECT_NODE, "n-1", spki,
		NOW + 1000, NOW };
	struct grant grant;
	struct err e;

	ck_assert_int_eq(grant_key_public(g.key, public), 0);
	ck_assert_int_eq(granter_sign(&g, &wish, one), 0);
	ck_assert_int_eq(granter_sign(&g, &wish, two), 0);
	ck_assert_int_ne(memcmp(one, two, sizeof(one)), 0);	/* each has its own id */
	ck_assert_int_eq(grant_verify(one, sizeof(one), public, NOW, &grant, &e), 0);
	ck_assert_str_eq(grant.node_id, "n-1");
	ck_assert_int_eq(grant.not_after, NOW + 1000);
	ck_assert_int_eq(grant_verify(one, sizeof(one), public, NOW + 59, &grant, &e), 0);
	ck_assert_int_eq(grant_verify(one, sizeof(one), public, NOW + 60, &grant, &e),
	    -REASON_GRANT_REFUSED);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("granter");

	tcase_set_timeout(tc, 60);	/* every commit waits for the disk */
	tcase_add_test(tc, the_key_is_made_once);
	tcase_add_test(tc, an_interrupted_start_does_no_harm);
	KIT_ROWS(tc, a_damaged_key_is_not_replaced, damaged);
	tcase_add_test(tc, a_place_that_cannot_be_written_is_an_error);
	tcase_add_test(tc, a_grant_is_good_for_a_minute);
	return kit_run("ipamd/granter", tc);
}
