/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/route.h"

#include <check.h>
#include <stdint.h>

#include "tests/unit/dice.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/graves.h"

#define ADDRS 3000
#define STEPS 20000

/* Address number n of some thousand: IPv4 and IPv6, near each other as a pool gives them. */
static struct ip_addr
addr(unsigned n)
{
	struct ip_addr a = { .family = AF_INET6, .b = { 0xfd } };

	if (n % 3 != 0)
		return ip_from_bytes(AF_INET,
		    (const uint8_t[]){ 10, 1, (uint8_t) (n >> 8), (uint8_t) n });
	a.b[14] = (uint8_t) (n >> 8);
	a.b[15] = (uint8_t) n;
	return a;
}

static void
set(struct route_table *t, unsigned n, void *value)
{
	struct ip_addr a = addr(n);

	ck_assert_int_eq(route_set(t, &a, value), 0);
}

static void
drop(struct route_table *t, unsigned n)
{
	struct ip_addr a = addr(n);

	route_remove(t, &a);
}

static void *
find(const struct route_table *t, unsigned n)
{
	struct ip_addr a = addr(n);

	return route_find(t, &a);
}

/* The counts are those of the slots, and a lookup always ends. */
static void
check_invariant(const struct route_table *t)
{
	size_t used = 0, entries = 0;

	if (t->slots == NULL)
		return;
	for (size_t i = 0; i < t->slots->size; i++) {
		entries += t->slots->at[i] != NULL && t->slots->at[i]->value != NULL;
		used += t->slots->at[i] != NULL;
	}
	ck_assert_uint_eq(t->entries, entries);
	ck_assert_uint_eq(t->used, used);
	ck_assert_uint_le(t->used, t->slots->size / 2);
	ck_assert_uint_eq(t->slots->size & (t->slots->size - 1), 0);
}

START_TEST(an_empty_table_knows_nobody)
{
	struct route_table t;

	route_init(&t, graves_new());
	ck_assert_ptr_null(find(&t, 1));
	drop(&t, 1);
	set(&t, 1, &t);
	ck_assert_ptr_eq(find(&t, 1), &t);
	ck_assert_ptr_null(find(&t, 2));
	drop(&t, 2);
	route_fini(&t);
	graves_free();
	ck_assert_ptr_null(find(&t, 1));
}
END_TEST

START_TEST(a_value_is_replaced)
{
	struct route_table t;
	int a, b;

	route_init(&t, graves_new());
	set(&t, 7, &a);
	set(&t, 7, &b);
	ck_assert_ptr_eq(find(&t, 7), &b);
	ck_assert_uint_eq(t.entries, 1);
	drop(&t, 7);
	ck_assert_ptr_null(find(&t, 7));
	drop(&t, 7);	/* once more is fine */
	set(&t, 7, &a);
	ck_assert_ptr_eq(find(&t, 7), &a);
	check_invariant(&t);
	route_fini(&t);
	graves_free();
}
END_TEST

START_TEST(families_do_not_mix)
{
	struct ip_addr four = ip_from_bytes(AF_INET, (const uint8_t[]){ 1, 2, 3, 4 });
	struct ip_addr six = { .family = AF_INET6, .b = { 1, 2, 3, 4 } };
	struct route_table t;
	int a, b;

	route_init(&t, graves_new());
	ck_assert_int_eq(route_set(&t, &four, &a), 0);
	ck_assert_ptr_null(route_find(&t, &six));
	ck_assert_int_eq(route_set(&t, &six, &b), 0);
	ck_assert_ptr_eq(route_find(&t, &four), &a);
	ck_assert_ptr_eq(route_find(&t, &six), &b);
	route_fini(&t);
	graves_free();
}
END_TEST

START_TEST(it_grows)
{
	static int values[ADDRS];
	struct route_table t;

	route_init(&t, graves_new());
	for (unsigned n = 0; n < ADDRS; n++)
		set(&t, n, &values[n]);
	check_invariant(&t);
	for (unsigned n = 0; n < ADDRS; n++)
		ck_assert_ptr_eq(find(&t, n), &values[n]);
	ck_assert_ptr_null(find(&t, ADDRS + 1));
	route_fini(&t);
	graves_free();
}
END_TEST

/* Nodes that come and go for years leave no table full of what is gone. */
START_TEST(coming_and_going_takes_no_room)
{
	struct route_table t;
	int value;

	route_init(&t, graves_new());
	for (unsigned n = 0; n < 5 * ADDRS; n++) {
		set(&t, n, &value);
		if (n >= 4)
			drop(&t, n - 4);
	}
	check_invariant(&t);
	ck_assert_uint_eq(t.entries, 4);
	ck_assert_uint_le(t.slots->size, 64);
	route_fini(&t);
	graves_free();
}
END_TEST

START_TEST(it_is_an_array_by_address)
{
	static int values[ADDRS];
	static void *model[ADDRS];
	struct dice d = dice_new((uint64_t) _i);
	struct route_table t;
	/* Few addresses: many tombstones are met. Many: growth. */
	unsigned range = _i % 2 == 0 ? 40 : ADDRS;

	route_init(&t, graves_new());
	for (unsigned n = 0; n < ADDRS; n++)
		model[n] = NULL;
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned n = dice_below(&d, range);

		switch (dice_below(&d, 3)) {
		case 0:
			model[n] = &values[dice_below(&d, ADDRS)];
			set(&t, n, model[n]);
			break;
		case 1:
			drop(&t, n);
			model[n] = NULL;
			break;
		default:
			ck_assert_ptr_eq(find(&t, n), model[n]);
			break;
		}
		if (i % 4096 == 0)
			check_invariant(&t);
	}
	for (unsigned n = 0; n < ADDRS; n++)
		ck_assert_ptr_eq(find(&t, n), model[n]);
	check_invariant(&t);
	route_fini(&t);
	graves_free();
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("route");

	tcase_add_test(tc, an_empty_table_knows_nobody);
	tcase_add_test(tc, a_value_is_replaced);
	tcase_add_test(tc, families_do_not_mix);
	tcase_add_test(tc, it_grows);
	tcase_add_test(tc, coming_and_going_takes_no_room);
	tcase_add_loop_test(tc, it_is_an_array_by_address, 1, 5);
	return kit_run("tunneld/route", tc);
}
