/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/mail.h"

#include <check.h>
#include <pthread.h>
#include <string.h>

#include "tests/unit/dice.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/loop.h"

#define LONGEST 9000

/* The reader is the test, in a loop of its own. */
struct rig {
	struct ev *ev;
	struct mail_room room;
	unsigned got, wakes;
	uint32_t next;		/* number that the next message must have */
};

static uint8_t bytes[LONGEST];

static void
each(void *arg, struct mail *m)
{
	struct rig *r = arg;

	uint32_t wrong = 0;

	ck_assert_uint_eq(m->spi, r->next++);
	for (uint32_t i = 0; i < m->len; i++)
		wrong += m->bytes[i] != (uint8_t) m->spi;
	ck_assert_uint_eq(wrong, 0);
	r->got++;
}

static void
done(void *arg)
{
	(void) arg;
}

static void
on_mail(void *arg, uint32_t events)
{
	struct rig *r = arg;

	(void) events;
	r->wakes++;
	mail_take(&r->room, 0, each, done, r);
}

static void
rig_init(struct rig *r)
{
	*r = (struct rig){ .got = 0 };
	ck_assert_int_eq(ev_new(&r->ev), 0);
	ck_assert_int_eq(mail_init(&r->room, 3), 0);
	ck_assert_int_eq(mail_open(&r->room, 0, r->ev, on_mail, r), 0);
}

static void
rig_fini(struct rig *r)
{
	mail_fini(&r->room);
	ev_free(r->ev);
}

static bool
put(struct rig *r, uint32_t number, size_t len)
{
	struct mail m = { .kind = MAIL_INNER, .spi = number, .len = (uint32_t) len };

	memset(bytes, (int) number, len);
	return mail_put(&r->room, 1, 0, &m, bytes);
}

START_TEST(what_is_put_is_taken_in_order)
{
	struct dice d = dice_new((uint64_t) _i);
	uint32_t number = 0;
	struct rig r;

	rig_init(&r);
	for (unsigned round = 0; round < 200; round++) {
		unsigned n = dice_below(&d, 40);

		for (unsigned i = 0; i < n; i++)
			ck_assert(put(&r, number++, dice_below(&d, LONGEST)));
		mail_wake(&r.room, 1);
		LOOP_UNTIL(r.ev, r.got == number);
	}
	rig_fini(&r);
}
END_TEST

START_TEST(a_full_ring_takes_no_more_until_it_is_read)
{
	uint32_t number = 0;
	struct rig r;

	rig_init(&r);
	for (unsigned round = 0; round < 5; round++) {
		while (put(&r, number, 1000))
			number++;
		ck_assert(!put(&r, number, LONGEST));
		mail_wake(&r.room, 1);
		LOOP_UNTIL(r.ev, r.got == number);
		ck_assert_uint_ge(number, (round + 1) * (MAIL_RING_BYTES / 1400));
	}
	rig_fini(&r);
}
END_TEST

START_TEST(nobody_is_woken_for_nothing)
{
	struct rig r;

	rig_init(&r);
	mail_wake(&r.room, 1);
	loop_for(r.ev, 20);
	ck_assert_uint_eq(r.wakes, 0);
	ck_assert(put(&r, 0, 10));
	mail_wake(&r.room, 1);
	ck_assert(put(&r, 1, 10));
	mail_wake(&r.room, 1);
	LOOP_UNTIL(r.ev, r.got == 2);
	ck_assert_uint_eq(r.wakes, 1);	/* both together */
	rig_fini(&r);
}
END_TEST

/* --- with a writer of its own -------------------------------------------------------------------- */

#define MESSAGES 20000

static void *
write_all(void *arg)
{
	struct rig *r = arg;
	struct mail m = { .kind = MAIL_INNER };
	uint8_t mine[64];

	while (m.spi < MESSAGES) {
		m.len = m.spi % sizeof(mine);
		memset(mine, (int) m.spi, m.len);
		if (!mail_put(&r->room, 2, 0, &m, mine) || m.spi++ % 7 == 0)
			mail_wake(&r->room, 2);
	}
	mail_wake(&r->room, 2);
	return NULL;
}

START_TEST(a_thread_writes_while_another_reads)
{
	pthread_t writer;
	struct rig r;

	rig_init(&r);
	ck_assert_int_eq(pthread_create(&writer, NULL, write_all, &r), 0);
	LOOP_UNTIL(r.ev, r.got == MESSAGES);
	pthread_join(writer, NULL);
	rig_fini(&r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("mail");

	tcase_add_loop_test(tc, what_is_put_is_taken_in_order, 0, 5);
	tcase_add_test(tc, a_full_ring_takes_no_more_until_it_is_read);
	tcase_add_test(tc, nobody_is_woken_for_nothing);
	tcase_add_test(tc, a_thread_writes_while_another_reads);
	return kit_run("tunneld/mail", tc);
}
