/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_EV_H
#define LV_EV_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/*
 * An event loop over epoll(7): descriptors, timers, signals (signalfd(2)) and wake-ups from other
 * threads. One thread runs a loop; only ev_wake may be called from elsewhere. Handles are embedded
 * in their owners' structs, zeroed before first use, and may be removed from any callback, their
 * own included: a removed handle is not called again, even when it was ready in the same round.
 */
struct ev;

struct ev_io {
	void (*fn)(void *arg, uint32_t events);	/* EPOLLIN, EPOLLOUT, EPOLLHUP, ... */
	void *arg;
	int fd;		/* borrowed: the owner closes it, after ev_io_del */
	bool active;
};

struct ev_timer {
	void (*fn)(void *arg);
	void *arg;
	int64_t due_ms;	/* clock_mono_ms */
	uint64_t seq;	/* number of the start: those due together fire in the order of starts */
	unsigned slot;	/* place in the loop's heap; 0: not running */
};

struct ev_waker {
	struct ev_io io;
};

int ev_new(struct ev **ev_out);
void ev_free(struct ev *ev);	/* NULL is fine. The handles must have been removed */

/*
 * clock_mono_us when the descriptors of this round became ready. For what is done for each packet:
 * asking the clock costs as much as all else that a packet's path is chosen by.
 */
int64_t ev_now_us(const struct ev *ev);

/*
 * Calls `sleeps` before each wait for events and `wakes` after it, on the loop's thread: for whom
 * others ask whether it may be in the middle of something. Before ev_run.
 */
void ev_on_wait(struct ev *ev, void (*sleeps)(void), void (*wakes)(void));

/* Runs until ev_stop; returns what ev_stop was given, or -errno. */
int ev_run(struct ev *ev);
void ev_stop(struct ev *ev, int result);

int ev_io_add(struct ev *ev, struct ev_io *io, int fd, uint32_t events,
    void (*fn)(void *arg, uint32_t events), void *arg);
int ev_io_mod(struct ev *ev, struct ev_io *io, uint32_t events);
void ev_io_del(struct ev *ev, struct ev_io *io);	/* an inactive one is fine */

/* Fires once, delay_ms from now; starting a running timer moves it. 0 means the next round. */
int ev_timer_start(struct ev *ev, struct ev_timer *t, int64_t delay_ms, void (*fn)(void *arg),
    void *arg);
void ev_timer_stop(struct ev *ev, struct ev_timer *t);	/* a stopped one is fine */

/*
 * Blocks the signal in this thread (and in threads and processes begun later) and calls fn on the
 * loop for each one that comes. At most EV_SIGNALS of them.
 */
#define EV_SIGNALS 8
int ev_signal(struct ev *ev, int signo, void (*fn)(void *arg, int signo), void *arg);

/* fn runs on the loop some time after each ev_wake; wakes that come together may become one. */
int ev_waker_init(struct ev *ev, struct ev_waker *w, void (*fn)(void *arg, uint32_t events),
    void *arg);
void ev_waker_fini(struct ev *ev, struct ev_waker *w);
void ev_wake(struct ev_waker *w);	/* from any thread */

#endif
