/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_WORKER_SEND_H
#define TUNNELD_WORKER_SEND_H

#include <stddef.h>
#include <stdint.h>

#include "daemons/tunneld/carrier.h"
#include "daemons/tunneld/stats.h"
#include "daemons/tunneld/worker.h"

/*
 * A packet leaves a worker for a peer: by the path that the session has chosen, by this worker's SA
 * or by the thread that has one, or the TLS connection. What is gathered leaves at the worker's next
 * flush. ESP_TRAILER writable bytes stand behind each packet.
 */

/*
 * An inner packet. from: the carrier that it came by; NULL: the TUN. Where it is too big for the way
 * its sender is answered what fits, a limited number of times per second.
 */
enum verdict worker_send(struct worker *w, const struct outlet *to, struct carrier *from,
    uint8_t *pkt, size_t len);

/* By ESP, whatever the path. VERDICT_ENDPOINT_UNPROVEN: held back, as in carrier_seal. */
enum verdict worker_send_esp(struct worker *w, struct carrier *c, uint8_t *pkt, size_t len,
    enum esp_next next);

#endif
