/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_REFLECT_H
#define LV_CTLD_REFLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/*
 * An index over a FileDescriptorSet: which file defines a name, what that file needs. Built once,
 * then constant: any thread.
 */
struct reflect;

/* One .proto file as a packed FileDescriptorProto, with its comments; borrowed from the index. */
struct reflect_file {
	const uint8_t *bytes;
	size_t len;
};

int reflect_new(const uint8_t *set, size_t len, struct reflect **out, struct err *e);
void reflect_free(struct reflect *r);	/* NULL is fine */

/* The full name of the n-th service; NULL past the last. */
const char *reflect_service_at(const struct reflect *r, size_t n);
bool reflect_has_service(const struct reflect *r, const char *name);

/*
 * Numbers of files; -ENOENT when there is none. A symbol is the full name of a service, method,
 * message, field, oneof, enum, enum value or extension, with or without a dot before it.
 */
int reflect_by_name(const struct reflect *r, const char *file_name);
int reflect_by_symbol(const struct reflect *r, const char *symbol);
int reflect_by_extension(const struct reflect *r, const char *type, int32_t number);

/* The numbers of all extensions of a message; returns how many, at most max are filled in. */
size_t reflect_extensions(const struct reflect *r, const char *type, int32_t *numbers_out,
    size_t max);

/* The file and all that it needs, each once; returns how many, at most reflect_count. */
size_t reflect_closure(const struct reflect *r, int file, struct reflect_file *files_out);
size_t reflect_count(const struct reflect *r);

#endif
