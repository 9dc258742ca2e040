/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/json.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "common/base64.h"
#include "common/utf8.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"

struct printer {
	FILE *to;
	unsigned depth;
	bool one_line;
};

/* --- text ------------------------------------------------------------------------------------- */

static void
print_character(FILE *to, const char *bytes, size_t len, uint32_t c)
{
	static const char escapes[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *found = c < 0x80 ? strchr(escapes, (int) c) : NULL;

	if (c == UTF8_BAD)
		fputs("\\ufffd", to);	/* JSON must be UTF-8 */
	else if (found != NULL)
		fprintf(to, "\\%c", letters[found - escapes]);
	else if (c < 0x20 || c == 0x7f)
		fprintf(to, "\\u%04x", (unsigned) c);
	else
		fwrite(bytes, 1, len, to);
}

static void
print_string(FILE *to, const char *text)
{
	const char *start = text;
	uint32_t c;

	fputc('"', to);
	while ((c = utf8_next(&text)) != 0) {
		print_character(to, start, (size_t) (text - start), c);
		start = text;
	}
	fputc('"', to);
}

static void
print_bytes(FILE *to, const ProtobufCBinaryData *bytes)
{
	char four[BASE64_LEN(3) + 1];

	fputc('"', to);
	for (size_t i = 0; i < bytes->len; i += 3) {
		base64_encode(bytes->data + i, bytes->len - i < 3 ? bytes->len - i : 3, four);
		fputs(four, to);
	}
	fputc('"', to);
}

/* snake_case becomes lowerCamelCase. */
static void
print_name(FILE *to, const char *name)
{
	fputc('"', to);
	for (; *name != '\0'; name++) {
		if (*name == '_' && name[1] != '\0')
			fputc(toupper((unsigned char) *++name), to);
		else
			fputc(*name, to);
	}
	fputs("\": ", to);
}

/* --- messages that have a form of their own --------------------------------------------------- */

/* With as many digits as are needed: none, 3, 6 or 9. */
static void
print_fraction(FILE *to, int32_t nanos)
{
	if (nanos == 0)
		return;
	if (nanos % 1000000 == 0)
		fprintf(to, ".%03" PRId32, nanos / 1000000);
	else if (nanos % 1000 == 0)
		fprintf(to, ".%06" PRId32, nanos / 1000);
	else
		fprintf(to, ".%09" PRId32, nanos);
}

/* RFC 3339, UTC. */
static void
print_timestamp(FILE *to, const ProtobufCMessage *msg)
{
	const Google__Protobuf__Timestamp *t = (const Google__Protobuf__Timestamp *) msg;
	time_t seconds = (time_t) t->seconds;
	struct tm tm;
	char text[64];

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
		fputs("null", to);
		return;
	}
	fprintf(to, "\"%s", text);
	print_fraction(to, t->nanos);
	fputs("Z\"", to);
}

static void
print_duration(FILE *to, const ProtobufCMessage *msg)
{
	const Google__Protobuf__Duration *d = (const Google__Protobuf__Duration *) msg;
	bool negative = d->seconds < 0 || d->nanos < 0;
	uint64_t seconds = negative ? -(uint64_t) d->seconds : (uint64_t) d->seconds;

	fprintf(to, "\"%s%" PRIu64, negative ? "-" : "", seconds);
	print_fraction(to, negative ? -d->nanos : d->nanos);
	fputs("s\"", to);
}

static const struct {
	const char *name;
	void (*print)(FILE *to, const ProtobufCMessage *msg);
} special[] = {
	{ "google.protobuf.Timestamp", print_timestamp },
	{ "google.protobuf.Duration", print_duration },
};

/* --- values ----------------------------------------------------------------------------------- */

static void print_message(struct printer *p, const ProtobufCMessage *msg);

/* "NaN" and the infinities are text in JSON; %.17g keeps every double, %.9g every float. */
static void
print_real(FILE *to, double v, int digits)
{
	if (isnan(v))
		fputs("\"NaN\"", to);
	else if (isinf(v))
		fputs(v < 0 ? "\"-Infinity\"" : "\"Infinity\"", to);
	else
		fprintf(to, "%.*g", digits, v);
}

static void
print_enum(FILE *to, const ProtobufCFieldDescriptor *f, int number)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(f->descriptor, number);

	if (v == NULL)
		fprintf(to, "%d", number);	/* of a newer server */
	else
		print_string(to, v->name);
}

/* One value of the field's type at `at`. */
static void
print_value(struct printer *p, const ProtobufCFieldDescriptor *f, const void *at)
{
	FILE *to = p->to;

	switch (f->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		fprintf(to, "%" PRId32, *(const int32_t *) at);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		fprintf(to, "%" PRIu32, *(const uint32_t *) at);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		fprintf(to, "\"%" PRId64 "\"", *(const int64_t *) at);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		fprintf(to, "\"%" PRIu64 "\"", *(const uint64_t *) at);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		print_real(to, (double) *(const float *) at, 9);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		print_real(to, *(const double *) at, 17);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		fputs(*(const protobuf_c_boolean *) at ? "true" : "false", to);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		print_enum(to, f, *(const int *) at);
		break;
	case PROTOBUF_C_TYPE_STRING:
		print_string(to, *(char *const *) at);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		print_bytes(to, at);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		print_message(p, *(ProtobufCMessage *const *) at);
		break;
	}
}

static size_t
size_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	default:
		return 4;
	}
}

/* --- fields ----------------------------------------------------------------------------------- */

static void
new_line(struct printer *p)
{
	if (!p->one_line)
		fprintf(p->to, "\n%*s", (int) (2 * p->depth), "");
}

static void
print_list(struct printer *p, const ProtobufCFieldDescriptor *f, const char *items, size_t n)
{
	if (n == 0) {
		fputs("[]", p->to);
		return;
	}
	fputc('[', p->to);
	p->depth++;
	for (size_t i = 0; i < n; i++) {
		fputs(i == 0 ? "" : ",", p->to);
		new_line(p);
		print_value(p, f, items + i * size_of(f->type));
	}
	p->depth--;
	new_line(p);
	fputc(']', p->to);
}

/* protoc makes a map<K, V> into repeated FieldEntry { K key = 1; V value = 2; } inside of MSG. */
static bool
is_map(const ProtobufCMessageDescriptor *in, const ProtobufCFieldDescriptor *f)
{
	const ProtobufCMessageDescriptor *d = f->descriptor;
	size_t n = strlen(in->name), len;

	if (f->label != PROTOBUF_C_LABEL_REPEATED || f->type != PROTOBUF_C_TYPE_MESSAGE ||
	    d->n_fields != 2 || strcmp(d->fields[0].name, "key") != 0 ||
	    strcmp(d->fields[1].name, "value") != 0)
		return false;
	len = strlen(d->name);
	return strncmp(d->name, in->name, n) == 0 && d->name[n] == '.' && len > n + 6 &&
	    strcmp(d->name + len - 5, "Entry") == 0;
}

/* Keys are text in JSON, whatever they are here. */
static void
print_key(struct printer *p, const ProtobufCFieldDescriptor *f, const void *at)
{
	bool quoted = f->type == PROTOBUF_C_TYPE_STRING || size_of(f->type) == 8;

	fputs(quoted ? "" : "\"", p->to);
	print_value(p, f, at);
	fputs(quoted ? ": " : "\": ", p->to);
}

static void
print_map(struct printer *p, ProtobufCMessage *const *entries, size_t n)
{
	fputc('{', p->to);
	p->depth++;
	for (size_t i = 0; i < n; i++) {
		const ProtobufCFieldDescriptor *f = entries[i]->descriptor->fields;
		const char *base = (const char *) entries[i];

		fputs(i == 0 ? "" : ",", p->to);
		new_line(p);
		print_key(p, &f[0], base + f[0].offset);
		print_value(p, &f[1], base + f[1].offset);
	}
	p->depth--;
	if (n > 0)
		new_line(p);
	fputc('}', p->to);
}

/* Is there anything to print for it? */
static bool
is_present(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *f)
{
	const char *base = (const char *) msg;

	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return true;
	if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
		return *(const uint32_t *) (const void *) (base + f->quantifier_offset) == f->id;
	if (f->type == PROTOBUF_C_TYPE_MESSAGE || f->type == PROTOBUF_C_TYPE_STRING)
		return *(void *const *) (const void *) (base + f->offset) != NULL;
	return f->label != PROTOBUF_C_LABEL_OPTIONAL ||
	    *(const protobuf_c_boolean *) (const void *) (base + f->quantifier_offset) != 0;
}

static void
print_field(struct printer *p, const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *f)
{
	const char *base = (const char *) msg;
	size_t n;
	char *items;

	print_name(p->to, f->name);
	if (f->label != PROTOBUF_C_LABEL_REPEATED) {
		print_value(p, f, base + f->offset);
		return;
	}
	n = *(const size_t *) (const void *) (base + f->quantifier_offset);
	items = *(char *const *) (const void *) (base + f->offset);
	if (is_map(msg->descriptor, f))
		print_map(p, (ProtobufCMessage *const *) (void *) items, n);
	else
		print_list(p, f, items, n);
}

static void
print_message(struct printer *p, const ProtobufCMessage *msg)
{
	const ProtobufCMessageDescriptor *d = msg->descriptor;
	bool first = true;

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		if (strcmp(d->name, special[i].name) == 0) {
			special[i].print(p->to, msg);
			return;
		}
	}
	fputc('{', p->to);
	p->depth++;
	for (unsigned i = 0; i < d->n_fields; i++) {
		if (!is_present(msg, &d->fields[i]))
			continue;
		fputs(first ? "" : ",", p->to);
		new_line(p);
		print_field(p, msg, &d->fields[i]);
		first = false;
	}
	p->depth--;
	if (!first)
		new_line(p);
	fputc('}', p->to);
}

static void
print_all(FILE *to, const ProtobufCMessage *msg, bool one_line)
{
	struct printer p = { .to = to, .one_line = one_line };

	print_message(&p, msg);
	fputc('\n', to);
}

void
json_print(FILE *to, const ProtobufCMessage *msg)
{
	print_all(to, msg, false);
}

void
json_print_line(FILE *to, const ProtobufCMessage *msg)
{
	print_all(to, msg, true);
}
