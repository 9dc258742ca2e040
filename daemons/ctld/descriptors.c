/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/descriptors.h"

/* API_DESC is the file's path, given by the Makefile. */
__asm__(".pushsection .rodata\n"
	"descriptors_begin:\n"
	".incbin \"" API_DESC "\"\n"
	"descriptors_end:\n"
	".byte 0\n"
	".popsection\n");

extern const uint8_t descriptors_begin[], descriptors_end[];

const uint8_t *
descriptors_bytes(void)
{
	return descriptors_begin;
}

size_t
descriptors_len(void)
{
	return (size_t) (descriptors_end - descriptors_begin);
}
