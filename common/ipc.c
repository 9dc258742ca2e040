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
#include <nng/protocol/reqrep0/req.h>
#include <nng/transport/ipc/ipc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/clock.h"
#include "common/log.h"

#define PEERS_MAX 4
#define RECONNECT_MIN_MS 50
#define RECONNECT_MAX_MS 200
#define STRANGER_LOG_MS 60000	/* a rejected dialer comes back for ever: one line a minute */

struct stats {
	atomic_uint_fast64_t requests, malformed, strangers;
	atomic_int_fast64_t stranger_logged_ms;
};

static int
rc_of_nng(int rv)
{
	switch (rv) {
	case 0:
		return 0;
	case NNG_ETIMEDOUT:
		return -ETIMEDOUT;
	case NNG_ENOMEM:
		return -ENOMEM;
	case NNG_ECANCELED:
	case NNG_ECLOSED:
		return -ECANCELED;
	case NNG_EADDRINUSE:
		return -EADDRINUSE;
	case NNG_EPERM:
		return -EPERM;
	default:
		return (rv & NNG_ESYSERR) != 0 ? -(rv & ~NNG_ESYSERR) : -ECONNRESET;
	}
}

static uid_t
pipe_uid(nng_pipe p)
{
	uint64_t uid;

	return nng_pipe_get_uint64(p, NNG_OPT_IPC_PEER_UID, &uid) == 0 ? (uid_t) uid : (uid_t) -1;
}

static void
reject_stranger(struct stats *st, nng_pipe p, const char *path)
{
	int64_t now = clock_mono_ms(), last = atomic_load(&st->stranger_logged_ms);

	atomic_fetch_add(&st->strangers, 1);
	if (last == 0 || now - last > STRANGER_LOG_MS) {
		atomic_store(&st->stranger_logged_ms, now);
		log_warn("ipc_stranger", "socket=%s uid=%d", path, (int) pipe_uid(p));
	}
	nng_pipe_close(p);
}

static struct ipc_stats
stats_read(const struct stats *st)
{
	return (struct ipc_stats){
		.requests = atomic_load(&st->requests),
		.malformed = atomic_load(&st->malformed),
		.strangers = atomic_load(&st->strangers),
	};
}

/* A message as one protobuf; NULL, with its pipe closed, when it is not one. */
static ProtobufCMessage *
unpack(struct stats *st, nng_msg *m, const ProtobufCMessageDescriptor *d)
{
	ProtobufCMessage *msg = protobuf_c_message_unpack(d, NULL, nng_msg_len(m), nng_msg_body(m));

	if (msg == NULL) {
		atomic_fetch_add(&st->malformed, 1);
		nng_pipe_close(nng_msg_get_pipe(m));
	}
	return msg;
}

/* Packs into a fresh nng message. 0, -EMSGSIZE or -ENOMEM. */
static int
pack(const ProtobufCMessage *msg, nng_msg **out)
{
	size_t len = protobuf_c_message_get_packed_size(msg);
	nng_msg *m;

	if (len > IPC_MESSAGE_MAX)
		return -EMSGSIZE;
	if (nng_msg_alloc(&m, len) != 0)
		return -ENOMEM;
	protobuf_c_message_pack(msg, nng_msg_body(m));
	*out = m;
	return 0;
}

static int
make_url(const char *path, char url[128], struct err *e)
{
	if (strlen(path) >= sizeof(((struct sockaddr_un *) 0)->sun_path))
		return err_set(e, -ENAMETOOLONG, "%s: longer than a socket's path may be", path);
	snprintf(url, 128, "ipc://%s", path);
	return 0;
}

/* --- the answering side ----------------------------------------------------------------------- */

struct ipc_call {
	struct ipc_server *server;
	nng_ctx ctx;
	nng_aio *aio;
	bool sending;	/* the aio's operation: our reply, or else the next request */
	unsigned peer;
	ProtobufCMessage *msg;
	STAILQ_ENTRY(ipc_call) next;
};

STAILQ_HEAD(call_queue, ipc_call);

struct ipc_server {
	struct ev *ev;
	struct ipc_server_conf conf;
	struct ipc_peer peers[PEERS_MAX];
	char *path;
	nng_socket sock;
	bool open;
	struct ev_waker waker;
	pthread_mutex_t lock;		/* of `arrived` */
	struct call_queue arrived;
	struct stats stats;
	struct ipc_call calls[IPC_CALLS_MAX];
};

static const struct ipc_peer *
find_peer(const struct ipc_server *s, uid_t uid)
{
	for (size_t i = 0; i < s->conf.npeers; i++) {
		if (s->peers[i].uid == uid)
			return &s->peers[i];
	}
	return NULL;
}

static void
on_server_pipe(nng_pipe p, nng_pipe_ev ev, void *arg)
{
	struct ipc_server *s = arg;

	(void) ev;
	if (find_peer(s, pipe_uid(p)) == NULL)
		reject_stranger(&s->stats, p, s->path);
}

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
	nng_msg *m;

	if (rv == NNG_ECLOSED || rv == NNG_ECANCELED)
		return;
	if (call->sending || rv != 0) {
		if (call->sending && rv != 0) {
			nng_msg_free(nng_aio_get_msg(call->aio));
			nng_aio_set_msg(call->aio, NULL);
		}
		receive_next(call);
		return;
	}
	m = nng_aio_get_msg(call->aio);
	nng_aio_set_msg(call->aio, NULL);
	peer = find_peer(s, pipe_uid(nng_msg_get_pipe(m)));
	call->msg = peer == NULL ? NULL : unpack(&s->stats, m, s->conf.request);
	nng_msg_free(m);
	if (call->msg == NULL) {
		receive_next(call);
		return;
	}
	call->peer = peer->id;
	atomic_fetch_add(&s->stats.requests, 1);
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

static int
open_listener(struct ipc_server *s, struct err *e)
{
	nng_listener l;
	char url[128];
	struct stat st;
	int rc, rv;

	if ((rc = make_url(s->path, url, e)) < 0)
		return rc;
	/* nng would replace whatever stands there. */
	if (lstat(s->path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return err_set(e, -EEXIST, "%s: exists and is not a socket", s->path);
	if ((rv = nng_rep0_open(&s->sock)) != 0)
		return err_set(e, rc_of_nng(rv), "%s: %s", s->path, nng_strerror(rv));
	s->open = true;
	nng_socket_set_size(s->sock, NNG_OPT_RECVMAXSZ, IPC_MESSAGE_MAX);
	nng_pipe_notify(s->sock, NNG_PIPE_EV_ADD_PRE, on_server_pipe, s);
	if ((rv = nng_listener_create(&l, s->sock, url)) != 0 ||
	    (rv = nng_listener_set_int(l, NNG_OPT_IPC_PERMISSIONS, 0660)) != 0 ||
	    (rv = nng_listener_start(l, 0)) != 0)
		return err_set(e, rc_of_nng(rv), "%s: cannot listen: %s%s", s->path,
		    nng_strerror(rv), rv == NNG_EADDRINUSE ? " (does the daemon run already?)" : "");
	return 0;
}

int
ipc_server_new(struct ev *ev, const struct ipc_server_conf *conf, struct ipc_server **out,
    struct err *e)
{
	struct ipc_server *s = calloc(1, sizeof(*s));
	int rc = -ENOMEM;

	if (s == NULL || conf->npeers > PEERS_MAX || (s->path = strdup(conf->path)) == NULL) {
		free(s);
		return err_set(e, rc, "out of memory");
	}
	s->ev = ev;
	s->conf = *conf;
	memcpy(s->peers, conf->peers, conf->npeers * sizeof(s->peers[0]));
	pthread_mutex_init(&s->lock, NULL);
	STAILQ_INIT(&s->arrived);
	if ((rc = ev_waker_init(ev, &s->waker, on_server_wake, s)) < 0 ||
	    (rc = open_listener(s, e)) < 0)
		goto fail;
	for (size_t i = 0; i < IPC_CALLS_MAX; i++) {
		struct ipc_call *call = &s->calls[i];

		call->server = s;
		if (nng_aio_alloc(&call->aio, on_server_aio, call) != 0 ||
		    nng_ctx_open(&call->ctx, s->sock) != 0) {
			rc = err_set(e, -ENOMEM, "%s: out of memory", s->path);
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
	if (s->open)
		nng_close(s->sock);
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
	free(s->path);
	free(s);
}

void
ipc_reply(struct ipc_call *call, const ProtobufCMessage *reply)
{
	nng_msg *m;
	int rc = pack(reply, &m);

	if (rc < 0) {
		log_err("ipc_reply_dropped", "socket=%s error=%s", call->server->path, err_name(rc));
		receive_next(call);	/* the asker's time runs out */
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
	return stats_read(&s->stats);
}

/* --- the asking side -------------------------------------------------------------------------- */

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
	atomic_int pipe_id;	/* of the connected listener; 0: none */
	atomic_bool came_up;	/* `up` is due on the loop */
	struct ev_waker waker;
	pthread_mutex_t lock;	/* of `idle` and `arrived` */
	struct ask_queue idle, arrived;
	struct stats stats;
	struct ask asks[IPC_CALLS_MAX];
};

static void
on_client_pipe(nng_pipe p, nng_pipe_ev ev, void *arg)
{
	struct ipc_client *c = arg;

	switch (ev) {
	case NNG_PIPE_EV_ADD_PRE:
		if (pipe_uid(p) != c->conf.uid)
			reject_stranger(&c->stats, p, c->path);
		break;
	case NNG_PIPE_EV_ADD_POST:
		atomic_store(&c->pipe_id, nng_pipe_id(p));
		if (c->ev == NULL && c->conf.up != NULL) {
			c->conf.up(c->conf.arg);
		} else if (c->ev != NULL) {
			atomic_store(&c->came_up, true);
			ev_wake(&c->waker);
		}
		break;
	default:
		if (atomic_load(&c->pipe_id) == nng_pipe_id(p))
			atomic_store(&c->pipe_id, 0);
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
	nng_msg *m;

	if (atomic_load(&a->client->closing)) {
		if (rv != 0 && !a->receiving)
			nng_msg_free(nng_aio_get_msg(a->aio));
		return;
	}
	if (!a->receiving) {
		if (rv == 0) {
			a->receiving = true;
			nng_aio_set_timeout(a->aio, time_left(a));
			nng_ctx_recv(a->ctx, a->aio);
			return;
		}
		nng_msg_free(nng_aio_get_msg(a->aio));
		nng_aio_set_msg(a->aio, NULL);
	} else if (rv == 0) {
		m = nng_aio_get_msg(a->aio);
		nng_aio_set_msg(a->aio, NULL);
		a->reply = unpack(&a->client->stats, m, a->client->conf.reply);
		nng_msg_free(m);
	}
	a->rc = rv != 0 ? rc_of_nng(rv) : a->reply == NULL ? -EBADMSG : 0;
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
	char url[128];
	int rc, rv;

	if ((rc = make_url(c->path, url, e)) < 0)
		return rc;
	if ((rv = nng_req0_open(&c->sock)) != 0)
		return err_set(e, rc_of_nng(rv), "%s: %s", c->path, nng_strerror(rv));
	c->open = true;
	nng_socket_set_size(c->sock, NNG_OPT_RECVMAXSZ, IPC_MESSAGE_MAX);
	/* Never send a request twice: a lost pipe fails it at once instead. */
	nng_socket_set_ms(c->sock, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
	nng_socket_set_ms(c->sock, NNG_OPT_RECONNMINT, RECONNECT_MIN_MS);
	nng_socket_set_ms(c->sock, NNG_OPT_RECONNMAXT, RECONNECT_MAX_MS);
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
		return err_set(e, rc_of_nng(rv), "%s: %s", c->path, nng_strerror(rv));
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

	if ((rc = pack(request, &m)) < 0)
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
	return atomic_load(&c->pipe_id) != 0;
}

struct ipc_stats
ipc_client_stats(const struct ipc_client *c)
{
	return stats_read(&c->stats);
}
