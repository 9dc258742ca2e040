/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_WORKER_H
#define TUNNELD_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ev.h"
#include "common/ip.h"
#include "daemons/tunneld/carrier.h"
#include "daemons/tunneld/mail.h"
#include "daemons/tunneld/route.h"
#include "daemons/tunneld/sa.h"
#include "daemons/tunneld/stats.h"
#include "daemons/tunneld/tunq.h"
#include "daemons/tunneld/udp_rx.h"
#include "daemons/tunneld/udp_tx.h"

/*
 * One of the threads that carry packets, with a queue of the TUN device and UDP sockets of its own:
 * packets out (TUN, inner destination, carrier) and in (UDP or TLS, carrier, inner source, TUN or
 * straight to another peer). Packets that came together leave together: what was taken waits in
 * tunq and udp_tx until worker_flush. It runs to completion: it allocates nothing, takes no lock,
 * logs nothing; every packet ends in a counter. Server and node have the same one: a node has an
 * uplink, to which goes what no peer has; a server has none.
 */

/* What all workers see. The control thread changes it; network and interconnection never. */
struct worker_env {
	unsigned nworkers;		/* also the number of the control thread, in mail */
	struct sa_table sas;
	struct route_table routes;	/* inner address to struct outlet, the server's nodes */
	struct outlet *uplink;		/* NULL on a server */
	struct ip_prefix network;	/* with our own address in it; none on a node */
	bool interconnection;		/* packets may go from node to node */
	struct mail_room mail;
};

struct worker {
	unsigned number;
	struct worker_env *env;
	struct ev *ev;
	struct tunq tun;
	struct ev_io tun_io;
	struct udp udp;
	struct udp_tx tx;
	struct udp_rx rx;
	struct ev_io udp_io[UDP_SOCKETS_MAX];
	struct stats stats;
	/* Answers "too big" that may still be given, and since when (ev_now_us). */
	unsigned answers;
	int64_t answers_us;
};

struct worker_parts {
	int tun;
	struct tun_features features;	/* of the device, as it was opened */
	const int *udp;			/* nudp of them */
	unsigned nudp;
	enum conf_offload offload;
};

/* Takes the descriptors over, also on failure, and begins to read on ev. */
int worker_init(struct worker *w, unsigned number, struct worker_env *env, struct ev *ev,
    const struct worker_parts *parts);
void worker_fini(struct worker *w);

/* Which offloads are in use, in words. */
#define WORKER_TEXT_MAX 96
const char *worker_describe(const struct worker *w, char buf[WORKER_TEXT_MAX]);

#endif
