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

/* UTC seconds as "2026-11-22T15:43:34Z"; in a temporary, see IP_TEXT in ip.h. */
#define CLOCK_TEXT_MAX 32
const char *clock_format(int64_t utc_s, char buf[CLOCK_TEXT_MAX]);
#define CLOCK_TEXT(utc_s) clock_format((utc_s), (char[CLOCK_TEXT_MAX]){ 0 })

#endif
