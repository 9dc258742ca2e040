/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/message.h"

#include <assert.h>
#include <string.h>

const struct opt message_try_options[] = {
	{ .name = "dry-run", .kind = OPT_FLAG, .help = "change nothing: only say whether it can be "
	    "done, and what would come of it" },
	{ 0 },
};

const struct opt message_change_options[] = {
	{ .name = "request-id", .kind = OPT_TEXT, .value = "ID",
	    .help = "of your own: repeated with it, nothing is done twice" },
	{ 0 },
};

void *
message_field(const ProtobufCMessage *msg, const char *name, ProtobufCType type)
{
	const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(
	    msg->descriptor, name);

	if (f == NULL || f->type != type || f->label == PROTOBUF_C_LABEL_REPEATED)
		return NULL;
	return (char *) msg + f->offset;
}

const char *
message_text(const ProtobufCMessage *msg, const char *name)
{
	char **text = message_field(msg, name, PROTOBUF_C_TYPE_STRING);

	return text == NULL ? "" : *text;
}

struct message_items
message_items(const ProtobufCMessage *msg)
{
	for (unsigned i = 0; i < msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &msg->descriptor->fields[i];

		if (f->label == PROTOBUF_C_LABEL_REPEATED && f->type == PROTOBUF_C_TYPE_MESSAGE)
			return (struct message_items){
				(size_t *) (void *) ((char *) msg + f->quantifier_offset),
				(ProtobufCMessage ***) (void *) ((char *) msg + f->offset),
			};
	}
	assert(!"a list without items");
	return (struct message_items){ 0 };
}

const char *
message_name(const ProtobufCMessage *msg)
{
	static const char *const fields[] = { "name", "address", "node", "network" };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		ProtobufCMessage **m = message_field(msg, fields[i], PROTOBUF_C_TYPE_MESSAGE);
		const char *text = m != NULL && *m != NULL ? message_name(*m)
							   : message_text(msg, fields[i]);

		if (text[0] != '\0')
			return text;
	}
	return "";
}

void
message_change(ProtobufCMessage *request, const struct args *a)
{
	protobuf_c_boolean *only = message_field(request, "validate_only", PROTOBUF_C_TYPE_BOOL);
	char **id = message_field(request, "request_id", PROTOBUF_C_TYPE_STRING);

	assert(only != NULL);
	*only = args_has(a, "dry-run");
	if (id != NULL && args_has(a, "request-id"))
		*id = (char *) args_text(a, "request-id");
}
