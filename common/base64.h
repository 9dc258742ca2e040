/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_BASE64_H
#define LV_BASE64_H

#include <stddef.h>

/* Base64 (RFC 4648, 4) in one line, with padding. Pure. */

#define BASE64_LEN(n) (((n) + 2) / 3 * 4)	/* of n bytes, without a NUL */

/* Writes BASE64_LEN(len) characters and a NUL. */
void base64_encode(const void *bytes, size_t len, char *out);

#endif
