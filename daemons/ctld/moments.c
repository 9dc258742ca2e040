/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/moments.h"

#include <stddef.h>

Google__Protobuf__Timestamp *
moments_time(Google__Protobuf__Timestamp *t, int64_t utc_s)
{
	google__protobuf__timestamp__init(t);
	t->seconds = utc_s;
	return utc_s == 0 ? NULL : t;
}

Google__Protobuf__Duration *
moments_span(Google__Protobuf__Duration *d, int64_t us)
{
	google__protobuf__duration__init(d);
	d->seconds = us / 1000000;
	d->nanos = (int32_t) (us % 1000000) * 1000;
	return d;
}
