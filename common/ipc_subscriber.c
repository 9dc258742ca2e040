/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc_events.h"

/*
 * How the threads meet: one message at a time is with nng (its aio is under way) or with the loop
 * (`arrived` is set, the waker was rung). What comes meanwhile waits in nng's queue, and is missed
 * where that overflows.
 */

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/sub.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/ipc_nng.h"

struct ipc_subscriber {
	struct ev *ev;
	struct ipc_subscriber_conf conf;
	char *path;
	nng_socket sock;
	bool open;
	nng_aio *aio;
	struct ev_waker waker;
	atomic_bool closing, came_up, arrived;
	ProtobufCMessage *msg;
	struct ipc_counters stats;
};

static void
on_pipe(nng_pipe p, nng_pipe_ev ev, void *arg)
{
	struct ipc_subscriber *s = arg;

	if (ev == NNG_PIPE_EV_ADD_POST) {
		atomic_store(&s->came_up, true);
		ev_wake(&s->waker);
	} else if (ipc_pipe_uid(p) != s->conf.uid) {
		ipc_reject(&s->stats, p, s->path);
	}
}

/* On an nng thread. */
static void
on_message(void *arg)
{
	struct ipc_subscriber *s = arg;
	int rv = nng_aio_result(s->aio);
	nng_msg *m = ipc_take_msg(s->aio);

	if (rv == 0 && !atomic_load(&s->closing))
		s->msg = ipc_unpack(&s->stats, m, nng_msg_body(m), nng_msg_len(m),
		    s->conf.type);
	nng_msg_free(m);
	if (s->msg != NULL) {
		atomic_fetch_add(&s->stats.requests, 1);
		atomic_store(&s->arrived, true);
		ev_wake(&s->waker);
	} else if (rv != NNG_ECLOSED && rv != NNG_ECANCELED && !atomic_load(&s->closing)) {
		nng_recv_aio(s->sock, s->aio);
	}
}

static void
on_wake(void *arg, uint32_t events)
{
	struct ipc_subscriber *s = arg;
	ProtobufCMessage *msg;

	(void) events;
	if (atomic_exchange(&s->came_up, false) && s->conf.up != NULL)
		s->conf.up(s->conf.arg);
	if (!atomic_exchange(&s->arrived, false))
		return;
	msg = s->msg;
	s->msg = NULL;
	nng_recv_aio(s->sock, s->aio);
	s->conf.event(s->conf.arg, msg);
	protobuf_c_message_free_unpacked(msg, NULL);
}

static int
dial(struct ipc_subscriber *s, struct err *e)
{
	char url[IPC_URL_MAX];
	int rc, rv;

	if ((rc = ipc_url(s->path, url, e)) < 0)
		return rc;
	if ((rv = nng_sub0_open(&s->sock)) != 0)
		return err_set(e, ipc_rc(rv), "%s: %s", s->path, nng_strerror(rv));
	s->open = true;
	nng_socket_set_size(s->sock, NNG_OPT_RECVMAXSZ, IPC_MESSAGE_MAX + IPC_HEADER_MAX);
	nng_socket_set_int(s->sock, NNG_OPT_RECVBUF, IPC_EVENTS_QUEUE);
	nng_socket_set_ms(s->sock, NNG_OPT_RECONNMINT, IPC_RECONNECT_MIN_MS);
	nng_socket_set_ms(s->sock, NNG_OPT_RECONNMAXT, IPC_RECONNECT_MAX_MS);
	nng_pipe_notify(s->sock, NNG_PIPE_EV_ADD_PRE, on_pipe, s);
	nng_pipe_notify(s->sock, NNG_PIPE_EV_ADD_POST, on_pipe, s);
	if (nng_aio_alloc(&s->aio, on_message, s) != 0 ||
	    nng_socket_set(s->sock, NNG_OPT_SUB_SUBSCRIBE, "", 0) != 0)
		return err_set(e, -ENOMEM, "%s: out of memory", s->path);
	nng_recv_aio(s->sock, s->aio);
	if ((rv = nng_dial(s->sock, url, NULL, NNG_FLAG_NONBLOCK)) != 0)
		return err_set(e, ipc_rc(rv), "%s: %s", s->path, nng_strerror(rv));
	return 0;
}

int
ipc_subscriber_new(struct ev *ev, const struct ipc_subscriber_conf *conf,
    struct ipc_subscriber **out, struct err *e)
{
	struct ipc_subscriber *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL || (s->path = strdup(conf->path)) == NULL) {
		free(s);
		return err_set(e, -ENOMEM, "out of memory");
	}
	s->ev = ev;
	s->conf = *conf;
	if ((rc = ev_waker_init(ev, &s->waker, on_wake, s)) < 0 || (rc = dial(s, e)) < 0) {
		ipc_subscriber_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void
ipc_subscriber_free(struct ipc_subscriber *s)
{
	if (s == NULL)
		return;
	atomic_store(&s->closing, true);
	if (s->open)
		nng_close(s->sock);
	if (s->aio != NULL) {
		nng_aio_stop(s->aio);
		nng_aio_free(s->aio);
	}
	if (s->msg != NULL)
		protobuf_c_message_free_unpacked(s->msg, NULL);
	ev_waker_fini(s->ev, &s->waker);
	free(s->path);
	free(s);
}

struct ipc_stats
ipc_subscriber_stats(const struct ipc_subscriber *s)
{
	return ipc_counters_read(&s->stats);
}
