/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_MOMENTS_H
#define LV_CTLD_MOMENTS_H

#include <stdint.h>

#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"

/* Our times as the API has them, in memory of the caller. Pure. */

/* UTC; NULL for 0, which is not known. */
Google__Protobuf__Timestamp *moments_time(Google__Protobuf__Timestamp *t, int64_t utc_s);

Google__Protobuf__Duration *moments_span(Google__Protobuf__Duration *d, int64_t us);

#endif
