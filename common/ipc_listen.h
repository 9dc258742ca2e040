/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPC_LISTEN_H
#define LV_IPC_LISTEN_H

#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/ev.h"
#include "common/ipc.h"
#include "common/ipc_peer.h"
#include "common/ipc_pipe.h"

/*
 * How ipc_server.c and ipc_publisher.c listen, and who may connect. Of no use elsewhere. A socket
 * that is removed under a listener is soon made anew: a daemon's partners may start at any time.
 */

#define IPC_PEERS_MAX 4
#define IPC_LINES_MAX 16	/* a daemon has one; when it was killed the last may not have ended */

/* A connection; where its pipe is not open, a place for one. */
struct ipc_line {
	struct ipc_pipe pipe;	/* comes first: what the loop tells of the pipe is told of the line */
	struct ipc_listener *listener;
	unsigned peer;		/* the owner's name for it */
};

struct ipc_listener {
	struct ev *ev;
	char *path;			/* of the socket */
	const struct ipc_pipe_type *type;
	struct ipc_peer peers[IPC_PEERS_MAX];
	size_t npeers;
	struct ipc_counters stats;
	struct ev_io io;		/* active as long as it listens; the descriptor is ours */
	struct ev_timer again;		/* after a shortage of descriptors */
	dev_t dev;			/* what it is at the path */
	ino_t ino;
	struct ev_timer look;		/* whether it still is */
	int anew_rc;			/* of the last try to listen anew */
	struct ipc_line lines[IPC_LINES_MAX];
};

struct ipc_listener_conf {
	const char *path;			/* copied */
	const struct ipc_pipe_type *type;	/* of the lines' pipes; borrowed */
	const struct ipc_peer *peers;		/* copied */
	size_t npeers;
};

/*
 * Replaces a socket that nobody listens at, and nothing else: -EADDRINUSE, -EEXIST. On failure,
 * too, ipc_listener_fini ends it.
 */
int ipc_listener_init(struct ipc_listener *l, struct ev *ev, const struct ipc_listener_conf *conf,
    struct err *e);
void ipc_listener_fini(struct ipc_listener *l);	/* a zeroed one is fine */

/* Sends what is queued, to everybody. */
void ipc_listener_flush(struct ipc_listener *l);

#endif
