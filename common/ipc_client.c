/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc.h"

/*
 * All that happens to a request after its beginning happens on the thread of the loop: the owner's,
 * or one of ours where the owner has none. In that case others pack their requests into asks, queue
 * them under the lock, and wake the loop. An ask is with nobody (`idle`), in that queue (`asked`),
 * or with the loop, which alone looks at its state.
 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/ipc_dial.h"

#define NOTHING_DUE_MS 3600000

/*
 * The number of a request is the place of its ask, and before it the count of its uses: so an
 * answer that comes too late is not taken for that of the next.
 */
#define PLACES 128u
_Static_assert(IPC_CALLS_MAX <= PLACES, "every ask has a number");

enum ask_state {
	ASK_NONE,
	ASK_WAITS,	/* for the listener to be reached */
	ASK_SENT,
};

struct ask {
	enum ask_state state;
	uint32_t number;
	uint8_t *body;		/* NULL: the ask is idle */
	size_t len;
	int64_t deadline_ms;
	ipc_done *done;
	void *arg;
	STAILQ_ENTRY(ask) next;
};

STAILQ_HEAD(ask_queue, ask);

struct ipc_client {
	struct ipc_dialer dialer;	/* comes first: what is told of the pipe is told of the client */
	struct ev *ev;
	struct ipc_client_conf conf;
	struct ev_timer deadline;	/* the next one; always runs, so that it can be set without fail */
	struct ev_task flush;
	atomic_bool is_up;

	/* Where the loop is ours: */
	bool own_loop;
	bool runs;
	atomic_bool ends;
	pthread_t thread;
	struct ev_waker waker;

	pthread_mutex_t lock;		/* of `idle` and `asked` */
	struct ask_queue idle, asked;
	struct ask asks[IPC_CALLS_MAX];
};

/* --- asks ------------------------------------------------------------------------------------- */

static struct ask *
take_idle(struct ipc_client *c)
{
	struct ask *a;

	pthread_mutex_lock(&c->lock);
	if ((a = STAILQ_FIRST(&c->idle)) != NULL)
		STAILQ_REMOVE_HEAD(&c->idle, next);
	pthread_mutex_unlock(&c->lock);
	return a;
}

static void
give_back(struct ipc_client *c, struct ask *a)
{
	free(a->body);
	a->body = NULL;
	pthread_mutex_lock(&c->lock);
	STAILQ_INSERT_TAIL(&c->idle, a, next);
	pthread_mutex_unlock(&c->lock);
}

/* The ask goes back before `done` runs, so that `done` may ask again. */
static void
complete(struct ipc_client *c, struct ask *a, int rc, const ProtobufCMessage *reply)
{
	ipc_done *done = a->done;
	void *arg = a->arg;

	a->state = ASK_NONE;
	give_back(c, a);
	done(arg, rc, reply);
}

static void
flush(void *arg)
{
	struct ipc_client *c = arg;

	if (ipc_pipe_is_open(&c->dialer.pipe))
		ipc_pipe_flush(&c->dialer.pipe);
}

/* Where there is no memory it waits on, and its deadline comes. */
static void
send_ask(struct ipc_client *c, struct ask *a)
{
	if (ipc_pipe_send(&c->dialer.pipe, a->number, a->body, a->len) < 0)
		return;
	a->state = ASK_SENT;
	ev_task_add(c->ev, &c->flush, flush, c);
}

static void
on_deadline(void *arg)
{
	struct ipc_client *c = arg;
	int64_t now = clock_mono_ms(), next = now + NOTHING_DUE_MS;

	ev_timer_start(c->ev, &c->deadline, NOTHING_DUE_MS, on_deadline, c);
	for (unsigned i = 0; i < IPC_CALLS_MAX; i++) {
		if (c->asks[i].state != ASK_NONE && c->asks[i].deadline_ms <= now)
			complete(c, &c->asks[i], -ETIMEDOUT, NULL);
	}
	for (unsigned i = 0; i < IPC_CALLS_MAX; i++) {
		if (c->asks[i].state != ASK_NONE && c->asks[i].deadline_ms < next)
			next = c->asks[i].deadline_ms;
	}
	ev_timer_start(c->ev, &c->deadline, next - now, on_deadline, c);
}

static void
begin(struct ipc_client *c, struct ask *a)
{
	uint32_t place = (uint32_t) (a - c->asks), uses = a->number / PLACES + 1;

	a->number = IPC_NUMBER_BIT | uses * PLACES | place;
	a->state = ASK_WAITS;
	if (a->deadline_ms < c->deadline.due_ms)
		ev_timer_start(c->ev, &c->deadline, a->deadline_ms - clock_mono_ms(),
		    on_deadline, c);
	if (atomic_load(&c->is_up))
		send_ask(c, a);
}

int
ipc_ask(struct ipc_client *c, const ProtobufCMessage *request, int64_t timeout_ms, ipc_done *done,
    void *arg)
{
	size_t len = protobuf_c_message_get_packed_size(request);
	struct ask *a;

	if (len > IPC_MESSAGE_MAX)
		return -EMSGSIZE;
	if ((a = take_idle(c)) == NULL)
		return -ENOBUFS;
	if ((a->body = malloc(len + 1)) == NULL) {
		give_back(c, a);
		return -ENOMEM;
	}
	protobuf_c_message_pack(request, a->body);
	a->len = len;
	a->done = done;
	a->arg = arg;
	a->deadline_ms = clock_mono_ms() + timeout_ms;
	atomic_fetch_add(&c->dialer.stats.requests, 1);
	if (!c->own_loop) {
		begin(c, a);
		return 0;
	}
	pthread_mutex_lock(&c->lock);
	STAILQ_INSERT_TAIL(&c->asked, a, next);
	pthread_mutex_unlock(&c->lock);
	ev_wake(&c->waker);
	return 0;
}

/* --- the pipe --------------------------------------------------------------------------------- */

static void
on_greeted(struct ipc_pipe *p)
{
	struct ipc_client *c = (struct ipc_client *) p;

	atomic_store(&c->is_up, true);
	for (unsigned i = 0; i < IPC_CALLS_MAX; i++) {
		if (c->asks[i].state == ASK_WAITS)
			send_ask(c, &c->asks[i]);
	}
	if (c->conf.up != NULL)
		c->conf.up(c->conf.arg);
}

static bool
on_message(struct ipc_pipe *p, uint32_t number, const uint8_t *body, size_t len)
{
	struct ipc_client *c = (struct ipc_client *) p;
	struct ask *a = &c->asks[number % PLACES % IPC_CALLS_MAX];
	ProtobufCMessage *reply;

	if (a->state != ASK_SENT || a->number != number)
		return true;	/* it comes too late */
	reply = ipc_unpack(&c->dialer.stats, body, len, c->conf.reply);
	complete(c, a, reply == NULL ? -EBADMSG : 0, reply);
	if (reply == NULL)
		return false;
	protobuf_c_message_free_unpacked(reply, NULL);
	return true;
}

static void
on_over(struct ipc_pipe *p)
{
	struct ipc_client *c = (struct ipc_client *) p;

	atomic_store(&c->is_up, false);
	ipc_dialer_again(&c->dialer);
	for (unsigned i = 0; i < IPC_CALLS_MAX; i++) {
		if (c->asks[i].state == ASK_SENT)
			complete(c, &c->asks[i], -ECONNRESET, NULL);
	}
}

static const struct ipc_pipe_type pipe_type = {
	.self = IPC_REQ,
	.peer = IPC_REP,
	.greeted = on_greeted,
	.message = on_message,
	.over = on_over,
};

/* --- our own loop ----------------------------------------------------------------------------- */

/* Another thread has asked, or wants the loop to end. */
static void
on_wake(void *arg, uint32_t events)
{
	struct ipc_client *c = arg;
	struct ask_queue todo = STAILQ_HEAD_INITIALIZER(todo);

	(void) events;
	pthread_mutex_lock(&c->lock);
	STAILQ_CONCAT(&todo, &c->asked);
	pthread_mutex_unlock(&c->lock);
	while (!STAILQ_EMPTY(&todo)) {
		struct ask *a = STAILQ_FIRST(&todo);

		STAILQ_REMOVE_HEAD(&todo, next);
		begin(c, a);
	}
	if (atomic_load(&c->ends))
		ev_stop(c->ev, 0);
}

static void *
run_loop(void *arg)
{
	ev_run(((struct ipc_client *) arg)->ev);
	return NULL;
}

/* Signals are for the owner's threads. */
static int
start_loop(struct ipc_client *c)
{
	sigset_t all, before;
	int rc;

	if ((rc = ev_waker_init(c->ev, &c->waker, on_wake, c)) < 0)
		return rc;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&c->thread, NULL, run_loop, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	c->runs = rc == 0;
	return -rc;
}

static void
end_loop(struct ipc_client *c)
{
	if (c->runs) {
		atomic_store(&c->ends, true);
		ev_wake(&c->waker);
		pthread_join(c->thread, NULL);
	}
	ev_waker_fini(c->ev, &c->waker);
}

/* --- its life --------------------------------------------------------------------------------- */

static int
start(struct ipc_client *c, struct err *e)
{
	struct ipc_dialer_conf dialer = { c->conf.path, c->conf.uid, &pipe_type };
	int rc;

	if (c->own_loop && (rc = ev_new(&c->ev)) < 0)
		return err_set(e, rc, "cannot make the event loop: %s", strerror(-rc));
	if ((rc = ipc_dialer_init(&c->dialer, c->ev, &dialer, e)) < 0)
		return rc;
	rc = ev_timer_start(c->ev, &c->deadline, NOTHING_DUE_MS, on_deadline, c);
	if (rc == 0 && c->own_loop)
		rc = start_loop(c);
	return rc < 0 ? err_set(e, rc, "cannot start the event loop: %s", strerror(-rc)) : 0;
}

int
ipc_client_new(struct ev *ev, const struct ipc_client_conf *conf, struct ipc_client **out,
    struct err *e)
{
	struct ipc_client *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	c->ev = ev;
	c->own_loop = ev == NULL;
	c->conf = *conf;
	pthread_mutex_init(&c->lock, NULL);
	STAILQ_INIT(&c->idle);
	STAILQ_INIT(&c->asked);
	for (unsigned i = 0; i < IPC_CALLS_MAX; i++)
		STAILQ_INSERT_TAIL(&c->idle, &c->asks[i], next);
	if ((rc = start(c, e)) < 0) {
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
	if (c->own_loop && c->ev != NULL)
		end_loop(c);
	ev_timer_stop(c->ev, &c->deadline);
	ev_task_del(c->ev, &c->flush);
	ipc_dialer_fini(&c->dialer);
	if (c->own_loop)
		ev_free(c->ev);
	for (unsigned i = 0; i < IPC_CALLS_MAX; i++)
		free(c->asks[i].body);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

bool
ipc_client_is_up(const struct ipc_client *c)
{
	return atomic_load(&c->is_up);
}

struct ipc_stats
ipc_client_stats(const struct ipc_client *c)
{
	return ipc_counters_read(&c->dialer.stats);
}
