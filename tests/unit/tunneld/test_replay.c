/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/replay.h"

#include <check.h>
#include <stddef.h>

#include "tests/unit/dice.h"
#include "tests/unit/kit.h"

#define W ((uint64_t) REPLAY_WINDOW)
#define RING ((uint64_t) REPLAY_WORDS * 64)

static void
accept(struct replay *r, uint64_t seq)
{
	ck_assert_msg(replay_fresh(r, seq), "%llu", (unsigned long long) seq);
	replay_accept(r, seq);
	ck_assert(!replay_fresh(r, seq));
}

/* --- one question each, after up to four accepted numbers ------------------------------------- */

static const struct {
	uint64_t accepted[4];	/* up to the first 0 */
	uint64_t asked;
	bool fresh;
} rows[] = {
	{ { 0 }, 0, false },				/* never a sequence number */
	{ { 0 }, 1, true },
	{ { 0 }, UINT64_MAX, true },
	{ { 1 }, 0, false },
	{ { 1 }, 2, true },
	{ { 2 }, 1, true },				/* in the wrong order */
	{ { 2, 1 }, 1, false },
	{ { 2, 1 }, 3, true },
	{ { W }, 1, true },				/* the oldest in the window */
	{ { W + 1 }, 1, false },			/* just behind it */
	{ { W + 1 }, 2, true },
	{ { 100000 }, 100000 - W + 1, true },
	{ { 100000 }, 100000 - W, false },
	{ { 100000 }, 99999, true },
	{ { 100000, 99999 }, 99999, false },
	{ { 63, 64 }, 63, false },			/* across a word */
	{ { 63, 64 }, 65, true },
	{ { RING, 2 * RING }, RING, false },		/* a whole turn: the same bit */
	{ { 5, 5 + RING }, 5 + RING - 1, true },
	{ { 5, 5 + RING }, 6 + RING, true },
	{ { 5, 5 + 64 }, 5, false },			/* the next word is cleared, not this one */
	{ { 5, 5 + W - 1 }, 5, false },
	{ { 5, 4 + W }, 6, true },
	{ { 1, 10 * RING }, 10 * RING - W + 1, true },	/* far over the ring: all is cleared */
	{ { 1, 10 * RING + 1 }, 10 * RING, true },
	{ { 0xffffffff, 0x100000000 }, 0xffffffff, false },
	{ { 0xffffffff, 0x100000001 }, 0x100000000, true },
	{ { UINT64_MAX }, UINT64_MAX, false },
	{ { UINT64_MAX }, UINT64_MAX - 1, true },
	{ { UINT64_MAX }, 1, false },
};

START_TEST(the_window_has_its_edges)
{
	struct replay r = { 0 };

	for (unsigned i = 0; i < 4 && rows[_i].accepted[i] != 0; i++)
		accept(&r, rows[_i].accepted[i]);
	ck_assert_int_eq(replay_fresh(&r, rows[_i].asked), rows[_i].fresh);
}
END_TEST

START_TEST(asking_changes_nothing)
{
	struct replay r = { 0 }, before;

	accept(&r, 1000);
	before = r;
	ck_assert(replay_fresh(&r, 1 << 30));
	ck_assert(!replay_fresh(&r, 1000));
	ck_assert_mem_eq(&r, &before, sizeof(r));
}
END_TEST

START_TEST(every_number_once_in_order_and_backwards)
{
	struct replay r = { 0 };
	unsigned fresh = 0;

	for (uint64_t seq = 1; seq <= 3 * RING; seq++)
		accept(&r, seq);
	for (uint64_t seq = 3 * RING + W; seq > 3 * RING; seq--)
		accept(&r, seq);
	for (uint64_t seq = 1; seq <= 3 * RING + W; seq++)
		fresh += replay_fresh(&r, seq);
	ck_assert_uint_eq(fresh, 0);
}
END_TEST

/* --- against a list of all that was accepted -------------------------------------------------- */

#define STEPS 6000

struct model {
	uint64_t seen[STEPS], top;
	size_t n;
};

static bool
model_fresh(const struct model *m, uint64_t seq)
{
	if (seq == 0 || (seq <= m->top && m->top - seq >= W))
		return false;
	for (size_t i = m->n; i-- > 0;) {
		if (m->seen[i] == seq)
			return false;
	}
	return true;
}

/* Mostly near the top; at times at the window's end, at times far ahead. */
static uint64_t
pick(struct dice *d, uint64_t top)
{
	static const unsigned reach[] = { 4, 64, 65, W, RING, RING + 1, 3 * RING };
	uint64_t off = dice_below(d, reach[dice_below(d, sizeof(reach) / sizeof(reach[0]))]);

	switch (dice_below(d, 16)) {
	case 0:
		return top + off + dice_below(d, 2) * ((uint64_t) 1 << 32);
	case 1:
		return top - W + dice_below(d, 3) - 1;
	case 2:
	case 3:
	case 4:
		return top + dice_below(d, 3);
	default:
		return off > top ? off : top - off;
	}
}

START_TEST(it_is_a_list_with_a_window)
{
	static struct model m;
	struct dice d = dice_new((uint64_t) _i);
	struct replay r = { 0 };

	m.n = m.top = 0;
	for (unsigned i = 0; i < STEPS; i++) {
		uint64_t seq = pick(&d, m.top);
		bool fresh = model_fresh(&m, seq);

		ck_assert_msg(replay_fresh(&r, seq) == fresh, "step %u: %llu, top %llu", i,
		    (unsigned long long) seq, (unsigned long long) m.top);
		if (!fresh || dice_below(&d, 8) == 0)
			continue;	/* not authentic: it must not count */
		replay_accept(&r, seq);
		m.seen[m.n++] = seq;
		m.top = seq > m.top ? seq : m.top;
		ck_assert_uint_eq(r.top, m.top);
	}
	ck_assert_uint_gt(m.n, STEPS / 10);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("replay");

	KIT_ROWS(tc, the_window_has_its_edges, rows);
	tcase_add_test(tc, asking_changes_nothing);
	tcase_add_test(tc, every_number_once_in_order_and_backwards);
	tcase_add_loop_test(tc, it_is_a_list_with_a_window, 1, 6);
	return kit_run("tunneld/replay", tc);
}
