/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_ASK_STATS_H
#define LV_CTLD_ASK_STATS_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/ev.h"
#include "common/metric.h"
#include "common/places.h"
#include "daemons/ctld/backend.h"

/*
 * What ipamd and tunneld count. Asked on the loop's thread, on pipes of their own: the calls of the
 * API, which have the backend's, neither wait for this nor make it wait.
 */
struct ask_stats;

#define ASK_STATS_MS 2000	/* for an answer; who is not connected is not waited for */

int ask_stats_new(struct ev *ev, const struct places *places, const uid_t uids[BACKEND_PEERS],
    struct ask_stats **out, struct err *e);
void ask_stats_free(struct ask_stats *a);	/* `done` is not called any more; NULL is fine */

/* "ipamd" */
const char *ask_stats_name(enum backend_peer peer);

/* up: what it said has been added to the metrics. */
typedef void ask_stats_done(void *arg, enum backend_peer peer, bool up);

/* to: until `done`, which is called once, never from inside. False: it cannot be asked now. */
bool ask_stats(struct ask_stats *a, enum backend_peer peer, bool per_node, struct metrics *to,
    ask_stats_done *done, void *arg);

#endif
