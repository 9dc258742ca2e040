/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/memory_rows.h"

#include <errno.h>
#include <string.h>

/* Events, answers, what is forgotten of them, and the counter: in arrays. */

/* --- events ----------------------------------------------------------------------------------- */

static void
append_event(struct memory_rows *r, struct store_event *e)
{
	e->revision = r->nevents == 0 ? 1 : r->events[r->nevents - 1].revision + 1;
	if (r->nevents == MEMORY_EVENTS_MAX)
		memmove(r->events, r->events + 1, --r->nevents * sizeof(*e));
	r->events[r->nevents++] = *e;
}

void
memory_append_lost(struct memory_rows *r, const struct store_node *n, int64_t now_s)
{
	struct store_event e = { .kind = EVENT_LOST, .time_s = now_s, .addr = n->addr,
		.detail = "unannounced" };

	for (size_t i = 0; i < r->nnetworks; i++) {
		if (r->networks[i].id == n->net)
			memcpy(e.network, r->networks[i].name, sizeof(e.network));
	}
	memcpy(e.node, n->id, sizeof(e.node));
	append_event(r, &e);
}

int
memory_event_add(struct store *st, struct store_event *e)
{
	MEMORY_TRIP(st);
	append_event(memory_rows(st), e);
	return 0;
}

int
memory_event_list(struct store *st, uint64_t after, struct store_event *out, size_t max)
{
	struct memory_rows *r = memory_rows(st);
	size_t n = 0;

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nevents && n < max; i++) {
		if (r->events[i].revision > after)
			out[n++] = r->events[i];
	}
	return (int) n;
}

int
memory_event_span(struct store *st, struct store_event_span *out)
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	*out = (struct store_event_span){ 0 };
	if (r->nevents > 0)
		*out = (struct store_event_span){ r->events[0].revision,
			r->events[r->nevents - 1].revision };
	return 0;
}

int
memory_event_trim(struct store *st, uint64_t before)
{
	struct memory_rows *r = memory_rows(st);
	size_t n = 0;

	MEMORY_TRIP(st);
	while (n + 1 < r->nevents && r->events[n].revision < before)
		n++;
	memmove(r->events, r->events + n, (r->nevents - n) * sizeof(r->events[0]));
	r->nevents -= n;
	return 0;
}

/* --- answers and forgetting ------------------------------------------------------------------- */

int
memory_reply_by_digest(struct store *st, const uint8_t digest[SECRET_HASH_LEN],
    struct store_reply *out)
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nreplies; i++) {
		if (memcmp(r->replies[i].digest, digest, SECRET_HASH_LEN) == 0) {
			*out = r->replies[i];
			return 0;
		}
	}
	return -ENOENT;
}

int
memory_reply_add(struct store *st, const struct store_reply *reply)
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nreplies; i++) {
		if (memcmp(r->replies[i].digest, reply->digest, SECRET_HASH_LEN) == 0)
			return -EEXIST;
	}
	if (r->nreplies == MEMORY_REPLIES_MAX)
		MEMORY_REMOVE(r->replies, &r->nreplies, 0);
	r->replies[r->nreplies++] = *reply;
	return 0;
}

static int64_t
time_of(const struct memory_rows *r, enum store_log which, size_t i)
{
	return which == STORE_TOMBSTONES ? r->tombstones[i].t.time_s : r->replies[i].time_s;
}

static void
forget(struct memory_rows *r, enum store_log which, size_t i)
{
	if (which == STORE_TOMBSTONES)
		MEMORY_REMOVE(r->tombstones, &r->ntombstones, i);
	else
		MEMORY_REMOVE(r->replies, &r->nreplies, i);
}

int
memory_forget(struct store *st, enum store_log which, int64_t before_s, uint64_t keep, size_t max)
{
	struct memory_rows *r = memory_rows(st);
	size_t *n = which == STORE_TOMBSTONES ? &r->ntombstones : &r->nreplies;
	size_t i = 0, gone = 0;

	MEMORY_TRIP(st);
	for (size_t looked_at = 0; looked_at < max && i < *n; looked_at++) {
		if (time_of(r, which, i) >= before_s) {
			i++;
			continue;
		}
		forget(r, which, i);
		gone++;
	}
	for (size_t more = 0; more < max && *n > keep; more++, gone++)
		forget(r, which, 0);
	return (int) gone;
}

/* --- the counter ------------------------------------------------------------------------------ */

int
memory_boot(struct store *st, uint32_t at_least, uint32_t *boot_out)
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	r->boot = (r->boot > at_least ? r->boot : at_least) + 1;
	*boot_out = r->boot;
	return 0;
}

