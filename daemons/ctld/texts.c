/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/texts.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/wire.h"

/* https://protobuf.dev/programming-guides/encoding/ */
enum wire_type { VARINT = 0, FIXED64 = 1, DELIMITED = 2, FIXED32 = 5 };

static uint64_t
get_varint(struct wire *w)
{
	uint64_t value = 0;
	uint8_t byte = 0x80;

	for (unsigned shift = 0; shift < 64 && (byte & 0x80) != 0; shift += 7) {
		byte = wire_get_u8(w);
		value |= (uint64_t) (byte & 0x7f) << shift;
	}
	return value;
}

static void
skip(struct wire *w, enum wire_type type)
{
	switch (type) {
	case VARINT:
		get_varint(w);
		break;
	case FIXED64:
		wire_get_u64(w);
		break;
	case FIXED32:
		wire_get_u32(w);
		break;
	default:
		w->failed = true;	/* protobuf-c has refused it before us */
	}
}

/* A field of known length: is it a text with a NUL, or a message that holds one? */
static const char *
look_into(const ProtobufCFieldDescriptor *field, const void *bytes, size_t len)
{
	if (field == NULL)
		return NULL;	/* of a later version of the API */
	if (field->type == PROTOBUF_C_TYPE_STRING)
		return memchr(bytes, '\0', len) == NULL ? NULL : field->name;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)	/* no type of the API holds itself */
		return texts_find_nul(field->descriptor, bytes, len);
	return NULL;
}

const char *
texts_find_nul(const ProtobufCMessageDescriptor *type, const void *bytes, size_t len)
{
	struct wire w = wire_reader(bytes, len);
	const char *found = NULL;

	while (found == NULL && !w.failed && !wire_done(&w)) {
		uint64_t tag = get_varint(&w), size;
		const uint8_t *value;

		if ((tag & 7) != DELIMITED) {
			skip(&w, (enum wire_type) (tag & 7));
			continue;
		}
		size = get_varint(&w);
		if ((value = wire_get_bytes(&w, size)) != NULL)
			found = look_into(protobuf_c_message_descriptor_get_field(type,
			    (unsigned) (tag >> 3)), value, size);
	}
	return found;
}
