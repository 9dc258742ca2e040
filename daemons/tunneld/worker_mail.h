/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_WORKER_MAIL_H
#define TUNNELD_WORKER_MAIL_H

#include <stdbool.h>

#include "daemons/tunneld/carrier.h"
#include "daemons/tunneld/mail.h"
#include "daemons/tunneld/worker.h"

/* What a worker tells the other threads about a carrier. It leaves at the worker's next flush. */

/*
 * m, named and timed here, with what its kind carries. to: a worker's number, or env->nworkers for
 * the control thread. False: no room.
 */
bool worker_post(struct worker *w, unsigned to, const struct carrier *c, struct mail m,
    const void *bytes);

/*
 * The news (CARRIER_*) to the control thread, m with each. What could not be said is said again with
 * the next packet. sa: as of carrier_tell.
 */
void worker_report(struct worker *w, struct carrier_sa *sa, struct carrier *c, unsigned news,
    struct mail m);

#endif
