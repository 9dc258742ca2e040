/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc.h"

/*
 * How the threads meet: see ipc_server.c. A bundle that is with nobody is in the `idle` queue.
 *
 * What is asked while the loop goes round once gathers in one bundle, which leaves at its end. A
 * client without a loop is told when its owner has nothing more to ask.
 */

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/ipc_bundle.h"
#include "common/ipc_nng.h"

/*
 * Without a loop there is no round that would gather much: requests come one by one from another
 * thread. So with that many bundles under way the next one gathers until one of them is answered, as
 * commits do in a database; one is being answered while the other one is being made.
 */
#define SENT_MAX 2
#define COMPLETING 16	/* nng has no more threads that could be at it */
#define BUNDLES (IPC_CALLS_MAX + COMPLETING)	/* each may be of one request */
#define REPLY_MAX ((size_t) IPC_BUNDLE_MAX * IPC_MESSAGE_MAX)

struct ask {
	ipc_done *done;		/* NULL: it was called */
	void *arg;
};

/* Requests that travel together; the number of each is its place. */
struct bundle {
	struct ipc_client *client;
	nng_ctx ctx;
	nng_aio *aio;
	bool receiving;
	int64_t deadline_ms;	/* the earliest one of its requests */
	int rc;
	nng_msg *m;		/* the requests until they are sent; then the replies, or NULL */
	struct ask asks[IPC_BUNDLE_MAX];
	unsigned n, unanswered;
	STAILQ_ENTRY(bundle) next;
};

STAILQ_HEAD(bundle_queue, bundle);

struct ipc_client {
	struct ev *ev;	/* NULL: completions run on nng's threads */
	struct ipc_client_conf conf;
	char *path;
	nng_socket sock;
	bool open;
	nng_aio *now;	/* of send_now; without a callback, and never under way */
	atomic_bool closing;
	atomic_int pipes;	/* to the listener: 1 while it is connected */
	atomic_bool came_up;	/* `up` is due on the loop */
	atomic_uint under_way;	/* requests */
	atomic_uint sent;	/* bundles that are not answered */
	struct ev_waker waker;
	struct bundle *gathering;	/* of this round of the loop; NULL: nothing was asked */
	struct ev_timer round;		/* its end */
	pthread_mutex_t lock;	/* of `idle` and `arrived` */
	struct bundle_queue idle, arrived;
	struct ipc_counters stats;
	struct bundle bundles[BUNDLES];
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

static void
give_back(struct bundle *b)
{
	struct ipc_client *c = b->client;

	nng_msg_free(b->m);
	b->m = NULL;
	b->n = 0;
	pthread_mutex_lock(&c->lock);
	STAILQ_INSERT_TAIL(&c->idle, b, next);
	pthread_mutex_unlock(&c->lock);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* It is not under way any more before `done` runs, so that `done` may ask again. */
static void
complete(struct bundle *b, unsigned i, int rc, const ProtobufCMessage *reply)
{
	ipc_done *done = b->asks[i].done;

	b->asks[i].done = NULL;
	b->unanswered--;
	atomic_fetch_sub(&b->client->under_way, 1);
	done(b->asks[i].arg, rc, reply);
}

/* 1 for a reply that somebody waited for, 0 when all are there, -EBADMSG. */
static int
read_reply(struct bundle *b, size_t *pos)
{
	struct ipc_client *c = b->client;
	struct ipc_item item;
	ProtobufCMessage *reply;
	int rc = ipc_bundle_next(b->m, pos, &item);

	if (rc == 0 && b->unanswered == 0)
		return 0;
	if (rc <= 0 || item.number >= b->n || b->asks[item.number].done == NULL) {
		ipc_malformed(&c->stats, b->m);
		return -EBADMSG;
	}
	reply = ipc_unpack(&c->stats, b->m, item.bytes, item.len, c->conf.reply);
	if (reply == NULL)
		return -EBADMSG;
	complete(b, item.number, 0, reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	return 1;
}

static void
complete_all(struct bundle *b)
{
	size_t pos = 0;

	while (b->rc == 0 && read_reply(b, &pos) > 0)
		;
	for (unsigned i = 0; i < b->n; i++) {
		if (b->asks[i].done != NULL)
			complete(b, i, b->rc < 0 ? b->rc : -EBADMSG, NULL);
	}
	give_back(b);
}

static void
arrive(struct bundle *b)
{
	struct ipc_client *c = b->client;

	atomic_fetch_sub(&c->sent, 1);	/* before anybody who is told could ask for a flush */
	if (c->ev == NULL) {
		complete_all(b);
		return;
	}
	pthread_mutex_lock(&c->lock);
	STAILQ_INSERT_TAIL(&c->arrived, b, next);
	pthread_mutex_unlock(&c->lock);
	ev_wake(&c->waker);
}

static nng_duration
time_left(const struct bundle *b)
{
	int64_t left = b->deadline_ms - clock_mono_ms();

	return left < 1 ? 1 : left > INT32_MAX ? INT32_MAX : (nng_duration) left;
}

static void
receive(struct bundle *b)
{
	b->receiving = true;
	nng_aio_set_timeout(b->aio, time_left(b));
	nng_ctx_recv(b->ctx, b->aio);
}

/* On an nng thread: the requests have gone out, or their answers came, or either failed. */
static void
on_client_aio(void *arg)
{
	struct bundle *b = arg;
	int rv = nng_aio_result(b->aio);
	nng_msg *m = ipc_take_msg(b->aio);

	if (atomic_load(&b->client->closing)) {
		nng_msg_free(m);
		return;
	}
	if (!b->receiving && rv == 0) {
		receive(b);
		return;
	}
	if (rv != 0) {
		nng_msg_free(m);
		m = NULL;
	}
	b->m = m;
	b->rc = ipc_rc(rv);
	arrive(b);
}

static void
on_client_wake(void *arg, uint32_t events)
{
	struct ipc_client *c = arg;
	struct bundle_queue todo = STAILQ_HEAD_INITIALIZER(todo);

	(void) events;
	pthread_mutex_lock(&c->lock);
	STAILQ_CONCAT(&todo, &c->arrived);
	pthread_mutex_unlock(&c->lock);
	while (!STAILQ_EMPTY(&todo)) {
		struct bundle *b = STAILQ_FIRST(&todo);

		STAILQ_REMOVE_HEAD(&todo, next);
		complete_all(b);
	}
	if (atomic_exchange(&c->came_up, false) && c->conf.up != NULL)
		c->conf.up(c->conf.arg);
}

/* --- questions -------------------------------------------------------------------------------- */

/*
 * Where the pipe takes the requests at once, none of nng's threads has to be woken to say so: one
 * third of what nng's threads do for a question. False: somebody has to wait; b->m is as it was.
 */
static bool
send_now(struct bundle *b)
{
	nng_aio *now = b->client->now;

	nng_aio_set_timeout(now, NNG_DURATION_ZERO);
	nng_aio_set_msg(now, b->m);
	nng_ctx_send(b->ctx, now);
	nng_aio_wait(now);	/* it is over already */
	if (nng_aio_result(now) == 0)
		b->m = NULL;
	nng_aio_set_msg(now, NULL);
	return b->m == NULL;
}

static void
send_later(struct bundle *b)
{
	b->receiving = false;
	nng_aio_set_timeout(b->aio, time_left(b));
	nng_aio_set_msg(b->aio, b->m);
	b->m = NULL;
	nng_ctx_send(b->ctx, b->aio);
}

static void
send_bundle(struct bundle *b)
{
	atomic_fetch_add(&b->client->sent, 1);
	b->unanswered = b->n;
	if (send_now(b))
		receive(b);
	else
		send_later(b);
}

static void
end_round(void *arg)
{
	struct ipc_client *c = arg;
	struct bundle *b = c->gathering;

	c->gathering = NULL;
	if (c->ev != NULL)
		ev_timer_stop(c->ev, &c->round);
	if (b != NULL)
		send_bundle(b);
}

static struct bundle *
begin_bundle(struct ipc_client *c, int64_t deadline_ms)
{
	struct bundle *b;

	pthread_mutex_lock(&c->lock);
	if ((b = STAILQ_FIRST(&c->idle)) != NULL)
		STAILQ_REMOVE_HEAD(&c->idle, next);
	pthread_mutex_unlock(&c->lock);
	if (b == NULL)
		return NULL;
	if (nng_msg_alloc(&b->m, 0) != 0) {
		b->m = NULL;
		give_back(b);
		return NULL;
	}
	b->deadline_ms = deadline_ms;
	return b;
}

/*
 * All of a bundle fail together when its time is over: so those travel together whose deadlines are
 * about the same, an eighth of their time apart at most.
 */
static bool
goes_along(const struct bundle *b, const ProtobufCMessage *request, int64_t timeout_ms,
    int64_t deadline_ms)
{
	return b->n < IPC_BUNDLE_MAX && llabs(b->deadline_ms - deadline_ms) <= timeout_ms / 8 &&
	    nng_msg_len(b->m) + protobuf_c_message_get_packed_size(request) <= IPC_MESSAGE_MAX;
}

/* The bundle of this round if the request fits into it, else a new one; NULL: no memory. */
static struct bundle *
find_bundle(struct ipc_client *c, const ProtobufCMessage *request, int64_t timeout_ms)
{
	int64_t deadline_ms = clock_mono_ms() + timeout_ms;

	if (c->gathering != NULL && !goes_along(c->gathering, request, timeout_ms, deadline_ms))
		end_round(c);
	if (c->gathering == NULL)
		return begin_bundle(c, deadline_ms);
	if (deadline_ms < c->gathering->deadline_ms)
		c->gathering->deadline_ms = deadline_ms;
	return c->gathering;
}

static void
gather(struct ipc_client *c, struct bundle *b)
{
	if (c->gathering != NULL)
		return;
	c->gathering = b;
	if (c->ev != NULL && ev_timer_start(c->ev, &c->round, 0, end_round, c) < 0)
		end_round(c);
}

static int
ask(struct ipc_client *c, const ProtobufCMessage *request, int64_t timeout_ms, struct ask a)
{
	struct bundle *b = find_bundle(c, request, timeout_ms);
	int rc;

	if (b == NULL)
		return -ENOMEM;
	if ((rc = ipc_bundle_add(b->m, b->n, request)) < 0) {
		if (b->n == 0)
			give_back(b);
		return rc;
	}
	b->asks[b->n++] = a;
	atomic_fetch_add(&c->stats.requests, 1);
	gather(c, b);
	return 0;
}

void
ipc_client_flush(struct ipc_client *c)
{
	if (atomic_load(&c->sent) < SENT_MAX)
		end_round(c);
}

int
ipc_ask(struct ipc_client *c, const ProtobufCMessage *request, int64_t timeout_ms, ipc_done *done,
    void *arg)
{
	int rc = -ENOBUFS;

	if (atomic_fetch_add(&c->under_way, 1) < IPC_CALLS_MAX)
		rc = ask(c, request, timeout_ms, (struct ask){ done, arg });
	if (rc < 0)
		atomic_fetch_sub(&c->under_way, 1);
	return rc;
}

/* --- its life --------------------------------------------------------------------------------- */

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
	nng_socket_set_size(c->sock, NNG_OPT_RECVMAXSZ, REPLY_MAX);
	/* Never send a request twice: a lost pipe fails it at once instead. */
	nng_socket_set_ms(c->sock, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
	nng_socket_set_ms(c->sock, NNG_OPT_RECONNMINT, IPC_RECONNECT_MIN_MS);
	nng_socket_set_ms(c->sock, NNG_OPT_RECONNMAXT, IPC_RECONNECT_MAX_MS);
	nng_pipe_notify(c->sock, NNG_PIPE_EV_ADD_PRE, on_client_pipe, c);
	nng_pipe_notify(c->sock, NNG_PIPE_EV_ADD_POST, on_client_pipe, c);
	nng_pipe_notify(c->sock, NNG_PIPE_EV_REM_POST, on_client_pipe, c);
	if (nng_aio_alloc(&c->now, NULL, NULL) != 0)
		return err_set(e, -ENOMEM, "%s: out of memory", c->path);
	for (size_t i = 0; i < BUNDLES; i++) {
		struct bundle *b = &c->bundles[i];

		b->client = c;
		if (nng_aio_alloc(&b->aio, on_client_aio, b) != 0 ||
		    nng_ctx_open(&b->ctx, c->sock) != 0)
			return err_set(e, -ENOMEM, "%s: out of memory", c->path);
		STAILQ_INSERT_TAIL(&c->idle, b, next);
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
	for (size_t i = 0; i < BUNDLES; i++) {
		if (c->bundles[i].aio != NULL) {
			nng_aio_stop(c->bundles[i].aio);
			nng_aio_free(c->bundles[i].aio);
		}
		nng_msg_free(c->bundles[i].m);
	}
	if (c->now != NULL)
		nng_aio_free(c->now);
	if (c->ev != NULL) {
		ev_timer_stop(c->ev, &c->round);
		ev_waker_fini(c->ev, &c->waker);
	}
	pthread_mutex_destroy(&c->lock);
	free(c->path);
	free(c);
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
