/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/peers.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/dice.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/graves.h"

#define MANY 5000	/* above what the first buckets take: it grows twice */

static const char *
id(unsigned n)
{
	static char text[CONTROL_ID_MAX + 1];

	snprintf(text, sizeof(text), "node-%u", n);
	return text;
}

/* Walks all and counts how often each comes. */
static void
check_walk(const struct peers *p, const bool *there, unsigned n)
{
	static unsigned met[MANY];
	unsigned number, wrong = 0;
	size_t total = 0;

	memset(met, 0, sizeof(met));
	for (struct peer *peer = peers_next(p, NULL); peer != NULL; peer = peers_next(p, peer)) {
		if (sscanf(peer->id, "node-%u", &number) != 1 || number >= n)
			ck_abort_msg("%s is none of ours", peer->id);
		met[number]++;
		total++;
	}
	ck_assert_uint_eq(total, p->n);
	for (unsigned i = 0; i < n; i++)
		wrong += met[i] != there[i];
	ck_assert_uint_eq(wrong, 0);
}

START_TEST(none_at_first)
{
	struct peers p;

	ck_assert_int_eq(peers_init(&p, graves_new()), 0);
	ck_assert_ptr_null(peers_find(&p, ""));
	ck_assert_ptr_null(peers_find(&p, "node-1"));
	ck_assert_ptr_null(peers_next(&p, NULL));
	peers_fini(&p);
	graves_free();
}
END_TEST

START_TEST(a_new_one_is_empty)
{
	struct peers p;
	struct peer *peer;

	peers_init(&p, graves_new());
	peer = peers_add(&p, "node-1");
	ck_assert_ptr_nonnull(peer);
	ck_assert_ptr_eq(peers_find(&p, "node-1"), peer);
	ck_assert_ptr_null(peers_find(&p, "node-10"));
	ck_assert_ptr_null(peers_find(&p, "node-"));
	ck_assert_ptr_null(peer->current);
	ck_assert(LIST_EMPTY(&peer->sessions));
	ck_assert_uint_eq(peer->addr.family, 0);
	peers_remove(&p, peer);
	ck_assert_ptr_null(peers_find(&p, "node-1"));
	ck_assert_uint_eq(p.n, 0);
	peers_fini(&p);
	graves_free();
}
END_TEST

START_TEST(the_longest_id_fits)
{
	char longest[CONTROL_ID_MAX + 1] = "";
	struct peers p;

	memset(longest, 'x', CONTROL_ID_MAX);
	peers_init(&p, graves_new());
	ck_assert_str_eq(peers_add(&p, longest)->id, longest);
	ck_assert_ptr_nonnull(peers_find(&p, longest));
	longest[CONTROL_ID_MAX - 1] = 'y';
	ck_assert_ptr_null(peers_find(&p, longest));
	peers_remove(&p, peers_next(&p, NULL));
	peers_fini(&p);
	graves_free();
}
END_TEST

START_TEST(it_grows_and_shrinks)
{
	static bool there[MANY];
	struct dice d = dice_new(1);
	struct peers p;

	peers_init(&p, graves_new());
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_ptr_nonnull(peers_add(&p, id(i)));
		there[i] = true;
		if (i % 2000 == 999)
			check_walk(&p, there, MANY);
	}
	ck_assert_uint_le(p.n, 4 * p.nbuckets);
	for (unsigned i = 0; i < MANY; i++)
		ck_assert_str_eq(peers_find(&p, id(i))->id, id(i));
	while (p.n > 0) {
		unsigned i = (unsigned) dice_below(&d, MANY);
		struct peer *peer = peers_find(&p, id(i));

		ck_assert_int_eq(peer != NULL, there[i]);
		if (peer != NULL)
			peers_remove(&p, peer);
		there[i] = false;
		if (peer != NULL && p.n % 2000 == 0)
			check_walk(&p, there, MANY);
	}
	peers_fini(&p);
	graves_free();
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("peers");

	tcase_add_test(tc, none_at_first);
	tcase_add_test(tc, a_new_one_is_empty);
	tcase_add_test(tc, the_longest_id_fits);
	tcase_add_test(tc, it_grows_and_shrinks);
	return kit_run("tunneld/peers", tc);
}
