/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ev.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/clock.h"

#define READY_MAX 64	/* descriptors handled per epoll_wait */

struct sig {
	int signo;
	void (*fn)(void *arg, int signo);
	void *arg;
};

struct ev {
	int epfd;
	bool stopping;
	int result;
	void (*sleeps)(void), (*wakes)(void);	/* NULL: nobody asks */

	/* The round being dispatched: ev_io_del clears entries of handles that went away. */
	struct epoll_event ready[READY_MAX];
	int nready;
	int64_t now_us;		/* when it began */

	/* Binary heap by due_ms and seq; heap[0] unused, so that slot 0 means "not in it". */
	struct ev_timer **heap;
	unsigned ntimers, heap_size;
	uint64_t timer_seq;	/* of the last start */

	struct sig sigs[EV_SIGNALS];
	unsigned nsigs;
	sigset_t sigset;
	struct ev_io sigio;
};

int
ev_new(struct ev **ev_out)
{
	struct ev *ev = calloc(1, sizeof(*ev));
	int rc;

	if (ev == NULL)
		return -ENOMEM;
	ev->sigio.fd = -1;
	sigemptyset(&ev->sigset);
	ev->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (ev->epfd < 0) {
		rc = -errno;
		free(ev);
		return rc;
	}
	ev->now_us = clock_mono_us();
	*ev_out = ev;
	return 0;
}

void
ev_free(struct ev *ev)
{
	if (ev == NULL)
		return;
	if (ev->sigio.fd >= 0) {
		ev_io_del(ev, &ev->sigio);
		close(ev->sigio.fd);
	}
	close(ev->epfd);
	free(ev->heap);
	free(ev);
}

int
ev_io_add(struct ev *ev, struct ev_io *io, int fd, uint32_t events,
    void (*fn)(void *arg, uint32_t events), void *arg)
{
	struct epoll_event e = { .events = events, .data.ptr = io };

	if (epoll_ctl(ev->epfd, EPOLL_CTL_ADD, fd, &e) < 0)
		return -errno;
	*io = (struct ev_io){ .fn = fn, .arg = arg, .fd = fd, .active = true };
	return 0;
}

int
ev_io_mod(struct ev *ev, struct ev_io *io, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = io };

	return epoll_ctl(ev->epfd, EPOLL_CTL_MOD, io->fd, &e) < 0 ? -errno : 0;
}

void
ev_io_del(struct ev *ev, struct ev_io *io)
{
	if (!io->active)
		return;
	io->active = false;
	epoll_ctl(ev->epfd, EPOLL_CTL_DEL, io->fd, NULL);
	for (int i = 0; i < ev->nready; i++) {
		if (ev->ready[i].data.ptr == io)
			ev->ready[i].data.ptr = NULL;
	}
}

static void
place(struct ev *ev, unsigned slot, struct ev_timer *t)
{
	ev->heap[slot] = t;
	t->slot = slot;
}

static bool
is_before(const struct ev_timer *a, const struct ev_timer *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->seq < b->seq;
}

static void
sift_up(struct ev *ev, unsigned slot)
{
	struct ev_timer *t = ev->heap[slot];

	for (; slot > 1 && is_before(t, ev->heap[slot / 2]); slot /= 2)
		place(ev, slot, ev->heap[slot / 2]);
	place(ev, slot, t);
}

static void
sift_down(struct ev *ev, unsigned slot)
{
	struct ev_timer *t = ev->heap[slot];
	unsigned child;

	for (; (child = 2 * slot) <= ev->ntimers; slot = child) {
		if (child < ev->ntimers && is_before(ev->heap[child + 1], ev->heap[child]))
			child++;
		if (is_before(t, ev->heap[child]))
			break;
		place(ev, slot, ev->heap[child]);
	}
	place(ev, slot, t);
}

static int
heap_reserve(struct ev *ev)
{
	unsigned size = ev->heap_size == 0 ? 64 : ev->heap_size * 2;
	struct ev_timer **heap;

	if (ev->ntimers + 1 < ev->heap_size)
		return 0;
	if ((heap = realloc(ev->heap, size * sizeof(*heap))) == NULL)
		return -ENOMEM;
	ev->heap = heap;
	ev->heap_size = size;
	return 0;
}

int
ev_timer_start(struct ev *ev, struct ev_timer *t, int64_t delay_ms, void (*fn)(void *arg),
    void *arg)
{
	int rc;

	ev_timer_stop(ev, t);
	if ((rc = heap_reserve(ev)) < 0)
		return rc;
	t->fn = fn;
	t->arg = arg;
	t->due_ms = clock_mono_ms() + (delay_ms > 0 ? delay_ms : 0);
	t->seq = ++ev->timer_seq;
	place(ev, ++ev->ntimers, t);
	sift_up(ev, ev->ntimers);
	return 0;
}

void
ev_timer_stop(struct ev *ev, struct ev_timer *t)
{
	unsigned slot = t->slot;
	struct ev_timer *last;

	if (slot == 0)
		return;
	last = ev->heap[ev->ntimers--];
	if (last != t) {
		place(ev, slot, last);
		sift_down(ev, slot);
		sift_up(ev, last->slot);
	}
	t->slot = 0;
}

static void
on_signal(void *arg, uint32_t events)
{
	struct ev *ev = arg;
	struct signalfd_siginfo si;

	(void) events;
	while (read(ev->sigio.fd, &si, sizeof(si)) == (ssize_t) sizeof(si)) {
		for (unsigned i = 0; i < ev->nsigs; i++) {
			if (ev->sigs[i].signo == (int) si.ssi_signo)
				ev->sigs[i].fn(ev->sigs[i].arg, ev->sigs[i].signo);
		}
	}
}

int
ev_signal(struct ev *ev, int signo, void (*fn)(void *arg, int signo), void *arg)
{
	int fd, rc;

	if (ev->nsigs == EV_SIGNALS)
		return -ENOSPC;
	sigaddset(&ev->sigset, signo);
	if (sigprocmask(SIG_BLOCK, &ev->sigset, NULL) < 0)
		return -errno;
	fd = signalfd(ev->sigio.fd, &ev->sigset, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (ev->sigio.fd < 0 && (rc = ev_io_add(ev, &ev->sigio, fd, EPOLLIN, on_signal, ev)) < 0) {
		close(fd);
		return rc;
	}
	ev->sigs[ev->nsigs++] = (struct sig){ signo, fn, arg };
	return 0;
}

int
ev_waker_init(struct ev *ev, struct ev_waker *w, void (*fn)(void *arg, uint32_t events), void *arg)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int rc;

	if (fd < 0)
		return -errno;
	/* Edge-triggered: each ev_wake is an edge, so the counter never has to be read. */
	if ((rc = ev_io_add(ev, &w->io, fd, EPOLLIN | EPOLLET, fn, arg)) < 0)
		close(fd);
	return rc;
}

void
ev_waker_fini(struct ev *ev, struct ev_waker *w)
{
	if (!w->io.active)
		return;
	ev_io_del(ev, &w->io);
	close(w->io.fd);
}

void
ev_wake(struct ev_waker *w)
{
	uint64_t one = 1;

	if (write(w->io.fd, &one, sizeof(one)) < 0) {
		/* Only a full counter fails, and then the loop is awake anyway. */
	}
}

static int
next_wait(const struct ev *ev)
{
	int64_t left;

	if (ev->ntimers == 0)
		return -1;
	left = ev->heap[1]->due_ms - clock_mono_ms();
	return left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int) left;
}

/* Timers that are due now; those that callbacks start are for the next round. */
static void
run_timers(struct ev *ev)
{
	int64_t now = clock_mono_ms();
	uint64_t last = ev->timer_seq;

	while (ev->ntimers > 0 && !ev->stopping) {
		struct ev_timer *t = ev->heap[1];

		if (t->due_ms > now || t->seq > last)
			break;
		ev_timer_stop(ev, t);
		t->fn(t->arg);
	}
}

int64_t
ev_now_us(const struct ev *ev)
{
	return ev->now_us;
}

void
ev_on_wait(struct ev *ev, void (*sleeps)(void), void (*wakes)(void))
{
	ev->sleeps = sleeps;
	ev->wakes = wakes;
}

static int
wait_for_events(struct ev *ev)
{
	int n;

	if (ev->sleeps == NULL)
		return epoll_wait(ev->epfd, ev->ready, READY_MAX, next_wait(ev));
	ev->sleeps();
	n = epoll_wait(ev->epfd, ev->ready, READY_MAX, next_wait(ev));
	ev->wakes();
	return n;
}

int
ev_run(struct ev *ev)
{
	while (!ev->stopping) {
		int n = wait_for_events(ev);

		if (n < 0 && errno != EINTR)
			return -errno;
		ev->nready = n < 0 ? 0 : n;
		ev->now_us = clock_mono_us();
		for (int i = 0; i < ev->nready && !ev->stopping; i++) {
			struct ev_io *io = ev->ready[i].data.ptr;

			if (io != NULL)
				io->fn(io->arg, ev->ready[i].events);
		}
		ev->nready = 0;
		run_timers(ev);
	}
	ev->stopping = false;
	return ev->result;
}

void
ev_stop(struct ev *ev, int result)
{
	ev->stopping = true;
	ev->result = result;
}
