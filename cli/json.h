/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_JSON_H
#define LV_CLI_JSON_H

#include <protobuf-c/protobuf-c.h>
#include <stdio.h>

/*
 * Any message as JSON, by its descriptor, in the mapping of proto3: lowerCamelCase, 64-bit numbers
 * as text, enums by name, bytes in base64, maps as objects, Timestamp and Duration as text. Fields
 * that have no presence are always there, also with their default value, so that a script finds
 * what it looks for; unset messages and oneofs are left out.
 */
void json_print(FILE *to, const ProtobufCMessage *msg);

/* The same in one line: of messages that come one after the other. */
void json_print_line(FILE *to, const ProtobufCMessage *msg);

#endif
