/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CODEC_STATS_H
#define LV_CODEC_STATS_H

#include "common/metric.h"
#include "ipc/stats.pb-c.h"

/* What a daemon counts as a message (proto/ipc/stats.proto), and back. */

/* For codec_stats_free, whatever comes. NULL when out of memory. Copies. */
Litevpn__Stats__Stats *codec_stats_pack(const struct metrics *m);
void codec_stats_free(Litevpn__Stats__Stats *msg);	/* NULL is fine */

/*
 * Adds what the message of that daemon holds to *m. It comes from another process: what is not in
 * the registry, has not its labels, is another daemon's or cannot be shown is left out and counted.
 */
void codec_stats_read(const Litevpn__Stats__Stats *msg, const char *daemon, struct metrics *m);

#endif
