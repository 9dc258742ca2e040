/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/mtu.h"

#include <stddef.h>

#include "daemons/tunneld/esp.h"

#define IPV4_UDP (20 + 8)
#define ALIGN 4		/* of ESP's payload: lengths between are padded and make no difference */
#define PAD_MIN 2	/* pad length, next header */

/* The longest inner length whose ESP packet is not longer than that of `len`'s. */
static unsigned
fill(unsigned len)
{
	return (len + PAD_MIN) / ALIGN * ALIGN - PAD_MIN;
}

unsigned
mtu_inside(unsigned outer)
{
	const unsigned around = IPV4_UDP + ESP_HEAD + AEAD_TAG_LEN;
	unsigned inner = outer < around + MTU_LEAST ? MTU_LEAST : outer - around - PAD_MIN;

	return fill(inner > MTU_MOST ? MTU_MOST : inner);
}

unsigned
mtu_of(unsigned fit, bool ipv6)
{
	unsigned least = ipv6 ? MTU_LEAST_IPV6 : MTU_LEAST_IPV4;

	return fit < least ? least : fit;
}

static void
search(struct mtu *m, unsigned passed, unsigned failed, int64_t now_us)
{
	if (m->top == 0)
		return;
	m->state = MTU_SEARCH;
	m->passed = passed;
	m->failed = failed;
	m->nonce = 0;
	m->asked = 0;
	m->due_us = now_us;
}

void
mtu_init(struct mtu *m, unsigned top, int64_t now_us)
{
	*m = (struct mtu){ .top = top };
	search(m, MTU_LEAST, top + 1, now_us);
}

void
mtu_inherit(struct mtu *m, const struct mtu *from, int64_t now_us)
{
	if (m->top == 0 || from->fit == 0 || from->top != m->top)
		return;
	m->fit = from->fit;
	m->raise_us = from->raise_us;
	m->state = MTU_REST;
	mtu_suspect(m, now_us);
}

void
mtu_moved(struct mtu *m, int64_t now_us)
{
	search(m, MTU_LEAST, m->top + 1, now_us);
}

void
mtu_suspect(struct mtu *m, int64_t now_us)
{
	int64_t first_us = m->rested_us + MTU_DOUBT_US;

	if (m->state != MTU_REST || m->fit == 0)
		return;
	if (now_us < first_us) {	/* not again so soon; but it is not forgotten */
		m->in_use = true;
		m->due_us = m->due_us < first_us ? m->due_us : first_us;
		return;
	}
	m->state = MTU_CONFIRM;
	m->asked = m->fit;
	m->tries = 0;
	m->nonce = 0;
	m->due_us = now_us;
}

int64_t
mtu_due(const struct mtu *m)
{
	return m->top == 0 ? INT64_MAX : m->due_us;
}

/* The next length of a search: all at first, later the middle. 0: there is none left. */
static unsigned
next_length(const struct mtu *m)
{
	unsigned middle = fill(m->passed + (m->failed - m->passed) / 2);

	if (m->failed > m->top)
		return m->top > m->passed ? m->top : 0;
	if (middle <= m->passed)
		middle += ALIGN;
	return middle < m->failed ? middle : 0;
}

static bool
rest(struct mtu *m, unsigned fit, int64_t now_us)
{
	bool changed = fit != m->fit;

	if (m->state == MTU_SEARCH)
		m->raise_us = now_us + MTU_RAISE_US;
	m->fit = fit;
	m->state = MTU_REST;
	m->asked = 0;
	m->rested_us = now_us;
	m->due_us = now_us + MTU_CHECK_US;
	return changed;
}

/* Is anything to be asked for, after a rest? */
static void
end_rest(struct mtu *m, int64_t now_us)
{
	m->due_us = now_us + MTU_CHECK_US;
	if (now_us >= m->raise_us)
		search(m, m->fit, m->top + 1, now_us);
	else if (m->in_use)
		mtu_suspect(m, now_us);
	m->in_use = false;
}

/* The next question of a search, or its end. True when `fit` has changed. */
static bool
go_on(struct mtu *m, int64_t now_us)
{
	m->asked = next_length(m);
	m->tries = 0;
	return m->asked == 0 && rest(m, m->passed, now_us);
}

/* It does not pass. */
static bool
give_up(struct mtu *m, int64_t now_us)
{
	if (m->state == MTU_CONFIRM)
		search(m, MTU_LEAST, m->asked, now_us);
	else
		m->failed = m->asked;
	return go_on(m, now_us);
}

bool
mtu_tick(struct mtu *m, uint64_t nonce, int64_t now_us, unsigned *ask_out)
{
	bool changed = false;

	*ask_out = 0;
	if (now_us < mtu_due(m))
		return false;
	if (m->state == MTU_REST)
		end_rest(m, now_us);
	if (m->state == MTU_SEARCH && m->asked == 0)
		changed = go_on(m, now_us);
	else if (m->nonce != 0 && m->tries >= MTU_TRIES)
		changed = give_up(m, now_us);
	m->nonce = 0;
	if (m->asked == 0)
		return changed;
	m->tries++;
	m->nonce = nonce;
	m->due_us = now_us + (m->patience_us > MTU_PACE_US ? m->patience_us : MTU_PACE_US);
	*ask_out = m->asked;
	return changed;
}

bool
mtu_refused(struct mtu *m, int64_t now_us, unsigned *ask_out)
{
	const struct mtu before = *m;
	bool changed = give_up(m, now_us);

	*ask_out = m->asked;
	m->nonce = 0;
	if (m->asked != 0) {	/* a question like the one that did not go out */
		m->nonce = before.nonce;
		m->due_us = before.due_us;
		m->tries = 1;
	}
	return changed;
}

bool
mtu_answered(struct mtu *m, uint64_t nonce, int64_t now_us)
{
	int64_t pace_us = now_us + MTU_PACE_US;

	if (nonce == 0 || nonce != m->nonce)
		return false;
	m->nonce = 0;
	m->due_us = m->due_us < pace_us ? m->due_us : pace_us;
	if (m->state == MTU_CONFIRM)
		return rest(m, m->asked, now_us);
	m->passed = m->asked;
	return go_on(m, now_us);
}
