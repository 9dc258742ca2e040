/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/idfiles.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/secret.h"
#include "daemons/tunneld/control.h"
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
	d.cc.grpc_cert_dir = strdup(KIT_PATH("grpc"));
	ck_assert(mkdir(d.cc.grpc_cert_dir, 0755) == 0 || errno == EEXIST);
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

/* Without those of the control API there is a tunnel, too. */
START_TEST(what_is_there_of_the_api_comes_along)
{
	int fds[TUNNELD_FILES];
	struct err e = { 0 };
	uint32_t mask;
	char *text;

	begin("token");
	kit_write("token", "0123", 0600);
	kit_write("grpc/client.csr", "request", 0644);
	ck_assert_int_eq(idfiles_open(&files, fds, &mask, &e), 5);
	ck_assert_uint_eq(mask >> TUNNELD_GRPC_CERT & 1, 0);
	ck_assert_uint_eq(mask >> TUNNELD_GRPC_CSR & 1, 1);
	ck_assert_int_gt(secret_read_fd(fds[4], "csr", false, &text, &e), 0);
	ck_assert_str_eq(text, "request");
	secret_free(text);
	idfiles_close(fds, 5);
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

static char *
read_whole(const char *path)
{
	struct err e = { 0 };
	char *text;

	ck_assert_msg(secret_read_file(path, false, &text, &e) >= 0, "%s", e.text);
	return text;
}

/* What is left of an interrupted one does not matter, and none is left. */
START_TEST(certificate_and_cas_are_replaced)
{
	static const enum tunneld_file both[] = { TUNNELD_CA, TUNNELD_CERT, TUNNELD_GRPC_CA,
		TUNNELD_GRPC_CERT };
	static const char *const lefts[] = { "ca.pem.new", "client.pem.new", "grpc/ca.pem.new",
		"grpc/client.pem.new" };
	const char *left = lefts[_i];
	struct err e = { 0 };
	struct stat st;
	char *text;

	begin("token");
	kit_write(left, "half", 0600);
	ck_assert_msg(idfiles_put(&files, both[_i], "fresh, and more", 5, &e) == 0, "%s", e.text);
	text = read_whole(files.paths[both[_i]]);
	ck_assert_str_eq(text, "fresh");
	ck_assert_int_eq(stat(files.paths[both[_i]], &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_int_eq(stat(KIT_PATH(left), &st), -1);
	secret_free(text);
}
END_TEST

static const struct {
	enum tunneld_file which;
	size_t len;
} refusals[] = {
	{ TUNNELD_KEY, 5 },
	{ TUNNELD_TOKEN, 5 },
	{ TUNNELD_NET_TOKEN, 5 },
	{ TUNNELD_GRPC_CSR, 5 },
	{ TUNNELD_CERT, 0 },
	{ TUNNELD_CERT, CONTROL_PEM_MAX + 1 },
	{ TUNNELD_CA, CONTROL_PEM_MAX + 1 },
};

START_TEST(nothing_else_is_written)
{
	static char large[CONTROL_PEM_MAX + 2];
	struct err e = { 0 };
	char *text;

	begin("token");
	ck_assert_int_eq(idfiles_put(&files, refusals[_i].which, large, refusals[_i].len, &e),
	    -EINVAL);
	text = read_whole(files.paths[TUNNELD_CERT]);
	ck_assert_str_eq(text, "certificate");
	secret_free(text);
}
END_TEST

START_TEST(what_cannot_be_written_stays)
{
	struct err e = { 0 };
	char *text;

	begin("token");
	ck_assert_int_eq(mkdir(KIT_PATH("client.pem.new"), 0700), 0);
	ck_assert_int_lt(idfiles_put(&files, TUNNELD_CERT, "fresh", 5, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.text, "client.pem.new: "));
	text = read_whole(files.paths[TUNNELD_CERT]);
	ck_assert_str_eq(text, "certificate");
	secret_free(text);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("idfiles");

	tcase_add_test(tc, one_that_is_missing_is_named);
	tcase_add_test(tc, a_fifo_stops_nobody);
	tcase_add_test(tc, they_are_opened_in_their_order);
	tcase_add_test(tc, what_is_there_of_the_api_comes_along);
	tcase_add_loop_test(tc, certificate_and_cas_are_replaced, 0, 4);
	KIT_ROWS(tc, nothing_else_is_written, refusals);
	tcase_add_test(tc, what_cannot_be_written_stays);
	return kit_run("tunneld/idfiles", tc);
}
