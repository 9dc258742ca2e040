/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/status.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "google/rpc/status.pb-c.h"

#define TYPE_URL "type.googleapis.com/"

static const char *const code_names[] = {
	[RPC_OK] = "OK",
	[RPC_CANCELLED] = "CANCELLED",
	[RPC_UNKNOWN] = "UNKNOWN",
	[RPC_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
	[RPC_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
	[RPC_NOT_FOUND] = "NOT_FOUND",
	[RPC_ALREADY_EXISTS] = "ALREADY_EXISTS",
	[RPC_PERMISSION_DENIED] = "PERMISSION_DENIED",
	[RPC_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
	[RPC_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
	[RPC_ABORTED] = "ABORTED",
	[RPC_OUT_OF_RANGE] = "OUT_OF_RANGE",
	[RPC_UNIMPLEMENTED] = "UNIMPLEMENTED",
	[RPC_INTERNAL] = "INTERNAL",
	[RPC_UNAVAILABLE] = "UNAVAILABLE",
	[RPC_DATA_LOSS] = "DATA_LOSS",
	[RPC_UNAUTHENTICATED] = "UNAUTHENTICATED",
};

static void
read_error_info(const ProtobufCBinaryData *bytes, struct rpc_error *out)
{
	Google__Rpc__ErrorInfo *info = google__rpc__error_info__unpack(NULL, bytes->len,
	    bytes->data);

	if (info == NULL)
		return;
	snprintf(out->reason, sizeof(out->reason), "%s", info->reason);
	google__rpc__error_info__free_unpacked(info, NULL);
}

static void
read_bad_request(const ProtobufCBinaryData *bytes, struct rpc_error *out)
{
	Google__Rpc__BadRequest *bad = google__rpc__bad_request__unpack(NULL, bytes->len,
	    bytes->data);

	if (bad == NULL)
		return;
	if (bad->n_field_violations > 0)
		snprintf(out->field, sizeof(out->field), "%s", bad->field_violations[0]->field);
	google__rpc__bad_request__free_unpacked(bad, NULL);
}

static const struct {
	const char *type_url;
	void (*read)(const ProtobufCBinaryData *bytes, struct rpc_error *out);
} kinds[] = {
	{ TYPE_URL "google.rpc.ErrorInfo", read_error_info },
	{ TYPE_URL "google.rpc.BadRequest", read_bad_request },
};

static void
read_detail(const Google__Protobuf__Any *any, struct rpc_error *out)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(any->type_url, kinds[i].type_url) == 0)
			kinds[i].read(&any->value, out);
	}
}

void
status_read(enum rpc_code code, const char *message, const uint8_t *details, size_t len,
    struct rpc_error *out)
{
	bool known = code < sizeof(code_names) / sizeof(code_names[0]);
	Google__Rpc__Status *st = NULL;

	*out = (struct rpc_error){ .code = code };
	snprintf(out->reason, sizeof(out->reason), "%s", known ? code_names[code] : "UNKNOWN");
	snprintf(out->text, sizeof(out->text), "%s", message);
	if (details != NULL)
		st = google__rpc__status__unpack(NULL, len, details);
	if (st == NULL)
		return;
	for (size_t i = 0; i < st->n_details; i++)
		read_detail(st->details[i], out);
	google__rpc__status__free_unpacked(st, NULL);
}
