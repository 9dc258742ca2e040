/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_MESSAGE_H
#define LV_CLI_MESSAGE_H

#include <protobuf-c/protobuf-c.h>

#include "cli/args.h"

/*
 * Fields of any message, found by their names in its descriptor: the API calls the same thing by
 * the same name everywhere, so that paging, names and the options of changes are written once.
 * Pure.
 */

/*
 * The value of a field that is not repeated, or NULL where there is none of that name and type.
 * PROTOBUF_C_TYPE_STRING: char **; _BOOL: protobuf_c_boolean *; _INT32: int32_t *; _MESSAGE:
 * ProtobufCMessage **.
 */
void *message_field(const ProtobufCMessage *msg, const char *name, ProtobufCType type);

/* Its text, or "". */
const char *message_text(const ProtobufCMessage *msg, const char *name);

/* The first repeated message field: what a list holds. */
struct message_items {
	size_t *n;
	ProtobufCMessage ***items;
};
struct message_items message_items(const ProtobufCMessage *msg);

/* What a person would call it: its name, its address, its node's or network's name; or "". */
const char *message_name(const ProtobufCMessage *msg);

/* Options of what changes something: whether it is only tried, and the request's own id. */
extern const struct opt message_try_options[], message_change_options[];

/* Puts these options into the request, whose fields then point into argv. */
void message_change(ProtobufCMessage *request, const struct args *a);

#endif
