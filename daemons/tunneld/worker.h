/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_WORKER_H
#define TUNNELD_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ev.h"
#include "common/ip.h"
#include "daemons/tunneld/conn.h"
#include "daemons/tunneld/route.h"
#include "daemons/tunneld/sa.h"
#include "daemons/tunneld/session.h"
#include "daemons/tunneld/stats.h"
#include "daemons/tunneld/tunq.h"
#include "daemons/tunneld/udp_rx.h"
#include "daemons/tunneld/udp_tx.h"

/*
 * The data path: packets out (TUN, inner destination, peer, session) and in (UDP or TLS, session,
 * inner source, TUN or straight to another peer). Packets that came together leave together: what was
 * taken waits in tunq and udp_tx until worker_flush. It allocates nothing and logs nothing; every
 * packet ends in a counter. Server and node have the same one: a node has an uplink, to which goes
 * what no peer has; a server has none.
 */
struct worker {
	struct ev *ev;
	struct tunq tun;
	struct ev_io tun_io;
	/* The TUN device is there no more, and is not read from now on. Once. May be NULL. */
	void (*lost)(void *arg);
	void *lost_arg;
	struct udp udp;
	struct udp_tx tx;
	struct udp_rx rx;
	struct ev_io udp_io[UDP_SOCKETS_MAX];
	struct sa_table sas;
	struct route_table routes;	/* inner address to struct peer, the server's nodes */
	struct peer *uplink;		/* NULL on a server */
	struct ip_prefix network;	/* with our own address in it; none on a node */
	bool interconnection;		/* packets may go from node to node */
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

/* Takes the descriptors over, also on failure, and begins to read. */
int worker_init(struct worker *w, struct ev *ev, const struct worker_parts *parts);
void worker_fini(struct worker *w);

/* A further UDP socket (a node opens its own when it knows the server). consumes: fd. */
int worker_add_udp(struct worker *w, int fd, unsigned *socket_out);

/*
 * For session_env.deliver; arg is the worker. The packet is taken: it must stay as it is until
 * worker_flush.
 */
enum verdict worker_deliver(void *arg, struct session *from, uint8_t *pkt, size_t len);

/* Writes and sends what waits to leave with others; for conn_env.flush. arg is the worker. */
void worker_flush(void *arg);

/* Which offloads are in use, in words. */
#define WORKER_TEXT_MAX 96
const char *worker_describe(const struct worker *w, char buf[WORKER_TEXT_MAX]);

#endif
