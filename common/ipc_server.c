/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc.h"

/*
 * How the threads meet. Every slot (a bundle of requests being answered, or being asked) has one
 * nng context and one aio, and is at any time in exactly one place: with nng (its aio is under way;
 * only the aio's callback touches it), in the `arrived` queue (under the lock), or with the loop.
 * The callback hands it to the loop by the queue and a wake; the loop hands it back by starting the
 * next operation of the aio. So no field of a slot needs a lock of its own.
 */

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "common/ipc_bundle.h"
#include "common/ipc_listen.h"
#include "common/ipc_nng.h"
#include "common/log.h"

#define BUNDLES IPC_CALLS_MAX	/* each may be of one request */

struct ipc_call {
	struct bundle *bundle;
	uint32_t number;
	ProtobufCMessage *msg;	/* until it is handled */
};

/* Requests that came in one message, and are answered in one. */
struct bundle {
	struct ipc_server *server;
	nng_ctx ctx;
	nng_aio *aio;
	bool sending;	/* the aio's operation: our reply, or else the next requests */
	nng_pipe pipe;	/* that the requests came on */
	unsigned peer;
	struct ipc_call calls[IPC_BUNDLE_MAX];
	unsigned n, unanswered;
	nng_msg *reply;	/* NULL: it could not be made */
	STAILQ_ENTRY(bundle) next;
};

STAILQ_HEAD(bundle_queue, bundle);

struct ipc_server {
	struct ev *ev;
	struct ipc_server_conf conf;
	struct ipc_listener listener;
	struct ev_waker waker;
	pthread_mutex_t lock;		/* of `arrived` */
	struct bundle_queue arrived;
	unsigned ncalls;		/* that wait for their answers; at most IPC_CALLS_MAX */
	bool is_full;			/* some have to wait in `arrived` */
	struct bundle bundles[BUNDLES];
};

/* --- on nng's threads ------------------------------------------------------------------------- */

static void
receive_next(struct bundle *b)
{
	b->sending = false;
	nng_ctx_recv(b->ctx, b->aio);
}

static void
drop_requests(struct bundle *b)
{
	for (unsigned i = 0; i < b->n; i++)
		protobuf_c_message_free_unpacked(b->calls[i].msg, NULL);
	b->n = 0;
}

/* All of them, or none: one that is malformed closes the pipe, and nobody would be answered. */
static bool
unpack(struct bundle *b, nng_msg *m)
{
	struct ipc_server *s = b->server;
	struct ipc_item item;
	size_t pos = 0;
	int rc;

	b->n = 0;
	while ((rc = ipc_bundle_next(m, &pos, &item)) > 0 && b->n < IPC_BUNDLE_MAX) {
		ProtobufCMessage *msg = ipc_unpack(&s->listener.stats, m, item.bytes, item.len,
		    s->conf.request);

		if (msg == NULL) {
			drop_requests(b);
			return false;
		}
		b->calls[b->n++] = (struct ipc_call){ b, item.number, msg };
	}
	if (rc == 0 && b->n > 0)
		return true;
	ipc_malformed(&s->listener.stats, m);
	drop_requests(b);
	return false;
}

/* Requests came in, or our reply has gone out. */
static void
on_server_aio(void *arg)
{
	struct bundle *b = arg;
	struct ipc_server *s = b->server;
	const struct ipc_peer *peer;
	int rv = nng_aio_result(b->aio);
	nng_msg *m = ipc_take_msg(b->aio);
	bool is_good;

	if (b->sending || rv != 0) {
		nng_msg_free(m);
		if (rv != NNG_ECLOSED && rv != NNG_ECANCELED)
			receive_next(b);
		return;
	}
	b->pipe = nng_msg_get_pipe(m);
	peer = ipc_listener_peer(&s->listener, ipc_pipe_uid(b->pipe));
	is_good = peer != NULL && unpack(b, m);
	nng_msg_free(m);
	if (!is_good) {
		receive_next(b);
		return;
	}
	b->peer = peer->id;
	pthread_mutex_lock(&s->lock);
	STAILQ_INSERT_TAIL(&s->arrived, b, next);
	pthread_mutex_unlock(&s->lock);
	ev_wake(&s->waker);
}

/* --- on the loop ------------------------------------------------------------------------------ */

static struct bundle *
take_arrived(struct ipc_server *s)
{
	struct bundle *b;

	pthread_mutex_lock(&s->lock);
	b = STAILQ_FIRST(&s->arrived);
	s->is_full = b != NULL && s->ncalls + b->n > IPC_CALLS_MAX;
	if (s->is_full)
		b = NULL;
	if (b != NULL)
		STAILQ_REMOVE_HEAD(&s->arrived, next);
	pthread_mutex_unlock(&s->lock);
	return b;
}

static void
handle(struct ipc_server *s, struct bundle *b)
{
	unsigned n = b->n;

	if (nng_msg_alloc(&b->reply, 0) != 0)
		b->reply = NULL;
	b->unanswered = n;
	s->ncalls += n;
	atomic_fetch_add(&s->listener.stats.requests, n);
	/* The last answer gives the bundle back to nng; nobody looks at it then. */
	for (unsigned i = 0; i < n; i++) {
		ProtobufCMessage *msg = b->calls[i].msg;

		b->calls[i].msg = NULL;
		s->conf.handle(s->conf.arg, &b->calls[i], msg);
		protobuf_c_message_free_unpacked(msg, NULL);
	}
}

/* Everything that has arrived, then once `handled`. */
static void
on_server_wake(void *arg, uint32_t events)
{
	struct ipc_server *s = arg;
	struct bundle *b = take_arrived(s);

	(void) events;
	if (b == NULL)
		return;
	for (; b != NULL; b = take_arrived(s))
		handle(s, b);
	if (s->conf.handled != NULL)
		s->conf.handled(s->conf.arg);
}

static void
send_replies(struct bundle *b)
{
	if (b->reply == NULL) {
		nng_pipe_close(b->pipe);
		receive_next(b);
		return;
	}
	b->sending = true;
	nng_aio_set_msg(b->aio, b->reply);
	b->reply = NULL;
	nng_ctx_send(b->ctx, b->aio);
}

void
ipc_reply(struct ipc_call *call, const ProtobufCMessage *reply)
{
	struct bundle *b = call->bundle;
	struct ipc_server *s = b->server;
	int rc = b->reply == NULL ? 0 : ipc_bundle_add(b->reply, call->number, reply);

	if (rc < 0) {
		log_err("ipc_reply_dropped", "socket=%s error=%s", s->listener.path, err_name(rc));
		nng_msg_free(b->reply);
		b->reply = NULL;
	}
	s->ncalls--;
	if (s->is_full)
		ev_wake(&s->waker);
	if (--b->unanswered == 0)
		send_replies(b);
}

unsigned
ipc_call_peer(const struct ipc_call *call)
{
	return call->bundle->peer;
}

/* --- its life --------------------------------------------------------------------------------- */

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
	for (size_t i = 0; i < BUNDLES; i++) {
		struct bundle *b = &s->bundles[i];

		b->server = s;
		if (nng_aio_alloc(&b->aio, on_server_aio, b) != 0 ||
		    nng_ctx_open(&b->ctx, s->listener.sock) != 0) {
			rc = err_set(e, -ENOMEM, "%s: out of memory", conf->path);
			goto fail;
		}
		receive_next(b);
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
	for (size_t i = 0; i < BUNDLES; i++) {
		struct bundle *b = &s->bundles[i];

		if (b->aio != NULL) {
			nng_aio_stop(b->aio);
			nng_aio_free(b->aio);
		}
		drop_requests(b);
		nng_msg_free(b->reply);
	}
	ev_waker_fini(s->ev, &s->waker);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct ipc_stats
ipc_server_stats(const struct ipc_server *s)
{
	return ipc_counters_read(&s->listener.stats);
}
