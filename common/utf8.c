/* SPDX-License-Identifier: Apache-2.0 */
#include "common/utf8.h"

#include <string.h>

/* By the first byte: how many follow, which of its bits count, the least value of that length. */
static const struct form {
	uint8_t mask, mark, follow;
	uint32_t least;
} forms[] = {
	{ 0x80, 0x00, 0, 0 },
	{ 0xe0, 0xc0, 1, 0x80 },
	{ 0xf0, 0xe0, 2, 0x800 },
	{ 0xf8, 0xf0, 3, 0x10000 },
};

uint32_t
utf8_next(const char **text)
{
	const uint8_t *p = (const uint8_t *) *text;
	const struct form *f = NULL;
	uint32_t c;

	if (*p == 0)
		return 0;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if ((*p & forms[i].mask) == forms[i].mark)
			f = &forms[i];
	}
	++*text;
	if (f == NULL)
		return UTF8_BAD;
	c = *p & (uint8_t) ~f->mask;
	for (unsigned i = 1; i <= f->follow; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return UTF8_BAD;	/* the terminating zero is one of these */
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < f->least || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return UTF8_BAD;
	*text += f->follow;
	return c;
}

bool
utf8_valid(const char *text)
{
	uint32_t c;

	while ((c = utf8_next(&text)) != 0) {
		if (c == UTF8_BAD)
			return false;
	}
	return true;
}

void
utf8_copy(char *dst, size_t size, const char *src)
{
	size_t n = 0, len;
	const char *next = src;
	uint32_t c;

	while ((c = utf8_next(&next)) != 0 && n + (len = (size_t) (next - src)) < size) {
		memcpy(dst + n, c == UTF8_BAD ? "?" : src, len);	/* of which it takes one */
		n += len;
		src = next;
	}
	dst[n] = '\0';
}

size_t
utf8_length(const char *text)
{
	size_t n = 0;

	while (utf8_next(&text) != 0)
		n++;
	return n;
}
