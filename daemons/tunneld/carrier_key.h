/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_CARRIER_KEY_H
#define TUNNELD_CARRIER_KEY_H

#include "daemons/tunneld/carrier.h"
#include "daemons/tunneld/tls.h"

/* Where the keys of a carrier come from: the exporter of its session's TLS (RFC 8446, 7.5). */
struct carrier_keying {
	struct tls *tls;	/* borrowed */
	bool server;		/* which direction is ours */
	enum aead_alg cipher;
	unsigned peer_workers;		/* threads of the peer that send */
	const uint32_t *peer_spis;	/* npeer_spis of them: as many as we have workers are used */
	unsigned npeer_spis;
};

/*
 * One SA for each thread that sends: ours as far as the peer has named SPIs for them, the peer's as
 * far as the carrier has SPIs. Once, when all else of the carrier is as workers shall see it: they
 * take datagrams from then on. 0 or -EIO.
 */
int carrier_key(struct carrier *c, const struct carrier_keying *k);

/*
 * Puts the peer's SPIs, of which each names its worker, into the order of our lanes: as far as they
 * suffice, what the peer's worker k sends us is answered to the peer's worker k. The TUN device has
 * a flow come out of the queue that wrote its last packet, so a flow that was answered elsewhere
 * would change the worker at both ends with each round trip, and be put out of order by that.
 */
void carrier_pair(const struct carrier *c, uint32_t *spis, unsigned n);

#endif
