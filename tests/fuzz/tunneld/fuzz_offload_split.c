/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "daemons/tunneld/offload_split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever a device hands out: nothing outside of the buffer is touched, no packet is too long. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *buf = malloc(size + 1), *room;
	struct offload_split s;
	size_t total = 0, len = 0;

	memcpy(buf, data, size);
	if (offload_split_init(&s, buf, size)) {
		room = malloc(s.head + s.part + 1);
		for (size_t i = 0; i < s.parts; i++) {
			offload_split_part(&s, i, room, &len);
			total += len - s.head;
		}
		if (total != s.len - s.head)
			abort();
		free(room);
	}
	free(buf);
	return 0;
}
