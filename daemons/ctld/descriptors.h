/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_DESCRIPTORS_H
#define LV_CTLD_DESCRIPTORS_H

#include <stddef.h>
#include <stdint.h>

/* The FileDescriptorSet of the public API, as protoc made it at build time. */
const uint8_t *descriptors_bytes(void);
size_t descriptors_len(void);

#endif
