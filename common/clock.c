/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"

#include <time.h>

static int64_t
now_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t
clock_mono_ms(void)
{
	return now_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t
clock_mono_us(void)
{
	return now_ns(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_utc_s(void)
{
	return now_ns(CLOCK_REALTIME) / 1000000000;
}

int64_t
clock_utc_ms(void)
{
	return now_ns(CLOCK_REALTIME) / 1000000;
}

const char *
clock_format(int64_t utc_s, char buf[CLOCK_TEXT_MAX])
{
	time_t t = (time_t) utc_s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(buf, CLOCK_TEXT_MAX, "%FT%TZ", &tm) == 0)
		buf[0] = '\0';
	return buf;
}
