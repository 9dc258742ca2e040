/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPC_DIAL_H
#define LV_IPC_DIAL_H

#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/ev.h"
#include "common/ipc_peer.h"
#include "common/ipc_pipe.h"

/* How ipc_client.c and ipc_subscriber.c reach a listener, for ever anew. Of no use elsewhere. */

struct ipc_dialer {
	struct ipc_pipe pipe;	/* comes first: what the loop tells of the pipe is told of the dialer */
	struct ev *ev;
	char *path;
	uid_t uid;		/* of who must listen there */
	const struct ipc_pipe_type *type;
	struct ipc_counters stats;
	struct ev_timer timer;	/* always runs, so that it can be set without fail */
	int64_t pause_ms;	/* after the next try in vain */
};

struct ipc_dialer_conf {
	const char *path;	/* copied */
	uid_t uid;
	const struct ipc_pipe_type *type;	/* borrowed; its `over` calls ipc_dialer_again */
};

/* Begins as soon as the loop runs. On failure, too, ipc_dialer_fini ends it. */
int ipc_dialer_init(struct ipc_dialer *d, struct ev *ev, const struct ipc_dialer_conf *conf,
    struct err *e);
void ipc_dialer_fini(struct ipc_dialer *d);	/* a zeroed one is fine */

/* The pipe is over: dials again, after a while. */
void ipc_dialer_again(struct ipc_dialer *d);

#endif
