/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/memory_rows.h"

#include <errno.h>
#include <string.h>

/* Bootstrap tokens and kept addresses in arrays, in order of rows. */

/* --- tokens ----------------------------------------------------------------------------------- */

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

int
memory_token_by_label(struct store *st, const char *label, struct store_token *out)
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->ntokens; i++) {
		if (strcmp(r->tokens[i].label, label) == 0) {
			*out = r->tokens[i];
			return 0;
		}
	}
	return -ENOENT;
}

int
memory_token_list(struct store *st, int64_t net, int64_t after, struct store_token *out,
    size_t max)
{
	struct memory_rows *r = memory_rows(st);
	size_t n = 0;

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->ntokens && n < max; i++) {
		if (r->tokens[i].row > after && (net == 0 || r->tokens[i].net == net))
			out[n++] = r->tokens[i];
	}
	return (int) n;
}

int
memory_token_add(struct store *st, struct store_token *t)
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->ntokens; i++) {
		if (strcmp(r->tokens[i].label, t->label) == 0 ||
		    memcmp(r->tokens[i].hash, t->hash, SECRET_HASH_LEN) == 0)
			return -EEXIST;
	}
	assert(r->ntokens < MEMORY_TOKENS_MAX);
	t->row = ++r->row;
	r->tokens[r->ntokens++] = *t;
	return 0;
}

/* Its place, or ntokens. */
static size_t
find_token(const struct memory_rows *r, int64_t row)
{
	size_t i = 0;

	while (i < r->ntokens && r->tokens[i].row != row)
		i++;
	return i;
}

int
memory_token_use(struct store *st, int64_t row)
{
	struct memory_rows *r = memory_rows(st);
	size_t i = find_token(r, row);

	MEMORY_TRIP(st);
	if (i == r->ntokens || r->tokens[i].uses_left == 0)
		return -ESTALE;
	r->tokens[i].uses_left--;
	return 0;
}

int
memory_token_delete(struct store *st, int64_t row)
{
	struct memory_rows *r = memory_rows(st);
	size_t i = find_token(r, row);

	MEMORY_TRIP(st);
	for (size_t k = 0; k < r->nholds; k++)
		assert(r->holds[k].token != row);
	if (i == r->ntokens)
		return -ESTALE;
	MEMORY_REMOVE(r->tokens, &r->ntokens, i);
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
memory_tokens_expired(struct store *st, int64_t now_s, struct store_token *out, size_t max)
{
	struct memory_rows *r = memory_rows(st);
	size_t n = 0;

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->ntokens && n < max; i++) {
		if (r->tokens[i].expire_s <= now_s)
			out[n++] = r->tokens[i];
	}
	return (int) n;
}

/* --- kept addresses --------------------------------------------------------------------------- */

static bool
holds_like(const struct store_hold *h, enum store_hold_by by, const struct store_hold *like)
{
	switch (by) {
	case HOLD_BY_ADDR:
		return h->net == like->net && ip_equal(&h->addr, &like->addr);
	case HOLD_BY_NAME:
		return h->net == like->net && h->name[0] != '\0' &&
		    strcmp(h->name, like->name) == 0;
	default:
		return h->token != 0 && h->token == like->token;
	}
}

int
memory_hold_find(struct store *st, enum store_hold_by by, const struct store_hold *like,
    struct store_hold *out)
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nholds; i++) {
		if (holds_like(&r->holds[i], by, like)) {
			*out = r->holds[i];
			return 0;
		}
	}
	return -ENOENT;
}

int
memory_hold_add(struct store *st, struct store_hold *h)
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nholds; i++) {
		if (holds_like(&r->holds[i], HOLD_BY_ADDR, h) ||
		    holds_like(&r->holds[i], HOLD_BY_NAME, h) ||
		    holds_like(&r->holds[i], HOLD_BY_TOKEN, h))
			return -EEXIST;
	}
	assert(r->nholds < MEMORY_HOLDS_MAX);
	h->row = ++r->row;
	r->holds[r->nholds++] = *h;
	return 0;
}

int
memory_hold_delete(struct store *st, int64_t row)
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nholds; i++) {
		if (r->holds[i].row == row) {
			MEMORY_REMOVE(r->holds, &r->nholds, i);
			return 0;
		}
	}
	return -ESTALE;
}

int
memory_hold_list(struct store *st, int64_t net, int64_t after, struct store_hold *out, size_t max)
{
	struct memory_rows *r = memory_rows(st);
	size_t n = 0;

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nholds && n < max; i++) {
		if (r->holds[i].net == net && r->holds[i].row > after)
			out[n++] = r->holds[i];
	}
	return (int) n;
}

int
memory_holds_expired(struct store *st, int64_t now_s, struct store_hold *out, size_t max)
{
	struct memory_rows *r = memory_rows(st);
	size_t n = 0;

	MEMORY_TRIP(st);
	for (size_t i = 0; i < r->nholds && n < max; i++) {
		if (r->holds[i].until_s > 0 && r->holds[i].until_s <= now_s)
			out[n++] = r->holds[i];
	}
	return (int) n;
}

int
memory_hold_counts(struct store *st, int64_t net, uint64_t out[HOLD_REST + 1])
{
	struct memory_rows *r = memory_rows(st);

	MEMORY_TRIP(st);
	memset(out, 0, (HOLD_REST + 1) * sizeof(out[0]));
	for (size_t i = 0; i < r->nholds; i++)
		out[r->holds[i].kind] += r->holds[i].net == net;
	return 0;
}
