/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/idfiles.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/secret.h"
#include "tests/unit/kit.h"

static struct tunneld d;
static struct idfiles files;

/* A node with all of its files but perhaps the token's. */
static void
begin(const char *token)
{
	d.cc.vpn_cert_dir = (char *) kit_dir();
	d.cc.token = (char *) "";
	d.cc.token_file = strdup(KIT_PATH(token));
	d.cc.net_token_file = (char *) "";
	kit_write("ca.pem", "ca", 0644);
	kit_write("client.pem", "certificate", 0644);
	kit_write("client-key.pem", "key", 0600);
	idfiles_init(&files, &d);
}

START_TEST(they_are_opened_in_their_order)
{
	int fds[TUNNELD_FILES];
	struct err e = { 0 };
	uint32_t mask;
	char *text;

	begin("token");
	kit_write("token", "0123", 0600);
	ck_assert_int_eq(idfiles_open(&files, fds, &mask, &e), 4);
	ck_assert_uint_eq(mask, 1u << TUNNELD_CA | 1u << TUNNELD_CERT | 1u << TUNNELD_KEY |
	    1u << TUNNELD_TOKEN);
	ck_assert_int_gt(secret_read_fd(fds[3], "token", true, &text, &e), 0);
	ck_assert_str_eq(text, "0123");
	secret_free(text);
	idfiles_close(fds, 4);
}
END_TEST

START_TEST(one_that_is_missing_is_named)
{
	int fds[TUNNELD_FILES];
	struct err e = { 0 };
	uint32_t mask;

	begin("missing");
	ck_assert_int_eq(idfiles_open(&files, fds, &mask, &e), -ENOENT);
	ck_assert_msg(strstr(e.text, "/missing: ") != NULL, "%s", e.text);
}
END_TEST

/* The monitor must not wait for somebody to write there. */
START_TEST(a_fifo_stops_nobody)
{
	int fds[TUNNELD_FILES];
	struct err e = { 0 };
	uint32_t mask;
	char *text;

	begin("fifo");
	ck_assert_int_eq(mkfifo(d.cc.token_file, 0600), 0);
	ck_assert_int_eq(idfiles_open(&files, fds, &mask, &e), 4);
	ck_assert_int_lt(secret_read_fd(fds[3], "token", true, &text, &e), 0);
	idfiles_close(fds, 4);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("idfiles");

	tcase_add_test(tc, one_that_is_missing_is_named);
	tcase_add_test(tc, a_fifo_stops_nobody);
	tcase_add_test(tc, they_are_opened_in_their_order);
	return kit_run("tunneld/idfiles", tc);
}
