/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/status.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "google/rpc/status.pb-c.h"
#include "tests/unit/kit.h"

#define TYPE "type.googleapis.com/google.rpc."

static Google__Rpc__Status *
pack_and_read(const struct status *st)
{
	Google__Rpc__Status *msg;
	uint8_t *buf;
	size_t len;

	ck_assert_int_eq(status_pack(st, &buf, &len), 0);
	msg = google__rpc__status__unpack(NULL, len, buf);
	ck_assert_ptr_nonnull(msg);
	free(buf);
	return msg;
}

static const ProtobufCBinaryData *
find(const Google__Rpc__Status *msg, const char *type_url)
{
	for (size_t i = 0; i < msg->n_details; i++) {
		if (strcmp(msg->details[i]->type_url, type_url) == 0)
			return &msg->details[i]->value;
	}
	return NULL;
}

START_TEST(every_reason_has_its_code_and_info)
{
	enum reason r;

	for (unsigned i = 0; (r = reason_at(i)) != REASON_NONE; i++) {
		Google__Rpc__Status *msg = pack_and_read(&(struct status){ .reason = r });
		const ProtobufCBinaryData *bytes = find(msg, TYPE "ErrorInfo");
		Google__Rpc__ErrorInfo *info;

		ck_assert_int_eq(msg->code, (int) reason_rpc_code(r));
		ck_assert_str_eq(msg->message, reason_text(r));
		ck_assert_ptr_nonnull(bytes);
		info = google__rpc__error_info__unpack(NULL, bytes->len, bytes->data);
		ck_assert_str_eq(info->reason, reason_name(r));
		ck_assert_str_eq(info->domain, "litevpn");
		ck_assert_uint_eq(info->n_metadata, 0);
		/* Trying again is of use where somebody was not there, or had too much to do. */
		ck_assert_int_eq(find(msg, TYPE "RetryInfo") != NULL,
		    reason_rpc_code(r) == RPC_UNAVAILABLE || r == REASON_OVERLOADED);
		ck_assert_ptr_null(find(msg, TYPE "BadRequest"));
		google__rpc__error_info__free_unpacked(info, NULL);
		google__rpc__status__free_unpacked(msg, NULL);
	}
}
END_TEST

START_TEST(a_field_is_named_with_what_is_wrong)
{
	Google__Rpc__Status *msg = pack_and_read(&(struct status){ .reason = REASON_FIELD_INVALID,
	    .field = "token.uses", .detail = "must be small" });
	const ProtobufCBinaryData *bytes = find(msg, TYPE "BadRequest");
	Google__Rpc__BadRequest *bad;

	ck_assert_ptr_nonnull(bytes);
	bad = google__rpc__bad_request__unpack(NULL, bytes->len, bytes->data);
	ck_assert_uint_eq(bad->n_field_violations, 1);
	ck_assert_str_eq(bad->field_violations[0]->field, "token.uses");
	ck_assert_str_eq(bad->field_violations[0]->description, "must be small");
	ck_assert_str_eq(msg->message, "must be small");
	google__rpc__bad_request__free_unpacked(bad, NULL);
	google__rpc__status__free_unpacked(msg, NULL);
}
END_TEST

START_TEST(metadata_goes_along)
{
	Google__Rpc__Status *msg = pack_and_read(&(struct status){ .reason = REASON_SESSION_NOT_CUT,
	    .meta = { { "committed", "true" }, { "bad", "\xff" }, { "b", "2" }, { "c", "3" } } });
	const ProtobufCBinaryData *bytes = find(msg, TYPE "ErrorInfo");
	Google__Rpc__ErrorInfo *info = google__rpc__error_info__unpack(NULL, bytes->len,
	    bytes->data);

	ck_assert_uint_eq(info->n_metadata, 3);	/* all but the one that is not UTF-8 */
	ck_assert_str_eq(info->metadata[0]->key, "committed");
	ck_assert_str_eq(info->metadata[0]->value, "true");
	ck_assert_str_eq(info->metadata[2]->value, "3");
	google__rpc__error_info__free_unpacked(info, NULL);
	google__rpc__status__free_unpacked(msg, NULL);
}
END_TEST

START_TEST(text_that_is_no_text_is_not_sent)
{
	ck_assert_str_eq(status_message(&(struct status){ .reason = REASON_INTERNAL,
	    .detail = "a\xc3" }), reason_text(REASON_INTERNAL));
	ck_assert_str_eq(status_message(&(struct status){ .reason = REASON_INTERNAL,
	    .detail = "" }), reason_text(REASON_INTERNAL));
	ck_assert_str_eq(status_message(&(struct status){ .reason = REASON_INTERNAL,
	    .detail = "\xc3\xa4" }), "\xc3\xa4");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("status");

	tcase_add_test(tc, every_reason_has_its_code_and_info);
	tcase_add_test(tc, a_field_is_named_with_what_is_wrong);
	tcase_add_test(tc, metadata_goes_along);
	tcase_add_test(tc, text_that_is_no_text_is_not_sent);
	return kit_run("status", tc);
}
