/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLOCK_H
#define LV_CLOCK_H

#include <stdint.h>

/* Monotonic time for deadlines and intervals (CLOCK_MONOTONIC). */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* Wall time, UTC, for what is stored or shown (CLOCK_REALTIME, since 1970). */
int64_t clock_utc_s(void);
int64_t clock_utc_ms(void);

#endif
