/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/pool.h"

#include <errno.h>
#include <stdlib.h>

#include "common/reason.h"

#define LEVELS 4
#define WORD 64
#define FULL UINT64_MAX

/*
 * A bit of level[0] is set when its address is taken or barred, or lies past the end; a bit of
 * level[k + 1] when its word of level[k] is FULL. `barred` bits never change after pool_new, and
 * used counts the set bits of level[0] that are not barred.
 */
struct pool {
	struct ip_prefix net;
	uint64_t n;		/* addresses by index: 0 .. n - 1 */
	uint64_t size, used;
	uint64_t *barred;
	uint64_t *level[LEVELS];
};

static bool
bit_get(const uint64_t *words, uint64_t i)
{
	return (words[i / WORD] >> i % WORD & 1) != 0;
}

static void
bit_set(uint64_t *words, uint64_t i)
{
	words[i / WORD] |= UINT64_C(1) << i % WORD;
}

static void
take(struct pool *p, uint64_t i)
{
	for (unsigned k = 0; k < LEVELS; k++) {
		bit_set(p->level[k], i);
		if (p->level[k][i / WORD] != FULL)
			break;
		i /= WORD;
	}
}

static void
release(struct pool *p, uint64_t i)
{
	for (unsigned k = 0; k < LEVELS; k++) {
		p->level[k][i / WORD] &= ~(UINT64_C(1) << i % WORD);
		i /= WORD;
	}
}

static void
bar(struct pool *p, uint64_t from, uint64_t n)
{
	for (uint64_t i = from; i < p->n && i - from < n; i++) {
		if (bit_get(p->barred, i))
			continue;
		bit_set(p->barred, i);
		take(p, i);
		p->size--;
	}
}

static void
bar_prefix(struct pool *p, const struct ip_prefix *x)
{
	struct ip_addr first = ip_prefix_network(x).addr;

	if (!ip_prefix_overlap(&p->net, x))
		return;
	if (x->len <= p->net.len)
		bar(p, 0, p->n);
	else
		bar(p, ip_prefix_index(&p->net, &first), UINT64_C(1) << (ip_bits(&first) - x->len));
}

/*
 * Zeroed memory costs nothing until it is written to, even for 2^24 addresses (2 MiB a bitmap):
 * that is how an IPv6 pool grows with its use.
 */
static int
make_levels(struct pool *p)
{
	uint64_t bits = p->n;

	for (unsigned k = 0; k < LEVELS; k++) {
		uint64_t words = (bits + WORD - 1) / WORD;

		if ((p->level[k] = calloc(words, sizeof(uint64_t))) == NULL)
			return -ENOMEM;
		for (uint64_t i = bits; i < words * WORD; i++)
			bit_set(p->level[k], i);
		bits = words;
	}
	p->barred = calloc((p->n + WORD - 1) / WORD, sizeof(uint64_t));
	return p->barred == NULL ? -ENOMEM : 0;
}

int
pool_new(const struct ip_prefix *server, const struct ip_prefix *exclude, size_t nexclude,
    struct pool **out)
{
	bool v4 = server->addr.family == AF_INET;
	unsigned host_bits = ip_bits(&server->addr) - server->len;
	struct pool *p;

	if (server->addr.family == 0 || (v4 ? server->len < 8 || server->len > 30
	                                    : server->len < 64 || server->len > 112))
		return -EINVAL;
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return -ENOMEM;
	p->net = ip_prefix_network(server);
	p->n = host_bits >= 24 ? POOL_INDICES_MAX : UINT64_C(1) << host_bits;
	p->size = p->n;
	if (make_levels(p) < 0) {
		pool_free(p);
		return -ENOMEM;
	}
	bar(p, 0, 1);
	bar(p, ip_prefix_index(&p->net, &server->addr), 1);
	if (v4)
		bar(p, p->n - 1, 1);
	for (size_t i = 0; i < nexclude; i++)
		bar_prefix(p, &exclude[i]);
	*out = p;
	return 0;
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	for (unsigned k = 0; k < LEVELS; k++)
		free(p->level[k]);
	free(p->barred);
	free(p);
}

/* The index of an address that a node can have, or -1. */
static int64_t
find(const struct pool *p, const struct ip_addr *addr)
{
	uint64_t i;

	if (!ip_prefix_contains(&p->net, addr))
		return -1;
	i = ip_prefix_index(&p->net, addr);
	return i < p->n && !bit_get(p->barred, i) ? (int64_t) i : -1;
}

bool
pool_usable(const struct pool *p, const struct ip_addr *addr)
{
	return find(p, addr) >= 0;
}

bool
pool_taken(const struct pool *p, const struct ip_addr *addr)
{
	int64_t i = find(p, addr);

	return i >= 0 && bit_get(p->level[0], (uint64_t) i);
}

int
pool_next(const struct pool *p, struct ip_addr *out)
{
	uint64_t i = 0;

	if (p->level[LEVELS - 1][0] == FULL)
		return -REASON_POOL_EXHAUSTED;
	for (unsigned k = LEVELS; k-- > 0;)
		i = i * WORD + (unsigned) __builtin_ctzll(~p->level[k][i]);
	*out = ip_prefix_at(&p->net, i);
	return 0;
}

bool
pool_mark(struct pool *p, const struct ip_addr *addr)
{
	int64_t i = find(p, addr);

	if (i < 0 || bit_get(p->level[0], (uint64_t) i))
		return false;
	take(p, (uint64_t) i);
	p->used++;
	return true;
}

bool
pool_unmark(struct pool *p, const struct ip_addr *addr)
{
	int64_t i = find(p, addr);

	if (i < 0 || !bit_get(p->level[0], (uint64_t) i))
		return false;
	release(p, (uint64_t) i);
	p->used--;
	return true;
}

bool
pool_ends(const struct pool *p, struct ip_addr *first_out, struct ip_addr *last_out)
{
	uint64_t first = 0, last = p->n;

	if (p->size == 0)
		return false;
	while (bit_get(p->barred, first))
		first++;
	while (bit_get(p->barred, last - 1))
		last--;
	*first_out = ip_prefix_at(&p->net, first);
	*last_out = ip_prefix_at(&p->net, last - 1);
	return true;
}

uint64_t
pool_size(const struct pool *p)
{
	return p->size;
}

uint64_t
pool_used(const struct pool *p)
{
	return p->used;
}
