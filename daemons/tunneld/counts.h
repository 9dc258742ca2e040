/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_COUNTS_H
#define TUNNELD_COUNTS_H

#include <stdbool.h>

#include "common/metric.h"
#include "daemons/tunneld/server.h"

/* What the server's engine counts, for litevpn-metrics(7). */

/* Of one answer, so that it fits into IPC_MESSAGE_MAX; the others are counted as left out. */
#define COUNTS_NODES_MAX 600

/* per_node: also what there is once for each node. */
void counts_show(const struct server_info *s, bool per_node, struct metrics *out);

/* Requests on one of its sockets to other daemons. */
void counts_show_ipc(const struct ipc_stats *s, const char *socket, struct metrics *out);

#endif
