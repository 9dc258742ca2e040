/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc.h"

/*
 * How the threads meet. Every slot (a request being answered, or being asked) has one nng context
 * and one aio, and is at any time in exactly one place: with nng (its aio is under way; only the
 * aio's callback touches it), in the `arrived` queue (under the lock), or with the loop. The
 * callback hands it to the loop by the queue and a wake; the loop hands it back by starting the
 * next operation of the aio. So no field of a slot needs a lock of its own.
 *
 * How it stays reachable. nng 1.5 stops accepting for ever when a peer connects and is gone before
 * it was greeted: the greeting's EPIPE becomes NNG_ECLOSED, which its listener takes for its own
 * end. It is enough that a peer is killed at the wrong moment, and nng's own look at a socket that
 * may be stale is such a peer. So we look ourselves, in a way that harms nobody, and the server
 * calls itself all the time: when it has not heard the last call, it listens anew.
 */

#include <assert.h>
#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/ipc_nng.h"
#include "common/log.h"

#define PEERS_MAX 4
#define CALL_EVERY_MS 2000	/* nng's threads may be late by so much on a busy machine */

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
	struct ipc_peer peers[PEERS_MAX];
	char *path;
	nng_socket sock;
	nng_listener listener;
	bool open;
	struct ev_waker waker;
	pthread_mutex_t lock;		/* of `arrived` */
	struct call_queue arrived;
	struct ipc_counters stats;
	struct ev_timer call_timer;	/* of the calls to itself */
	int call_fd;			/* the last one; -1: none */
	atomic_bool call_heard;
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

/* Is it the other end of our own call_fd? */
static bool
is_own_call(nng_pipe p)
{
	uint64_t pid;

	return nng_pipe_get_uint64(p, NNG_OPT_IPC_PEER_PID, &pid) == 0 && (pid_t) pid == getpid();
}

static void
on_server_pipe(nng_pipe p, nng_pipe_ev ev, void *arg)
{
	struct ipc_server *s = arg;

	(void) ev;
	if (is_own_call(p)) {
		atomic_store(&s->call_heard, true);
		return;
	}
	if (find_peer(s, ipc_pipe_uid(p)) == NULL)
		ipc_reject(&s->stats, p, s->path);
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
	nng_msg *m = ipc_take_msg(call->aio);

	if (call->sending || rv != 0) {
		nng_msg_free(m);
		if (rv != NNG_ECLOSED && rv != NNG_ECANCELED)
			receive_next(call);
		return;
	}
	call->pipe = nng_msg_get_pipe(m);
	peer = find_peer(s, ipc_pipe_uid(call->pipe));
	call->msg = peer == NULL ? NULL : ipc_unpack(&s->stats, m, s->conf.request);
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

/*
 * Connects to whoever listens there and greets it as a dialer of nng's would: zero, "SP", version,
 * the number of the REQ protocol. Returns the descriptor, or -errno.
 */
static int
call_path(const char *path)
{
	static const char greeting[] = { 0, 'S', 'P', 0, 0, NNG_REP0_PEER, 0, 0 };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc = 0;

	if (fd < 0)
		return -errno;
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *) &sun, sizeof(sun)) < 0 ||
	    send(fd, greeting, sizeof(greeting), MSG_NOSIGNAL) < 0)
		rc = -errno;
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

/* What stands at the path already? nng would replace whatever it is. */
static int
check_path(const char *path, struct err *e)
{
	struct pollfd greeted = { .events = POLLIN };
	struct stat st;

	if (lstat(path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, -EEXIST, "%s: exists and is not a socket", path);
	if ((greeted.fd = call_path(path)) < 0)
		return 0;	/* nobody is there: a daemon that was killed has left it */
	poll(&greeted, 1, CALL_EVERY_MS);	/* who hangs up before the answer does harm */
	close(greeted.fd);
	return err_set(e, -EADDRINUSE, "%s: somebody listens there (does the daemon run already?)",
	    path);
}

static int
start_listener(struct ipc_server *s, struct err *e)
{
	char url[IPC_URL_MAX];
	int rc, rv;

	if ((rc = ipc_url(s->path, url, e)) < 0 || (rc = check_path(s->path, e)) < 0)
		return rc;
	if ((rv = nng_listener_create(&s->listener, s->sock, url)) == 0 &&
	    (rv = nng_listener_set_int(s->listener, NNG_OPT_IPC_PERMISSIONS, 0660)) == 0 &&
	    (rv = nng_listener_start(s->listener, 0)) == 0)
		return 0;
	return err_set(e, ipc_rc(rv), "%s: cannot listen: %s", s->path, nng_strerror(rv));
}

static void
call_again(void *arg)
{
	struct ipc_server *s = arg;
	struct err e;

	if (s->call_fd >= 0) {
		close(s->call_fd);
		if (!atomic_load(&s->call_heard)) {
			log_warn("ipc_deaf", "socket=%s consequence=\"listening anew\"", s->path);
			nng_listener_close(s->listener);
			if (start_listener(s, &e) < 0)
				log_err("ipc_listen_failed", "error=%s", LOG_Q(e.text));
		}
	}
	atomic_store(&s->call_heard, false);
	s->call_fd = call_path(s->path);
	if (ev_timer_start(s->ev, &s->call_timer, CALL_EVERY_MS, call_again, s) < 0)
		log_err("ipc_unwatched", "socket=%s error=ENOMEM", s->path);
}

static int
open_socket(struct ipc_server *s, struct err *e)
{
	int rv = nng_rep0_open(&s->sock);

	if (rv != 0)
		return err_set(e, ipc_rc(rv), "%s: %s", s->path, nng_strerror(rv));
	s->open = true;
	nng_socket_set_size(s->sock, NNG_OPT_RECVMAXSZ, IPC_MESSAGE_MAX + IPC_HEADER_MAX);
	nng_pipe_notify(s->sock, NNG_PIPE_EV_ADD_PRE, on_server_pipe, s);
	return start_listener(s, e);
}

int
ipc_server_new(struct ev *ev, const struct ipc_server_conf *conf, struct ipc_server **out,
    struct err *e)
{
	struct ipc_server *s = calloc(1, sizeof(*s));
	int rc;

	assert(conf->npeers <= PEERS_MAX);
	if (s == NULL || (s->path = strdup(conf->path)) == NULL) {
		free(s);
		return err_set(e, -ENOMEM, "out of memory");
	}
	s->ev = ev;
	s->conf = *conf;
	s->call_fd = -1;
	memcpy(s->peers, conf->peers, conf->npeers * sizeof(s->peers[0]));
	pthread_mutex_init(&s->lock, NULL);
	STAILQ_INIT(&s->arrived);
	if ((rc = ev_waker_init(ev, &s->waker, on_server_wake, s)) < 0 ||
	    (rc = open_socket(s, e)) < 0)
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
	call_again(s);
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
	ev_timer_stop(s->ev, &s->call_timer);
	if (s->call_fd >= 0)
		close(s->call_fd);
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
	int rc = ipc_pack(reply, &m);

	if (rc < 0) {
		log_err("ipc_reply_dropped", "socket=%s error=%s", call->server->path,
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
	return ipc_counters_read(&s->stats);
}
