/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/memory_rows.h"

#include <check.h>
#include <errno.h>
#include <string.h>

/* Tokens, promises and events, likewise. */

/* --- tokens ----------------------------------------------------------------------------------- */

static bool
has_promise(const struct store_token *t)
{
	return t->addr.family != 0 && t->uses_left > 0;
}

int
memory_promises(struct store *st, int64_t net, int64_t after, struct store_binding *out, size_t max)
{
	struct memory_rows *r = memory_rows(st);
	size_t n = 0;

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->ntokens && n < max; i++) {
		const struct store_token *t = &r->tokens[i];

		if (t->net == net && t->row > after && has_promise(t))
			out[n++] = (struct store_binding){ t->row, net, t->addr, false };
	}
	return (int) n;
}

int
memory_token_by_hash(struct store *st, const uint8_t hash[SECRET_HASH_LEN], struct store_token *out)
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->ntokens; i++) {
		if (memcmp(r->tokens[i].hash, hash, SECRET_HASH_LEN) == 0) {
			*out = r->tokens[i];
			return 0;
		}
	}
	return -ENOENT;
}

static int
find_promise(struct memory_rows *r, int64_t net, const struct ip_addr *addr,
    struct store_token *out)
{
	for (size_t i = 0; i < r->ntokens; i++) {
		const struct store_token *t = &r->tokens[i];

		if (t->net == net && has_promise(t) && ip_equal(&t->addr, addr)) {
			*out = *t;
			return 0;
		}
	}
	return -ENOENT;
}

int
memory_token_by_promise(struct store *st, int64_t net, const struct ip_addr *addr,
    struct store_token *out)
{
	MEMORY_TRIP(st);
	return find_promise(memory_rows(st), net, addr, out);
}

int
memory_token_add(struct store *st, struct store_token *t)
{
	struct memory_rows *r = memory_rows(st);
	struct store_token other;

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->ntokens; i++) {
		if (strcmp(r->tokens[i].label, t->label) == 0 ||
		    memcmp(r->tokens[i].hash, t->hash, SECRET_HASH_LEN) == 0)
			return -EEXIST;
	}
	if (has_promise(t) && find_promise(r, t->net, &t->addr, &other) == 0)
		return -EEXIST;
	ck_assert_uint_lt(r->ntokens, MEMORY_TOKENS_MAX);
	t->row = ++r->token_row;
	r->tokens[r->ntokens++] = *t;
	return 0;
}

static struct store_token *
find_token(struct store *st, int64_t row)
{
	struct memory_rows *r = memory_rows(st);

	for (size_t i = 0; i < r->ntokens; i++) {
		if (r->tokens[i].row == row)
			return &r->tokens[i];
	}
	return NULL;
}

int
memory_token_use(struct store *st, int64_t row)
{
	struct store_token *t = find_token(st, row);

	MEMORY_TRIP(st);
	if (t == NULL || t->uses_left == 0)
		return -ESTALE;
	t->uses_left--;
	return 0;
}

int
memory_token_delete(struct store *st, int64_t row)
{
	struct memory_rows *r = memory_rows(st);
	struct store_token *t = find_token(st, row);

	MEMORY_TRIP(st);
	if (t == NULL)
		return -ESTALE;
	memmove(t, t + 1, (size_t) (r->tokens + r->ntokens - (t + 1)) * sizeof(*t));
	r->ntokens--;
	return 0;
}

int
memory_token_count(struct store *st, uint64_t *out)
{
	MEMORY_TRIP(st);
	*out = memory_rows(st)->ntokens;
	return 0;
}

int
memory_tokens_expired(struct store *st, int64_t now_s, struct store_binding *out, size_t max)
{
	struct memory_rows *r = memory_rows(st);
	size_t n = 0;

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->ntokens && n < max; i++) {
		const struct store_token *t = &r->tokens[i];
		struct ip_addr none = { 0 };

		if (t->expire_s <= now_s)
			out[n++] = (struct store_binding){ t->row, t->net,
				has_promise(t) ? t->addr : none, false };
	}
	return (int) n;
}

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
		.network = "default", .detail = "unannounced" };

	memcpy(e.node, n->id, sizeof(e.node));
	append_event(r, &e);
}

/* --- events ----------------------------------------------------------------------------------- */

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

int
memory_boot(struct store *st, uint32_t at_least, uint32_t *boot_out)
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	r->boot = (r->boot > at_least ? r->boot : at_least) + 1;
	*boot_out = r->boot;
	return 0;
}

