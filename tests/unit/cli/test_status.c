/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/status.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "google/rpc/status.pb-c.h"
#include "tests/unit/kit.h"

#define TYPE "type.googleapis.com/google.rpc."

/* A Status with one detail of each kind; the caller frees it. */
static uint8_t *
make(const char *reason, const char *field, size_t *len_out)
{
	Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
	Google__Rpc__BadRequest bad = GOOGLE__RPC__BAD_REQUEST__INIT;
	Google__Rpc__BadRequest__FieldViolation v = GOOGLE__RPC__BAD_REQUEST__FIELD_VIOLATION__INIT,
	    *vs[] = { &v };
	Google__Protobuf__Any a = GOOGLE__PROTOBUF__ANY__INIT, b = a, c = a;
	Google__Protobuf__Any *list[] = { &a, &b, &c };
	Google__Rpc__Status st = GOOGLE__RPC__STATUS__INIT;
	uint8_t one[256], two[256], *buf;

	info.reason = (char *) reason;
	v.field = (char *) field;
	bad.n_field_violations = 1;
	bad.field_violations = vs;
	a.type_url = (char *) "type.googleapis.com/somebody.Else";
	a.value.data = (uint8_t *) "\xff";
	a.value.len = 1;
	b.type_url = (char *) TYPE "ErrorInfo";
	b.value.data = one;
	b.value.len = google__rpc__error_info__pack(&info, one);
	c.type_url = (char *) TYPE "BadRequest";
	c.value.data = two;
	c.value.len = google__rpc__bad_request__pack(&bad, two);
	st.n_details = 3;
	st.details = list;
	buf = malloc(google__rpc__status__get_packed_size(&st));
	*len_out = google__rpc__status__pack(&st, buf);
	return buf;
}

START_TEST(reason_and_field_are_read)
{
	struct rpc_error e;
	size_t len;
	uint8_t *buf = make("FIELD_INVALID", "token.uses", &len);

	status_read(RPC_INVALID_ARGUMENT, "must be small", buf, len, &e);
	ck_assert_int_eq(e.code, RPC_INVALID_ARGUMENT);
	ck_assert_str_eq(e.reason, "FIELD_INVALID");
	ck_assert_str_eq(e.field, "token.uses");
	ck_assert_str_eq(e.text, "must be small");
	free(buf);
}
END_TEST

START_TEST(every_truncation_is_survived)
{
	struct rpc_error e;
	size_t len;
	uint8_t *buf = make("FIELD_INVALID", "token.uses", &len);

	for (size_t n = 0; n < len; n++) {
		uint8_t *part = malloc(n + 1);	/* of its own, so that sanitizers see an overrun */

		memcpy(part, buf, n);
		status_read(RPC_INVALID_ARGUMENT, "text", part, n, &e);
		ck_assert_str_eq(e.text, "text");
		ck_assert(strcmp(e.reason, "FIELD_INVALID") == 0 ||
		    strcmp(e.reason, "INVALID_ARGUMENT") == 0);
		free(part);
	}
	free(buf);
}
END_TEST

START_TEST(long_words_are_cut)
{
	struct rpc_error e;
	char reason[101];
	uint8_t *buf;
	size_t len;

	memset(reason, 'R', 100);
	reason[100] = '\0';
	buf = make(reason, reason, &len);
	status_read(RPC_INTERNAL, "", buf, len, &e);
	ck_assert_uint_eq(strlen(e.reason), sizeof(e.reason) - 1);
	ck_assert_uint_eq(strlen(e.field), sizeof(e.field) - 1);
	free(buf);
}
END_TEST

START_TEST(without_details_the_code_is_the_reason)
{
	struct rpc_error e;

	status_read(RPC_UNAVAILABLE, "no route", NULL, 0, &e);
	ck_assert_str_eq(e.reason, "UNAVAILABLE");
	ck_assert_str_eq(e.field, "");
	status_read((enum rpc_code) 99, "", (const uint8_t *) "\xff", 1, &e);
	ck_assert_str_eq(e.reason, "UNKNOWN");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("status");

	tcase_add_test(tc, reason_and_field_are_read);
	tcase_add_test(tc, every_truncation_is_survived);
	tcase_add_test(tc, long_words_are_cut);
	tcase_add_test(tc, without_details_the_code_is_the_reason);
	return kit_run("cli status", tc);
}
