/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/status.h"

#include <errno.h>
#include <stdlib.h>

#include "common/utf8.h"
#include "google/rpc/status.pb-c.h"

#define TYPE_URL "type.googleapis.com/"
#define RETRY_MS 1000	/* a daemon that died is back within this, when it comes back at all */
#define DETAILS_MAX 3

const char *
status_message(const struct status *st)
{
	if (st->detail == NULL || st->detail[0] == '\0' || !utf8_valid(st->detail))
		return reason_text(st->reason);
	return st->detail;
}

/* One detail: a message inside of an Any. Its bytes are the caller's to free. */
struct detail {
	Google__Protobuf__Any any;
	uint8_t *bytes;
};

struct details {
	struct detail items[DETAILS_MAX];
	Google__Protobuf__Any *list[DETAILS_MAX];
	size_t n;
};

static int
add(struct details *ds, const char *type_url, const ProtobufCMessage *msg)
{
	struct detail *d = &ds->items[ds->n];
	size_t len = protobuf_c_message_get_packed_size(msg);

	if ((d->bytes = malloc(len + 1)) == NULL)	/* an empty message is no failure */
		return -ENOMEM;
	google__protobuf__any__init(&d->any);
	d->any.type_url = (char *) type_url;
	d->any.value.data = d->bytes;
	d->any.value.len = protobuf_c_message_pack(msg, d->bytes);
	ds->list[ds->n++] = &d->any;
	return 0;
}

static int
add_error_info(struct details *ds, const struct status *st)
{
	Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
	Google__Rpc__ErrorInfo__MetadataEntry entries[STATUS_META_MAX], *list[STATUS_META_MAX];

	info.reason = (char *) reason_name(st->reason);
	info.domain = (char *) STATUS_DOMAIN;
	info.metadata = list;
	for (size_t i = 0; i < STATUS_META_MAX && st->meta[i].key != NULL; i++) {
		if (!utf8_valid(st->meta[i].value))
			continue;
		google__rpc__error_info__metadata_entry__init(&entries[i]);
		entries[i].key = (char *) st->meta[i].key;
		entries[i].value = (char *) st->meta[i].value;
		list[info.n_metadata++] = &entries[i];
	}
	return add(ds, TYPE_URL "google.rpc.ErrorInfo", &info.base);
}

static int
add_bad_request(struct details *ds, const struct status *st)
{
	Google__Rpc__BadRequest bad = GOOGLE__RPC__BAD_REQUEST__INIT;
	Google__Rpc__BadRequest__FieldViolation v = GOOGLE__RPC__BAD_REQUEST__FIELD_VIOLATION__INIT;
	Google__Rpc__BadRequest__FieldViolation *list[] = { &v };

	v.field = (char *) st->field;
	v.description = (char *) status_message(st);
	bad.n_field_violations = 1;
	bad.field_violations = list;
	return add(ds, TYPE_URL "google.rpc.BadRequest", &bad.base);
}

static int
add_retry_info(struct details *ds, int64_t ms)
{
	Google__Rpc__RetryInfo retry = GOOGLE__RPC__RETRY_INFO__INIT;
	Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;

	delay.seconds = ms / 1000;
	delay.nanos = (int32_t) (ms % 1000 * 1000000);
	retry.retry_delay = &delay;
	return add(ds, TYPE_URL "google.rpc.RetryInfo", &retry.base);
}

int
status_pack(const struct status *st, uint8_t **buf_out, size_t *len_out)
{
	Google__Rpc__Status msg = GOOGLE__RPC__STATUS__INIT;
	struct details ds = { .n = 0 };
	enum rpc_code code = reason_rpc_code(st->reason);
	int64_t retry_ms = st->retry_ms;
	uint8_t *buf = NULL;
	int rc;

	if (retry_ms == 0 && (code == RPC_UNAVAILABLE || st->reason == REASON_OVERLOADED))
		retry_ms = RETRY_MS;
	if ((rc = add_error_info(&ds, st)) < 0 ||
	    (st->field != NULL && (rc = add_bad_request(&ds, st)) < 0) ||
	    (retry_ms > 0 && (rc = add_retry_info(&ds, retry_ms)) < 0))
		goto out;
	msg.code = (int32_t) code;
	msg.message = (char *) status_message(st);
	msg.n_details = ds.n;
	msg.details = ds.list;
	if ((buf = malloc(google__rpc__status__get_packed_size(&msg))) == NULL) {
		rc = -ENOMEM;
		goto out;
	}
	*len_out = google__rpc__status__pack(&msg, buf);
	*buf_out = buf;
out:
	for (size_t i = 0; i < DETAILS_MAX; i++)
		free(ds.items[i].bytes);
	return rc;
}
