/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/mail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemons/tunneld/atom.h"
#include "daemons/tunneld/esp.h"

#define LINE 64		/* of the cache: writer and reader do not take it from each other */
#define ALIGN _Alignof(struct mail)

/*
 * Messages lie one behind the other and never round the end: where one does not fit there, what is
 * left is skipped; there is room to say so, for all lengths are multiples of ALIGN.
 * Invariant: tail <= head <= tail + MAIL_RING_BYTES, both counted since the begin; [tail, head) has
 * been written.
 */
struct mail_ring {
	uint64_t head __attribute__((aligned(LINE)));	/* the writer's */
	uint64_t tail __attribute__((aligned(LINE)));	/* the reader's */
	uint8_t bytes[MAIL_RING_BYTES] __attribute__((aligned(LINE)));
};

/* Behind the last message before the end. */
#define SKIP ((enum mail_kind) -1)

static size_t
room_for(size_t len)
{
	return (sizeof(struct mail) + len + ESP_TRAILER + ALIGN - 1) / ALIGN * ALIGN;
}

static struct mail *
at(struct mail_ring *ring, uint64_t place)
{
	return (struct mail *) (void *) (ring->bytes + place % MAIL_RING_BYTES);
}

/* --- writing ----------------------------------------------------------------------------------- */

/* Where `size` bytes can go, or UINT64_MAX. Marks what is skipped. */
static uint64_t
find_room(struct mail_ring *ring, size_t size)
{
	uint64_t head = ring->head, used = head - atom_take(&ring->tail);
	size_t left = MAIL_RING_BYTES - head % MAIL_RING_BYTES;
	size_t skipped = left < size ? left : 0;

	if (used + skipped + size > MAIL_RING_BYTES)
		return UINT64_MAX;
	if (skipped > 0)
		at(ring, head)->kind = SKIP;
	return head + skipped;
}

bool
mail_put(struct mail_room *r, unsigned from, unsigned to, const struct mail *m, const void *bytes)
{
	struct mail_ring *ring = r->boxes[to].from[from];
	size_t size = room_for(m->len);
	uint64_t place = find_room(ring, size);

	if (place == UINT64_MAX)
		return false;
	memcpy(at(ring, place), m, sizeof(*m));
	if (m->len > 0)
		memcpy(at(ring, place)->bytes, bytes, m->len);
	atom_publish(&ring->head, place + size);
	r->unsaid[from] |= 1u << to;
	return true;
}

/*
 * Who finds `called` set leaves it to the wake-up that is on its way: its reader clears it before it
 * looks at the rings.
 */
void
mail_wake(struct mail_room *r, unsigned from)
{
	for (unsigned to = 0; r->unsaid[from] != 0; to++) {
		if ((r->unsaid[from] & 1u << to) == 0)
			continue;
		r->unsaid[from] &= ~(1u << to);
		if (!__atomic_exchange_n(&r->boxes[to].called, true, __ATOMIC_SEQ_CST))
			ev_wake(&r->boxes[to].waker);
	}
}

/* --- reading ----------------------------------------------------------------------------------- */

static void
take_ring(struct mail_ring *ring, void (*each)(void *arg, struct mail *m), void (*done)(void *arg),
    void *arg)
{
	uint64_t tail = ring->tail, head = atom_take(&ring->head);

	if (tail == head)
		return;
	while (tail < head) {
		size_t left = MAIL_RING_BYTES - tail % MAIL_RING_BYTES;
		struct mail *m = at(ring, tail);

		if (m->kind == SKIP) {
			tail += left;
			continue;
		}
		tail += room_for(m->len);
		each(arg, m);
	}
	done(arg);
	atom_publish(&ring->tail, tail);
}

void
mail_take(struct mail_room *r, unsigned who, void (*each)(void *arg, struct mail *m),
    void (*done)(void *arg), void *arg)
{
	struct mail_box *box = &r->boxes[who];

	(void) __atomic_exchange_n(&box->called, false, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < r->n; i++)
		take_ring(box->from[i], each, done, arg);
}

/* --- life -------------------------------------------------------------------------------------- */

int
mail_init(struct mail_room *r, unsigned n)
{
	*r = (struct mail_room){ .n = n };
	r->boxes = calloc(n, sizeof(*r->boxes));
	r->unsaid = calloc(n, sizeof(*r->unsaid));
	if (r->boxes == NULL || r->unsaid == NULL)
		goto fail;
	for (unsigned i = 0; i < n * n; i++) {
		struct mail_ring *ring = aligned_alloc(LINE, sizeof(*ring));

		if (ring == NULL)
			goto fail;
		ring->head = ring->tail = 0;	/* the bytes stay untouched, and cost no memory yet */
		r->boxes[i / n].from[i % n] = ring;
	}
	return 0;
fail:
	mail_fini(r);
	return -ENOMEM;
}

void
mail_fini(struct mail_room *r)
{
	for (unsigned i = 0; r->boxes != NULL && i < r->n; i++) {
		if (r->boxes[i].ev != NULL)
			ev_waker_fini(r->boxes[i].ev, &r->boxes[i].waker);
		for (unsigned k = 0; k < r->n; k++)
			free(r->boxes[i].from[k]);
	}
	free(r->boxes);
	free(r->unsaid);
	*r = (struct mail_room){ .n = 0 };
}

int
mail_open(struct mail_room *r, unsigned who, struct ev *ev, void (*fn)(void *arg, uint32_t events),
    void *arg)
{
	struct mail_box *box = &r->boxes[who];
	int rc;

	if (who >= r->n)
		return -EINVAL;		/* mail_init has failed */
	if ((rc = ev_waker_init(ev, &box->waker, fn, arg)) == 0)
		box->ev = ev;
	return rc;
}
