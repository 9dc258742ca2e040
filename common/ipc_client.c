/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc.h"

/* How the threads meet: see ipc_server.c. A slot that is with nobody is in the `idle` queue. */

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/ipc_nng.h"

struct ask {
	struct ipc_client *client;
	nng_ctx ctx;
	nng_aio *aio;
	bool receiving;
	int64_t deadline_ms;
	int rc;
	ProtobufCMessage *reply;
	ipc_done *done;
	void *arg;
	STAILQ_ENTRY(ask) next;
};

STAILQ_HEAD(ask_queue, ask);

struct ipc_client {
	struct ev *ev;	/* NULL: completions run on nng's threads */
	struct ipc_client_conf conf;
	char *path;
	nng_socket sock;
	bool open;
	atomic_bool closing;
	atomic_int pipes;	/* to the listener: 1 while it is connected */
	atomic_bool came_up;	/* `up` is due on the loop */
	struct ev_waker waker;
	pthread_mutex_t lock;	/* of `idle` and `arrived` */
	struct ask_queue idle, arrived;
	struct ipc_counters stats;
	struct ask asks[IPC_CALLS_MAX];
};

static void
on_client_pipe(nng_pipe p, nng_pipe_ev ev, void *arg)
{
	struct ipc_client *c = arg;

	switch (ev) {
	case NNG_PIPE_EV_ADD_PRE:
		if (ipc_pipe_uid(p) != c->conf.uid)
			ipc_reject(&c->stats, p, c->path);
		else
			atomic_fetch_add(&c->pipes, 1);
		break;
	case NNG_PIPE_EV_ADD_POST:
		if (c->ev == NULL && c->conf.up != NULL) {
			c->conf.up(c->conf.arg);
		} else if (c->ev != NULL) {
			atomic_store(&c->came_up, true);
			ev_wake(&c->waker);
		}
		break;
	default: /* removed; it may come before ADD_POST has returned, never before ADD_PRE */
		if (ipc_pipe_uid(p) == c->conf.uid)
			atomic_fetch_sub(&c->pipes, 1);
		break;
	}
}

/* The slot goes back before `done` runs, so that `done` may ask again. */
static void
complete(struct ask *a)
{
	struct ipc_client *c = a->client;
	ProtobufCMessage *reply = a->reply;
	ipc_done *done = a->done;
	void *arg = a->arg;
	int rc = a->rc;

	a->reply = NULL;
	pthread_mutex_lock(&c->lock);
	STAILQ_INSERT_TAIL(&c->idle, a, next);
	pthread_mutex_unlock(&c->lock);
	done(arg, rc, reply);
	if (reply != NULL)
		protobuf_c_message_free_unpacked(reply, NULL);
}

static void
arrive(struct ask *a)
{
	struct ipc_client *c = a->client;

	if (c->ev == NULL) {
		complete(a);
		return;
	}
	pthread_mutex_lock(&c->lock);
	STAILQ_INSERT_TAIL(&c->arrived, a, next);
	pthread_mutex_unlock(&c->lock);
	ev_wake(&c->waker);
}

static nng_duration
time_left(const struct ask *a)
{
	int64_t left = a->deadline_ms - clock_mono_ms();

	return left < 1 ? 1 : left > INT32_MAX ? INT32_MAX : (nng_duration) left;
}

/* On an nng thread: the request has gone out, or its answer came, or either failed. */
static void
on_client_aio(void *arg)
{
	struct ask *a = arg;
	int rv = nng_aio_result(a->aio);
	nng_msg *m = ipc_take_msg(a->aio);

	if (atomic_load(&a->client->closing)) {
		nng_msg_free(m);
		return;
	}
	if (!a->receiving && rv == 0) {
		a->receiving = true;
		nng_aio_set_timeout(a->aio, time_left(a));
		nng_ctx_recv(a->ctx, a->aio);
		return;
	}
	if (rv == 0)
		a->reply = ipc_unpack(&a->client->stats, m, a->client->conf.reply);
	nng_msg_free(m);
	a->rc = rv != 0 ? ipc_rc(rv) : a->reply == NULL ? -EBADMSG : 0;
	arrive(a);
}

static void
on_client_wake(void *arg, uint32_t events)
{
	struct ipc_client *c = arg;
	struct ask_queue todo = STAILQ_HEAD_INITIALIZER(todo);

	(void) events;
	pthread_mutex_lock(&c->lock);
	STAILQ_CONCAT(&todo, &c->arrived);
	pthread_mutex_unlock(&c->lock);
	while (!STAILQ_EMPTY(&todo)) {
		struct ask *a = STAILQ_FIRST(&todo);

		STAILQ_REMOVE_HEAD(&todo, next);
		complete(a);
	}
	if (atomic_exchange(&c->came_up, false) && c->conf.up != NULL)
		c->conf.up(c->conf.arg);
}

static int
open_dialer(struct ipc_client *c, struct err *e)
{
	char url[IPC_URL_MAX];
	int rc, rv;

	if ((rc = ipc_url(c->path, url, e)) < 0)
		return rc;
	if ((rv = nng_req0_open(&c->sock)) != 0)
		return err_set(e, ipc_rc(rv), "%s: %s", c->path, nng_strerror(rv));
	c->open = true;
	nng_socket_set_size(c->sock, NNG_OPT_RECVMAXSZ, IPC_MESSAGE_MAX + IPC_HEADER_MAX);
	/* Never send a request twice: a lost pipe fails it at once instead. */
	nng_socket_set_ms(c->sock, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
	nng_socket_set_ms(c->sock, NNG_OPT_RECONNMINT, IPC_RECONNECT_MIN_MS);
	nng_socket_set_ms(c->sock, NNG_OPT_RECONNMAXT, IPC_RECONNECT_MAX_MS);
	nng_pipe_notify(c->sock, NNG_PIPE_EV_ADD_PRE, on_client_pipe, c);
	nng_pipe_notify(c->sock, NNG_PIPE_EV_ADD_POST, on_client_pipe, c);
	nng_pipe_notify(c->sock, NNG_PIPE_EV_REM_POST, on_client_pipe, c);
	for (size_t i = 0; i < IPC_CALLS_MAX; i++) {
		struct ask *a = &c->asks[i];

		a->client = c;
		if (nng_aio_alloc(&a->aio, on_client_aio, a) != 0 ||
		    nng_ctx_open(&a->ctx, c->sock) != 0)
			return err_set(e, -ENOMEM, "%s: out of memory", c->path);
		STAILQ_INSERT_TAIL(&c->idle, a, next);
	}
	if ((rv = nng_dial(c->sock, url, NULL, NNG_FLAG_NONBLOCK)) != 0)
		return err_set(e, ipc_rc(rv), "%s: %s", c->path, nng_strerror(rv));
	return 0;
}

int
ipc_client_new(struct ev *ev, const struct ipc_client_conf *conf, struct ipc_client **out,
    struct err *e)
{
	struct ipc_client *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL || (c->path = strdup(conf->path)) == NULL) {
		free(c);
		return err_set(e, -ENOMEM, "out of memory");
	}
	c->ev = ev;
	c->conf = *conf;
	pthread_mutex_init(&c->lock, NULL);
	STAILQ_INIT(&c->idle);
	STAILQ_INIT(&c->arrived);
	if ((ev != NULL && (rc = ev_waker_init(ev, &c->waker, on_client_wake, c)) < 0) ||
	    (rc = open_dialer(c, e)) < 0) {
		ipc_client_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void
ipc_client_free(struct ipc_client *c)
{
	if (c == NULL)
		return;
	atomic_store(&c->closing, true);
	if (c->open)
		nng_close(c->sock);
	for (size_t i = 0; i < IPC_CALLS_MAX; i++) {
		if (c->asks[i].aio != NULL) {
			nng_aio_stop(c->asks[i].aio);
			nng_aio_free(c->asks[i].aio);
		}
		if (c->asks[i].reply != NULL)
			protobuf_c_message_free_unpacked(c->asks[i].reply, NULL);
	}
	if (c->ev != NULL)
		ev_waker_fini(c->ev, &c->waker);
	pthread_mutex_destroy(&c->lock);
	free(c->path);
	free(c);
}

int
ipc_ask(struct ipc_client *c, const ProtobufCMessage *request, int64_t timeout_ms, ipc_done *done,
    void *arg)
{
	struct ask *a;
	nng_msg *m;
	int rc;

	if ((rc = ipc_pack(request, &m)) < 0)
		return rc;
	pthread_mutex_lock(&c->lock);
	if ((a = STAILQ_FIRST(&c->idle)) != NULL)
		STAILQ_REMOVE_HEAD(&c->idle, next);
	pthread_mutex_unlock(&c->lock);
	if (a == NULL) {
		nng_msg_free(m);
		return -ENOBUFS;
	}
	a->done = done;
	a->arg = arg;
	a->receiving = false;
	a->deadline_ms = clock_mono_ms() + timeout_ms;
	atomic_fetch_add(&c->stats.requests, 1);
	nng_aio_set_timeout(a->aio, time_left(a));
	nng_aio_set_msg(a->aio, m);
	nng_ctx_send(a->ctx, a->aio);
	return 0;
}

bool
ipc_client_is_up(const struct ipc_client *c)
{
	return atomic_load(&c->pipes) > 0;
}

struct ipc_stats
ipc_client_stats(const struct ipc_client *c)
{
	return ipc_counters_read(&c->stats);
}
