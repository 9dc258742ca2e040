/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_DOORS_H
#define LV_CTLD_DOORS_H

#include "common/err.h"
#include "common/ev.h"
#include "common/metric.h"
#include "daemons/ctld/listen.h"

/*
 * Where connections come in: our own listening sockets and not gRPC's, which limit nobody, and stop
 * to listen for good when there are no descriptors for a while. Each connection is counted (see
 * guests.h) and handed on.
 */

/* Connections at once. What an idle one costs (some 90 KiB) times these bounds the memory. */
#define DOORS_TOTAL_MAX 1024	/* by one listener: strangers cannot lock administrators out */
#define DOORS_SOURCE_MAX 512	/* of one source by one listener */

struct doors;

/* On the loop. fd: connected, the callee's. */
typedef void doors_connected(void *arg, enum listener from, int fd);

/* consumes: the sockets, also on failure; *listening is empty then. */
int doors_new(struct ev *ev, struct listening *listening, doors_connected *connected, void *arg,
    struct doors **out, struct err *e);

/* Who was let in, and who was not. */
void doors_show(const struct doors *d, struct metrics *out);

/* Closes the sockets; who is in stays. NULL is fine. */
void doors_free(struct doors *d);

#endif
