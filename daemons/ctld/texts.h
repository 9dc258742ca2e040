/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_TEXTS_H
#define LV_CTLD_TEXTS_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

/*
 * The texts of a request as they stand on the wire. protobuf-c makes C strings of them, which end at
 * the first NUL: of a longer one a handler would see a part, and act on a name that nobody has
 * given. Pure.
 */

/*
 * Looks for a NUL in the texts of a message of that type, those of the messages in it too; the
 * bytes must be such that protobuf-c can unpack them. Returns the name of the field (static
 * storage), or NULL when every text is whole.
 */
const char *texts_find_nul(const ProtobufCMessageDescriptor *type, const void *bytes, size_t len);

#endif
