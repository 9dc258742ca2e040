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
#include "daemons/tunneld/udp.h"

/*
 * The data path: packets out (TUN, inner destination, peer, session) and in (UDP or TLS, session,
 * inner source, TUN or straight to another peer). It allocates nothing and logs nothing; every
 * packet ends in a counter. Server and node have the same one: a node has an uplink, to which goes
 * what no peer has; a server has none.
 */
struct worker {
	struct ev *ev;
	int tun;			/* owned */
	struct ev_io tun_io;
	/* The TUN device is there no more, and is not read from now on. Once. May be NULL. */
	void (*lost)(void *arg);
	void *lost_arg;
	struct udp udp;
	struct ev_io udp_io[UDP_SOCKETS_MAX];
	struct sa_table sas;
	struct route_table routes;	/* inner address to struct peer, the server's nodes */
	struct peer *uplink;		/* NULL on a server */
	struct ip_prefix network;	/* with our own address in it; none on a node */
	bool interconnection;		/* packets may go from node to node */
	struct stats stats;
	uint8_t buf[ESP_HEAD + FRAME_BODY_MAX + ESP_TAIL];
};

/* Takes the descriptors over, also on failure, and begins to read. */
int worker_init(struct worker *w, struct ev *ev, int tun, const int *udp, unsigned nudp);
void worker_fini(struct worker *w);

/* A further UDP socket (a node opens its own when it knows the server). consumes: fd. */
int worker_add_udp(struct worker *w, int fd, unsigned *socket_out);

/* For session_env.deliver; arg is the worker. */
enum verdict worker_deliver(void *arg, struct session *from, uint8_t *pkt, size_t len);

#endif
