/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/workers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE 64		/* of the cache: workers do not share one */

struct worker_thread {
	struct worker worker;
	bool is_made;		/* the worker is */
	struct ev *ev;		/* its loop; NULL: the control thread's */
	struct ev_waker stop;
	pthread_t thread;
	bool runs;
} __attribute__((aligned(LINE)));

/* --- a thread ---------------------------------------------------------------------------------- */

static void
on_stop(void *arg, uint32_t events)
{
	struct worker_thread *t = arg;

	(void) events;
	ev_stop(t->ev, 0);
}

static void *
run(void *arg)
{
	struct worker_thread *t = arg;
	char name[16];

	snprintf(name, sizeof(name), "worker-%u", t->worker.number);
	pthread_setname_np(pthread_self(), name);
	grace_join();
	ev_run(t->ev);
	grace_leave();
	return NULL;
}

/* Signals are for the control thread. */
static int
start(struct worker_thread *t)
{
	sigset_t all, before;
	int rc;

	if (t->ev == NULL)
		return 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = -pthread_create(&t->thread, NULL, run, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	t->runs = rc == 0;
	return rc;
}

static void
stop(struct worker_thread *t)
{
	if (!t->runs)
		return;
	ev_wake(&t->stop);
	pthread_join(t->thread, NULL);
	t->runs = false;
}

static int
make_loop(struct worker_thread *t)
{
	int rc = ev_new(&t->ev);

	if (rc == 0)
		ev_on_wait(t->ev, grace_sleep, grace_wake);
	return rc < 0 ? rc : ev_waker_init(t->ev, &t->stop, on_stop, t);
}

/* --- what workers say --------------------------------------------------------------------------- */

static void
lose_device(struct workers *ws)
{
	if (ws->is_lost)
		return;		/* each worker says it */
	ws->is_lost = true;
	if (ws->lost != NULL)
		ws->lost(ws->lost_arg);
}

static void
take(void *arg, struct mail *m)
{
	struct workers *ws = arg;

	if (m->kind == MAIL_DEVICE_LOST)
		lose_device(ws);
	else if (ws->hear != NULL)
		ws->hear(ws->hear_arg, m);
}

static void
on_mail(void *arg, uint32_t events)
{
	struct workers *ws = arg;

	(void) events;
	mail_take(&ws->env.mail, ws->n, take, workers_wake, ws);
}

bool
workers_tell(struct workers *ws, unsigned worker, const struct mail *m, const void *bytes)
{
	return mail_put(&ws->env.mail, ws->n, worker, m, bytes);
}

void
workers_wake(void *arg)
{
	struct workers *ws = arg;

	mail_wake(&ws->env.mail, ws->n);
}

/* --- what is asked about them ------------------------------------------------------------------- */

struct worker *
workers_get(const struct workers *ws, unsigned i)
{
	return &ws->threads[i].worker;
}

void
workers_stats(const struct workers *ws, struct stats *out)
{
	*out = ws->stats;
	for (unsigned i = 0; i < ws->n; i++)
		stats_add(out, &ws->threads[i].worker.stats);
}

int
workers_socket(const struct workers *ws, int family, unsigned *socket_out)
{
	const struct udp *udp = &ws->threads[0].worker.udp;

	for (unsigned i = 0; i < udp->n; i++) {
		int domain = 0;
		socklen_t len = sizeof(domain);

		getsockopt(udp->fds[i], SOL_SOCKET, SO_DOMAIN, &domain, &len);
		if (domain == family) {
			*socket_out = i;
			return 0;
		}
	}
	return -EAFNOSUPPORT;
}

const char *
workers_describe(const struct workers *ws, char buf[WORKER_TEXT_MAX])
{
	return worker_describe(&ws->threads[0].worker, buf);
}

/* --- life -------------------------------------------------------------------------------------- */

/* Those of the i-th worker. */
static void
close_parts(const struct workers_parts *parts, unsigned i)
{
	close(parts->tuns[i]);
	for (unsigned k = 0; k < parts->nudp; k++)
		close(parts->udp[i * parts->nudp + k]);
}

/* The i-th of them; takes its descriptors over in any case. */
static int
make_worker(struct workers *ws, unsigned i, const struct workers_parts *parts)
{
	struct worker_thread *t = &ws->threads[i];
	struct worker_parts mine = { .tun = parts->tuns[i], .features = parts->features,
		.udp = parts->udp + i * parts->nudp, .nudp = parts->nudp,
		.offload = parts->offload };
	int rc = parts->in_loop ? 0 : make_loop(t);

	if (rc < 0) {
		close_parts(parts, i);
		return rc;
	}
	t->is_made = true;
	return worker_init(&t->worker, i, &ws->env, parts->in_loop ? ws->ev : t->ev, &mine);
}

int
workers_init(struct workers *ws, struct ev *ev, const struct workers_parts *parts)
{
	int rc, each;

	*ws = (struct workers){ .ev = ev, .n = parts->n, .env.nworkers = parts->n };
	grave_init(&ws->grave, ev);
	sa_table_init(&ws->env.sas, &ws->grave);
	route_init(&ws->env.routes, &ws->grave);
	ws->threads = aligned_alloc(LINE, parts->n * sizeof(*ws->threads));
	if (ws->threads == NULL) {
		for (unsigned i = 0; i < parts->n; i++)
			close_parts(parts, i);
		ws->n = 0;
		return -ENOMEM;
	}
	memset(ws->threads, 0, parts->n * sizeof(*ws->threads));
	if ((rc = mail_init(&ws->env.mail, ws->n + 1)) == 0)
		rc = mail_open(&ws->env.mail, ws->n, ev, on_mail, ws);
	for (unsigned i = 0; i < ws->n; i++) {
		if ((each = make_worker(ws, i, parts)) < 0 && rc == 0)
			rc = each;
	}
	return rc;
}

int
workers_start(struct workers *ws)
{
	int rc = 0;

	for (unsigned i = 0; i < ws->n && rc == 0; i++)
		rc = start(&ws->threads[i]);
	return rc;
}

static void
free_thread(struct worker_thread *t)
{
	if (t->is_made)
		worker_fini(&t->worker);
	if (t->ev != NULL)
		ev_waker_fini(t->ev, &t->stop);
	ev_free(t->ev);
}

void
workers_fini(struct workers *ws)
{
	for (unsigned i = 0; i < ws->n; i++)
		stop(&ws->threads[i]);
	mail_fini(&ws->env.mail);	/* before the loops that it wakes */
	for (unsigned i = 0; i < ws->n; i++)
		free_thread(&ws->threads[i]);
	free(ws->threads);
	grave_fini(&ws->grave);
	sa_table_fini(&ws->env.sas);
	route_fini(&ws->env.routes);
}
