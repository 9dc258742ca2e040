/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc_events.h"

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <stdlib.h>

#include "common/ipc_listen.h"
#include "common/ipc_nng.h"

#define SUB0_SELF 0x21	/* the number of the SUB protocol; nng's headers do not name it */

struct ipc_publisher {
	struct ipc_listener listener;
};

int
ipc_publisher_new(struct ev *ev, const struct ipc_publisher_conf *conf, struct ipc_publisher **out,
    struct err *e)
{
	struct ipc_listener_conf listener = { conf->path, SUB0_SELF, conf->peers, conf->npeers };
	struct ipc_publisher *p = calloc(1, sizeof(*p));
	int rc;

	if (p == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	if ((rc = ipc_listener_init(&p->listener, ev, &listener, nng_pub0_open, e)) < 0) {
		ipc_publisher_free(p);
		return rc;
	}
	nng_socket_set_int(p->listener.sock, NNG_OPT_SENDBUF, IPC_EVENTS_QUEUE);
	*out = p;
	return 0;
}

void
ipc_publisher_free(struct ipc_publisher *p)
{
	if (p == NULL)
		return;
	ipc_listener_fini(&p->listener);
	free(p);
}

int
ipc_publish(struct ipc_publisher *p, const ProtobufCMessage *msg)
{
	nng_msg *m;
	int rc, rv;

	if ((rc = ipc_pack(msg, &m)) < 0)
		return rc;
	if ((rv = nng_sendmsg(p->listener.sock, m, NNG_FLAG_NONBLOCK)) != 0) {
		nng_msg_free(m);
		return ipc_rc(rv);
	}
	atomic_fetch_add(&p->listener.stats.requests, 1);
	return 0;
}

struct ipc_stats
ipc_publisher_stats(const struct ipc_publisher *p)
{
	return ipc_counters_read(&p->listener.stats);
}
