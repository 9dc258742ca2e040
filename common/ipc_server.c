/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc.h"

/*
 * How the threads meet. Every slot (a request being answered, or being asked) has one nng context
 * and one aio, and is at any time in exactly one place: with nng (its aio is under way; only the
 * aio's callback touches it), in the `arrived` queue (under the lock), or with the loop. The
 * callback hands it to the loop by the queue and a wake; the loop hands it back by starting the
 * next operation of the aio. So no field of a slot needs a lock of its own.
 */

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "common/ipc_listen.h"
#include "common/ipc_nng.h"
#include "common/log.h"

struct ipc_call {
	struct ipc_server *server;
	nng_ctx ctx;
	nng_aio *aio;
	bool sending;	/* the aio's operation: our reply, or else the next request */
	nng_pipe pipe;	/* that the request came on */
	unsigned peer;
	ProtobufCMessage *msg;
	STAILQ_ENTRY(ipc_call) next;
};

STAILQ_HEAD(call_queue, ipc_call);

struct ipc_server {
	struct ev *ev;
	struct ipc_server_conf conf;
	struct ipc_listener listener;
	struct ev_waker waker;
	pthread_mutex_t lock;		/* of `arrived` */
	struct call_queue arrived;
	struct ipc_call calls[IPC_CALLS_MAX];
};

static void
receive_next(struct ipc_call *call)
{
	call->sending = false;
	nng_ctx_recv(call->ctx, call->aio);
}

/* On an nng thread: a request came in, or our reply has gone out. */
static void
on_server_aio(void *arg)
{
	struct ipc_call *call = arg;
	struct ipc_server *s = call->server;
	const struct ipc_peer *peer;
	int rv = nng_aio_result(call->aio);
	nng_msg *m = ipc_take_msg(call->aio);

	if (call->sending || rv != 0) {
		nng_msg_free(m);
		if (rv != NNG_ECLOSED && rv != NNG_ECANCELED)
			receive_next(call);
		return;
	}
	call->pipe = nng_msg_get_pipe(m);
	peer = ipc_listener_peer(&s->listener, ipc_pipe_uid(call->pipe));
	call->msg = peer == NULL ? NULL : ipc_unpack(&s->listener.stats, m, s->conf.request);
	nng_msg_free(m);
	if (call->msg == NULL) {
		receive_next(call);
		return;
	}
	call->peer = peer->id;
	atomic_fetch_add(&s->listener.stats.requests, 1);
	pthread_mutex_lock(&s->lock);
	STAILQ_INSERT_TAIL(&s->arrived, call, next);
	pthread_mutex_unlock(&s->lock);
	ev_wake(&s->waker);
}

/* On the loop: everything that has arrived, then once `handled`. */
static void
on_server_wake(void *arg, uint32_t events)
{
	struct ipc_server *s = arg;
	struct call_queue todo = STAILQ_HEAD_INITIALIZER(todo);

	(void) events;
	pthread_mutex_lock(&s->lock);
	STAILQ_CONCAT(&todo, &s->arrived);
	pthread_mutex_unlock(&s->lock);
	if (STAILQ_EMPTY(&todo))
		return;
	while (!STAILQ_EMPTY(&todo)) {
		struct ipc_call *call = STAILQ_FIRST(&todo);
		ProtobufCMessage *msg = call->msg;

		STAILQ_REMOVE_HEAD(&todo, next);
		call->msg = NULL;
		s->conf.handle(s->conf.arg, call, msg);
		protobuf_c_message_free_unpacked(msg, NULL);
	}
	if (s->conf.handled != NULL)
		s->conf.handled(s->conf.arg);
}

int
ipc_server_new(struct ev *ev, const struct ipc_server_conf *conf, struct ipc_server **out,
    struct err *e)
{
	struct ipc_listener_conf listener = { conf->path, NNG_REP0_PEER, conf->peers, conf->npeers };
	struct ipc_server *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	s->ev = ev;
	s->conf = *conf;
	pthread_mutex_init(&s->lock, NULL);
	STAILQ_INIT(&s->arrived);
	if ((rc = ev_waker_init(ev, &s->waker, on_server_wake, s)) < 0 ||
	    (rc = ipc_listener_init(&s->listener, ev, &listener, nng_rep0_open, e)) < 0)
		goto fail;
	for (size_t i = 0; i < IPC_CALLS_MAX; i++) {
		struct ipc_call *call = &s->calls[i];

		call->server = s;
		if (nng_aio_alloc(&call->aio, on_server_aio, call) != 0 ||
		    nng_ctx_open(&call->ctx, s->listener.sock) != 0) {
			rc = err_set(e, -ENOMEM, "%s: out of memory", conf->path);
			goto fail;
		}
		receive_next(call);
	}
	*out = s;
	return 0;
fail:
	ipc_server_free(s);
	return rc;
}

void
ipc_server_free(struct ipc_server *s)
{
	if (s == NULL)
		return;
	ipc_listener_fini(&s->listener);
	for (size_t i = 0; i < IPC_CALLS_MAX; i++) {
		if (s->calls[i].aio != NULL) {
			nng_aio_stop(s->calls[i].aio);
			nng_aio_free(s->calls[i].aio);
		}
		if (s->calls[i].msg != NULL)
			protobuf_c_message_free_unpacked(s->calls[i].msg, NULL);
	}
	ev_waker_fini(s->ev, &s->waker);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void
ipc_reply(struct ipc_call *call, const ProtobufCMessage *reply)
{
	nng_msg *m;
	int rc = ipc_pack(reply, &m);

	if (rc < 0) {
		log_err("ipc_reply_dropped", "socket=%s error=%s", call->server->listener.path,
		    err_name(rc));
		nng_pipe_close(call->pipe);
		receive_next(call);
		return;
	}
	call->sending = true;
	nng_aio_set_msg(call->aio, m);
	nng_ctx_send(call->ctx, call->aio);
}

unsigned
ipc_call_peer(const struct ipc_call *call)
{
	return call->peer;
}

struct ipc_stats
ipc_server_stats(const struct ipc_server *s)
{
	return ipc_counters_read(&s->listener.stats);
}
