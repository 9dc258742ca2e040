/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_DIGEST_H
#define LV_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/* SHA-256 of what comes piece by piece. */
struct digest;

#define DIGEST_LEN 32

struct digest *digest_new(void);	/* NULL when out of memory */
void digest_free(struct digest *d);	/* NULL is fine */

void digest_add(struct digest *d, const void *bytes, size_t len);

/* Of all that was added; nothing more can be added. */
void digest_end(struct digest *d, uint8_t out[DIGEST_LEN]);

#endif
