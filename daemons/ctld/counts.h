/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_COUNTS_H
#define LV_CTLD_COUNTS_H

#include "common/metric.h"
#include "daemons/ctld/ctld.h"

/* What ctld itself counts, for litevpn-metrics(7). On the loop. */
void counts_show(struct ctld *ctld, struct metrics *out);

#endif
