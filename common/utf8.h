/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_UTF8_H
#define LV_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Text from outside in UTF-8 (RFC 3629): protobuf-c takes any bytes for a string, strict peers
 * refuse such a message. Pure.
 */

#define UTF8_BAD UINT32_MAX

/*
 * Takes the next character off *text, or one byte and UTF8_BAD where there is none (a stray or
 * missing byte, a surrogate, a form that is too long, past U+10FFFF). 0 at the end, not moved.
 */
uint32_t utf8_next(const char **text);

bool utf8_valid(const char *text);

/*
 * As much of `src` as fits in dst (of `size` > 0 bytes, with a NUL), cut between characters; a '?'
 * for each byte that is none. So the copy is a valid text, whatever `src` is.
 */
void utf8_copy(char *dst, size_t size, const char *src);

/* Characters of a valid text. */
size_t utf8_length(const char *text);

#endif
