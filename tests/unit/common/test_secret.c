/* SPDX-License-Identifier: Apache-2.0 */
#include "common/secret.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/kit.h"

START_TEST(wiping_and_comparing)
{
	char a[] = "secret", b[] = "secret";

	ck_assert(secret_equal(a, b, 6));
	b[5] ^= 1;
	ck_assert(!secret_equal(a, b, 6));
	ck_assert(secret_equal(a, b, 5));
	secret_wipe(a, sizeof(a));
	ck_assert_mem_eq(a, "\0\0\0\0\0\0\0", 7);
	secret_free(NULL);
	secret_free(strdup("gone"));
}
END_TEST

START_TEST(randomness_does_not_repeat)
{
	uint8_t a[300], b[300];	/* more than one getrandom(2) promises at once */
	char one[SECRET_TOKEN_LEN + 1], other[SECRET_TOKEN_LEN + 1];

	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	secret_random(a, sizeof(a));
	secret_random(b, sizeof(b));
	ck_assert_mem_ne(a, b, 16);
	ck_assert_mem_ne(a + 284, b + 284, 16);
	secret_token(one);
	secret_token(other);
	ck_assert_str_ne(one, other);
	ck_assert_uint_eq(strlen(one), SECRET_TOKEN_LEN);
	ck_assert_uint_eq(strspn(one, "0123456789abcdef"), SECRET_TOKEN_LEN);
}
END_TEST

static const struct {
	const char *text, *chomped;
} ends[] = {
	{ "", "" },
	{ "token", "token" },
	{ "token\n", "token" },
	{ "token \t\r\n\n", "token" },
	{ " to ken\n", " to ken" },
	{ "\n\n", "" },
};

START_TEST(the_end_of_a_token_file_is_cut)
{
	char text[32];

	strcpy(text, ends[_i].text);
	secret_chomp(text);
	ck_assert_str_eq(text, ends[_i].chomped);
}
END_TEST

static const struct {
	mode_t mode;
	bool private;
	int rc;
} modes[] = {
	{ 0600, true, 5 },
	{ 0640, true, 5 },
	{ 0644, true, -EPERM },
	{ 0604, true, -EPERM },
	{ 0644, false, 5 },
};

START_TEST(a_secret_file_is_for_few_eyes)
{
	const char *path = kit_write("key", "abcde", modes[_i].mode);
	char *text = NULL;
	struct err e;

	ck_assert_int_eq(secret_read_file(path, modes[_i].private, &text, &e), modes[_i].rc);
	if (modes[_i].rc > 0)
		ck_assert_str_eq(text, "abcde");
	else
		ck_assert_ptr_null(text);
	secret_free(text);
}
END_TEST

START_TEST(sizes_are_bounded)
{
	char *text = NULL, *large = calloc(1, SECRET_FILE_MAX + 2);
	struct err e;

	memset(large, 'x', SECRET_FILE_MAX);
	ck_assert_int_eq(secret_read_file(kit_write("large", large, 0600), true, &text, &e),
	    SECRET_FILE_MAX);
	ck_assert_uint_eq(strlen(text), SECRET_FILE_MAX);
	secret_free(text);
	large[SECRET_FILE_MAX] = 'x';
	text = NULL;
	ck_assert_int_eq(secret_read_file(kit_write("larger", large, 0600), true, &text, &e),
	    -EFBIG);
	ck_assert_ptr_null(text);
	ck_assert_int_eq(secret_read_file(kit_write("empty", "", 0600), true, &text, &e), 0);
	ck_assert_str_eq(text, "");
	secret_free(text);
	free(large);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
	const char *fifo = KIT_PATH("fifo");
	char *text = NULL;
	struct err e;

	ck_assert_int_eq(secret_read_file(KIT_PATH("missing"), true, &text, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, "missing: No such file"));
	ck_assert_int_eq(secret_read_file(kit_dir(), true, &text, &e), -EBADMSG);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_int_eq(secret_read_file(fifo, true, &text, &e), -EBADMSG); /* without waiting */
	ck_assert_ptr_null(text);
}
END_TEST

START_TEST(a_hash_recognises_its_text)
{
	/* FIPS 180-2, appendix B.1. */
	static const uint8_t abc[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41,
		0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
		0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };
	uint8_t hash[SECRET_HASH_LEN];

	secret_hash("abc", hash);
	ck_assert_mem_eq(hash, abc, sizeof(abc));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("secret");

	tcase_add_test(tc, wiping_and_comparing);
	tcase_add_test(tc, randomness_does_not_repeat);
	KIT_ROWS(tc, the_end_of_a_token_file_is_cut, ends);
	KIT_ROWS(tc, a_secret_file_is_for_few_eyes, modes);
	tcase_add_test(tc, sizes_are_bounded);
	tcase_add_test(tc, what_is_no_file_is_refused);
	tcase_add_test(tc, a_hash_recognises_its_text);
	return kit_run("common/secret", tc);
}
