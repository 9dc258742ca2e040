/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ev.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/unit/kit.h"

/* --- timers ----------------------------------------------------------------------------------- */

#define TIMERS 200

struct clockwork {
	struct ev *ev;
	struct ev_timer timers[TIMERS], last;
	struct item {
		struct clockwork *c;
		unsigned id;
		int64_t delay_ms;
	} items[TIMERS];
	unsigned order[4 * TIMERS], n;
};

static void
note(void *arg)
{
	struct item *it = arg;

	it->c->order[it->c->n++] = it->id;
}

static void
stop(void *arg)
{
	struct clockwork *c = arg;

	ev_stop(c->ev, 5);
}

static struct clockwork *
clockwork_new(void)
{
	struct clockwork *c = calloc(1, sizeof(*c));

	ck_assert_int_eq(ev_new(&c->ev), 0);
	for (unsigned i = 0; i < TIMERS; i++)
		c->items[i] = (struct item){ c, i, 0 };
	return c;
}

static void
start(struct clockwork *c, unsigned id, int64_t delay_ms)
{
	c->items[id].delay_ms = delay_ms;
	ck_assert_int_eq(ev_timer_start(c->ev, &c->timers[id], delay_ms, note, &c->items[id]), 0);
}

static void
run_for(struct clockwork *c, int64_t ms)
{
	ck_assert_int_eq(ev_timer_start(c->ev, &c->last, ms, stop, c), 0);
	ck_assert_int_eq(ev_run(c->ev), 5);
}

static void
clockwork_free(struct clockwork *c)
{
	ev_free(c->ev);
	free(c);
}

START_TEST(timers_fire_in_the_order_of_their_times)
{
	struct clockwork *c = clockwork_new();
	unsigned present = 0;

	/* Starts, moves and stops in a fixed disorder; the heap grows past its first size. */
	for (unsigned i = 0; i < TIMERS; i++)
		start(c, i, (i * 37) % 50);
	for (unsigned i = 0; i < TIMERS; i += 3)
		start(c, i, (i * 11) % 50);
	for (unsigned i = 0; i < TIMERS; i += 5)
		ev_timer_stop(c->ev, &c->timers[i]);
	for (unsigned i = 0; i < TIMERS; i += 10)
		ev_timer_stop(c->ev, &c->timers[i]);	/* again: no harm */
	for (unsigned i = 0; i < TIMERS; i++)
		present += c->timers[i].slot != 0;
	run_for(c, 60);
	ck_assert_uint_eq(c->n, present);
	for (unsigned i = 1; i < c->n; i++)
		ck_assert_int_le(c->timers[c->order[i - 1]].due_ms, c->timers[c->order[i]].due_ms);
	clockwork_free(c);
}
END_TEST

START_TEST(timers_are_never_early)
{
	struct clockwork *c = clockwork_new();
	int64_t began = clock_mono_ms();

	run_for(c, 30);
	ck_assert_int_ge(clock_mono_ms() - began, 30);
	clockwork_free(c);
}
END_TEST

START_TEST(equal_times_fire_in_the_order_of_their_starts)
{
	struct clockwork *c = clockwork_new();

	for (unsigned i = 0; i < TIMERS; i++)
		start(c, i, 0);
	run_for(c, 5);
	ck_assert_uint_eq(c->n, TIMERS);
	for (unsigned i = 1; i < TIMERS; i++) {
		if (c->timers[i - 1].due_ms == c->timers[i].due_ms)
			ck_assert_uint_lt(c->order[i - 1], c->order[i]);
	}
	clockwork_free(c);
}
END_TEST

static void
start_again(void *arg)
{
	struct item *it = arg;

	if (it->c->n < TIMERS)
		note(it);
	ev_timer_start(it->c->ev, &it->c->timers[it->id], 0, start_again, it);
}

/* Takes one byte of three, and ends the loop with the last. */
static void
read_byte(void *arg, uint32_t events)
{
	struct item *it = arg;
	char byte;

	(void) events;
	ck_assert_int_eq(read((int) it->delay_ms, &byte, 1), 1);
	if (byte == 'z')
		ev_stop(it->c->ev, 5);
}

/* A timer that starts itself anew with 0 waits for the next round: descriptors get their turn. */
START_TEST(a_busy_timer_starves_nobody)
{
	struct clockwork *c = clockwork_new();
	struct ev_io io = { 0 };
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	c->items[1].delay_ms = ends[0];
	ck_assert_int_eq(ev_io_add(c->ev, &io, ends[0], EPOLLIN, read_byte, &c->items[1]), 0);
	ck_assert_int_eq(write(ends[1], "xyz", 3), 3);
	for (unsigned i = 2; i < 50; i++)	/* others that are due at some time */
		start(c, i, 1000);
	ev_timer_start(c->ev, &c->timers[0], 0, start_again, &c->items[0]);
	ck_assert_int_eq(ev_run(c->ev), 5);
	ck_assert_uint_eq(c->n, 2);	/* once between each two bytes */
	ev_io_del(c->ev, &io);
	close(ends[0]);
	close(ends[1]);
	clockwork_free(c);
}
END_TEST

static void
stop_others(void *arg)
{
	struct item *it = arg;

	note(it);
	for (unsigned i = 0; i < TIMERS; i++)
		ev_timer_stop(it->c->ev, &it->c->timers[i]);
}

START_TEST(a_stopped_timer_does_not_fire)
{
	struct clockwork *c = clockwork_new();

	ev_timer_start(c->ev, &c->timers[0], 0, stop_others, &c->items[0]);
	for (unsigned i = 1; i < TIMERS; i++)
		start(c, i, 0);
	run_for(c, 20);
	ck_assert_uint_eq(c->n, 1);
	clockwork_free(c);
}
END_TEST

/* --- descriptors ------------------------------------------------------------------------------ */

struct pair {
	struct ev *ev;
	struct ev_io io[2];
	int ends[2][2];
	unsigned calls;
};

static void
del_both(void *arg, uint32_t events)
{
	struct pair *p = arg;

	ck_assert_uint_ne(events & EPOLLIN, 0);
	p->calls++;
	for (int i = 0; i < 2; i++)
		ev_io_del(p->ev, &p->io[i]);
	ev_io_del(p->ev, &p->io[0]);	/* again: no harm */
}

static void
stop_pair(void *arg)
{
	struct pair *p = arg;

	ev_stop(p->ev, 0);
}

START_TEST(a_removed_handle_is_not_called)
{
	struct pair p = { 0 };
	struct ev_timer t = { 0 };

	ck_assert_int_eq(ev_new(&p.ev), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(pipe(p.ends[i]), 0);
		ck_assert_int_eq(write(p.ends[i][1], "x", 1), 1);
		ck_assert_int_eq(ev_io_add(p.ev, &p.io[i], p.ends[i][0], EPOLLIN, del_both, &p), 0);
	}
	ev_timer_start(p.ev, &t, 10, stop_pair, &p);
	ck_assert_int_eq(ev_run(p.ev), 0);
	ck_assert_uint_eq(p.calls, 1); /* whichever came first removed the other, which was ready */
	for (int i = 0; i < 2; i++) {
		close(p.ends[i][0]);
		close(p.ends[i][1]);
	}
	ev_free(p.ev);
}
END_TEST

START_TEST(a_handle_may_change_what_it_waits_for)
{
	struct pair p = { 0 };
	struct ev_timer t = { 0 };

	ck_assert_int_eq(ev_new(&p.ev), 0);
	ck_assert_int_eq(pipe(p.ends[0]), 0);
	ck_assert_int_eq(write(p.ends[0][1], "x", 1), 1);
	ck_assert_int_eq(ev_io_add(p.ev, &p.io[0], p.ends[0][0], 0, del_both, &p), 0);
	ev_timer_start(p.ev, &t, 5, stop_pair, &p);
	ck_assert_int_eq(ev_run(p.ev), 0);
	ck_assert_uint_eq(p.calls, 0);
	ck_assert_int_eq(ev_io_mod(p.ev, &p.io[0], EPOLLIN), 0);
	ev_timer_start(p.ev, &t, 5, stop_pair, &p);
	ck_assert_int_eq(ev_run(p.ev), 0);
	ck_assert_uint_eq(p.calls, 1);
	close(p.ends[0][0]);
	close(p.ends[0][1]);
	ev_free(p.ev);
}
END_TEST

START_TEST(a_bad_descriptor_is_an_error)
{
	struct ev_io io = { 0 };
	struct ev *ev;

	ck_assert_int_eq(ev_new(&ev), 0);
	ck_assert_int_eq(ev_io_add(ev, &io, -1, EPOLLIN, NULL, NULL), -EBADF);
	ck_assert(!io.active);
	ev_io_del(ev, &io);
	ev_free(ev);
}
END_TEST

/* --- signals and wake-ups --------------------------------------------------------------------- */

struct heard {
	struct ev *ev;
	unsigned usr1, usr2;
};

static void
on_signal(void *arg, int signo)
{
	struct heard *h = arg;

	h->usr1 += signo == SIGUSR1;
	h->usr2 += signo == SIGUSR2;
	if (h->usr2 > 0 && h->usr1 > 0)
		ev_stop(h->ev, 0);
}

START_TEST(signals_come_on_the_loop)
{
	struct heard h = { 0 };

	ck_assert_int_eq(ev_new(&h.ev), 0);
	ck_assert_int_eq(ev_signal(h.ev, SIGUSR1, on_signal, &h), 0);
	ck_assert_int_eq(ev_signal(h.ev, SIGUSR2, on_signal, &h), 0);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	ck_assert_uint_eq(h.usr1 + h.usr2, 0);
	ck_assert_int_eq(ev_run(h.ev), 0);
	ck_assert_uint_eq(h.usr1, 1);
	ck_assert_uint_eq(h.usr2, 1);
	ev_free(h.ev);
}
END_TEST

START_TEST(signals_have_a_limit)
{
	struct heard h = { 0 };

	ck_assert_int_eq(ev_new(&h.ev), 0);
	for (unsigned i = 0; i < EV_SIGNALS; i++)
		ck_assert_int_eq(ev_signal(h.ev, SIGUSR1, on_signal, &h), 0);
	ck_assert_int_eq(ev_signal(h.ev, SIGUSR2, on_signal, &h), -ENOSPC);
	ev_free(h.ev);
}
END_TEST

#define WAKERS 4
#define WAKES 2000

struct wakes {
	struct ev *ev;
	struct ev_waker waker;
	atomic_uint sent;
	unsigned calls;
};

static void
on_wake(void *arg, uint32_t events)
{
	struct wakes *w = arg;

	(void) events;
	w->calls++;
	if (atomic_load(&w->sent) == WAKERS * WAKES)
		ev_stop(w->ev, 0);
}

static void *
wake_often(void *arg)
{
	struct wakes *w = arg;

	for (unsigned i = 0; i < WAKES; i++) {
		atomic_fetch_add(&w->sent, 1);
		ev_wake(&w->waker);
	}
	return NULL;
}

START_TEST(no_wake_is_lost)
{
	struct wakes w = { 0 };
	pthread_t threads[WAKERS];

	ck_assert_int_eq(ev_new(&w.ev), 0);
	ck_assert_int_eq(ev_waker_init(w.ev, &w.waker, on_wake, &w), 0);
	for (unsigned i = 0; i < WAKERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, wake_often, &w), 0);
	ck_assert_int_eq(ev_run(w.ev), 0);	/* the last wake is after the last count */
	for (unsigned i = 0; i < WAKERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_gt(w.calls, 0);
	ck_assert_uint_le(w.calls, WAKERS * WAKES);
	ev_waker_fini(w.ev, &w.waker);
	ev_waker_fini(w.ev, &w.waker);	/* again: no harm */
	ev_free(w.ev);
}
END_TEST

START_TEST(a_loop_that_was_stopped_before_ends_at_once)
{
	struct ev *ev;

	ck_assert_int_eq(ev_new(&ev), 0);
	ev_stop(ev, -ECANCELED);
	ck_assert_int_eq(ev_run(ev), -ECANCELED);
	ev_free(ev);
	ev_free(NULL);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ev");

	tcase_add_test(tc, timers_fire_in_the_order_of_their_times);
	tcase_add_test(tc, timers_are_never_early);
	tcase_add_test(tc, equal_times_fire_in_the_order_of_their_starts);
	tcase_add_loop_test(tc, a_busy_timer_starves_nobody, 0, 20);
	tcase_add_test(tc, a_stopped_timer_does_not_fire);
	tcase_add_test(tc, a_removed_handle_is_not_called);
	tcase_add_test(tc, a_handle_may_change_what_it_waits_for);
	tcase_add_test(tc, a_bad_descriptor_is_an_error);
	tcase_add_test(tc, signals_come_on_the_loop);
	tcase_add_test(tc, signals_have_a_limit);
	tcase_add_test(tc, no_wake_is_lost);
	tcase_add_test(tc, a_loop_that_was_stopped_before_ends_at_once);
	return kit_run("common/ev", tc);
}
