/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/grace.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemons/tunneld/atom.h"
#include "daemons/tunneld/route.h"
#include "daemons/tunneld/sa.h"
#include "tests/unit/dice.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/loop.h"

/*
 * The tables as workers have them: threads look things up all the time while the test changes them.
 * What a reader finds must be what was put in, whole, as long as it looks: freed memory is found by
 * the sanitizers, and by the marks here.
 */
#define READERS 2
#define ADDRS 200
#define STEPS 3000
#define MARK 0x600df00du
#define DEAD 0xdeadu

struct thing {	/* in a table */
	struct grace_item grace;
	struct esp_rx rx;
	uint32_t mark;
};

struct rig {
	struct ev *ev;
	struct grave grave;
	struct route_table routes;
	struct sa_table sas;
	bool stop;
	unsigned freed, wrong, found;
	uint32_t spis[ADDRS];
	struct thing *things[ADDRS];
	pthread_t readers[READERS];
};

static struct rig r;	/* each test is a process */

static struct ip_addr
addr(unsigned n)
{
	return ip_from_bytes(AF_INET, (const uint8_t[]){ 10, 1, (uint8_t) (n >> 8), (uint8_t) n });
}

static void
bury(struct grace_item *item)
{
	struct thing *t = (struct thing *) (void *) item;

	t->mark = DEAD;
	free(t);
	r.freed++;
}

static void
check(const struct thing *t)
{
	if (t == NULL)
		return;
	__atomic_fetch_add(&r.found, 1, __ATOMIC_RELAXED);
	if (t->mark != MARK)
		__atomic_fetch_add(&r.wrong, 1, __ATOMIC_RELAXED);
}

static void *
read_all(void *arg)
{
	struct dice d = dice_new((uint64_t) (uintptr_t) arg);

	grace_join();
	while (!atom_get(&r.stop)) {
		for (unsigned i = 0; i < 100; i++) {
			unsigned n = dice_below(&d, ADDRS);
			struct ip_addr a = addr(n);
			struct esp_rx *rx = sa_find(&r.sas, atom_get(&r.spis[n]));

			check(route_find(&r.routes, &a));
			if (rx != NULL)
				check((struct thing *) (void *) ((char *) rx -
				    offsetof(struct thing, rx)));
		}
		grace_sleep();
		grace_wake();
	}
	grace_leave();
	return NULL;
}

static void
take_out(unsigned n)
{
	struct ip_addr a = addr(n);

	if (r.things[n] == NULL)
		return;
	route_remove(&r.routes, &a);
	sa_remove(&r.sas, &r.things[n]->rx);
	grave_put(&r.grave, &r.things[n]->grace, bury);
	r.things[n] = NULL;
}

static void
put_in(unsigned n)
{
	struct thing *t = calloc(1, sizeof(*t));
	struct ip_addr a = addr(n);

	ck_assert_ptr_nonnull(t);
	t->mark = MARK;
	ck_assert_int_eq(sa_add(&r.sas, &t->rx, n, n), 0);
	atom_set(&r.spis[n], t->rx.spi);
	ck_assert_int_eq(route_set(&r.routes, &a, t), 0);
	r.things[n] = t;
}

START_TEST(readers_find_what_is_there_and_whole)
{
	struct dice d = dice_new(1);

	ck_assert_int_eq(ev_new(&r.ev), 0);
	grave_init(&r.grave, r.ev);
	route_init(&r.routes, &r.grave);
	sa_table_init(&r.sas, &r.grave);
	for (uintptr_t i = 0; i < READERS; i++)
		ck_assert_int_eq(pthread_create(&r.readers[i], NULL, read_all, (void *) (i + 1)), 0);
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned n = dice_below(&d, ADDRS);

		take_out(n);
		put_in(n);
		if (i % 10 == 0)
			loop_round(r.ev);
	}
	LOOP_UNTIL(r.ev, atom_get(&r.found) > 1000);
	atom_set(&r.stop, true);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(r.readers[i], NULL);
	for (unsigned n = 0; n < ADDRS; n++)
		take_out(n);
	grave_fini(&r.grave);
	ck_assert_uint_eq(r.wrong, 0);
	ck_assert_uint_eq(r.freed, STEPS);
	route_fini(&r.routes);
	sa_table_fini(&r.sas);
	ev_free(r.ev);
}
END_TEST

/* --- a reader that does not sleep ----------------------------------------------------------------- */

static bool inside, leave;

static void *
stay(void *arg)
{
	(void) arg;
	grace_join();
	atom_publish(&inside, true);
	while (!atom_take(&leave))
		sched_yield();
	grace_leave();
	return NULL;
}

static void *
let_go(void *arg)
{
	(void) arg;
	usleep(100000);		/* in which nothing may happen */
	ck_assert_uint_eq(atom_get(&r.freed), 0);
	atom_publish(&leave, true);
	return NULL;
}

/* The wait ends when it leaves, and not before. */
START_TEST(nothing_is_freed_while_somebody_looks)
{
	struct thing *t = calloc(1, sizeof(*t));
	pthread_t reader, other;

	ck_assert_int_eq(ev_new(&r.ev), 0);
	grave_init(&r.grave, r.ev);
	pthread_create(&reader, NULL, stay, NULL);
	while (!atom_take(&inside))
		sched_yield();
	grave_put(&r.grave, &t->grace, bury);
	ck_assert_uint_eq(r.freed, 0);
	pthread_create(&other, NULL, let_go, NULL);
	LOOP_UNTIL(r.ev, r.freed == 1);
	ck_assert(atom_take(&leave));
	pthread_join(reader, NULL);
	pthread_join(other, NULL);
	grave_fini(&r.grave);
	ev_free(r.ev);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("grace");

	tcase_add_test(tc, readers_find_what_is_there_and_whole);
	tcase_add_test(tc, nothing_is_freed_while_somebody_looks);
	return kit_run("tunneld/grace", tc);
}
