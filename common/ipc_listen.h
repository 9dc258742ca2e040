/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPC_LISTEN_H
#define LV_IPC_LISTEN_H

#include <nng/nng.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/ev.h"
#include "common/ipc.h"
#include "common/ipc_nng.h"

/*
 * How ipc_server.c and ipc_publisher.c listen: who may connect, and staying reachable. Of no use
 * elsewhere.
 *
 * nng 1.5 stops accepting for ever when a peer connects and is gone before it was greeted: the
 * greeting's EPIPE becomes NNG_ECLOSED, which its listener takes for its own end. It is enough that
 * a peer is killed at the wrong moment, and nng's own look at a socket that may be stale is such a
 * peer. So we look ourselves, in a way that harms nobody, and the listener calls itself all the
 * time: when it has not heard the last call, or its socket was removed, it listens anew.
 */

#define IPC_PEERS_MAX 4

struct ipc_listener {
	struct ev *ev;
	char *path;			/* of the socket */
	uint8_t dialer;
	struct ipc_peer peers[IPC_PEERS_MAX];
	size_t npeers;
	struct ipc_counters stats;
	nng_socket sock;
	bool open;
	nng_listener listener;
	struct ev_timer call_timer;	/* of the calls to itself */
	int call;			/* the last one's descriptor; below 0: why there is none */
	atomic_bool call_heard;
	int start_rc;			/* of the last try to listen anew */
};

struct ipc_listener_conf {
	const char *path;		/* copied */
	uint8_t dialer;			/* nng's number of the protocol that dialers speak */
	const struct ipc_peer *peers;	/* copied */
	size_t npeers;
};

/*
 * Makes the nng socket by `open_socket` and listens with it. On failure, too, ipc_listener_fini
 * ends it. The socket is closed there: operations under way are ended by then.
 */
int ipc_listener_init(struct ipc_listener *l, struct ev *ev, const struct ipc_listener_conf *conf,
    int (*open_socket)(nng_socket *sock), struct err *e);
void ipc_listener_fini(struct ipc_listener *l);	/* a zeroed one is fine */

/* The peer of that uid; NULL: a stranger. */
const struct ipc_peer *ipc_listener_peer(const struct ipc_listener *l, uid_t uid);

#endif
