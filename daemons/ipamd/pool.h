/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_POOL_H
#define LV_IPAMD_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ip.h"

/*
 * Which addresses of a network are taken: a bit for each, in words of 64, and above them three more
 * levels whose bits say "the word below is full", so that the first free address is found in four
 * steps whatever the size. The lowest free address is given first.
 *
 * Never given: the network's own address, the server's, IPv4's broadcast address and what is
 * excluded. Of an IPv6 network only the first 2^24 addresses are used.
 *
 * Pure: no clock, no I/O; one thread at a time.
 */
struct pool;

#define POOL_INDICES_MAX (1u << 24)	/* an IPv4 /8, and 64^4: four levels of words */

/*
 * server:  the server's own address with its network; IPv4 /8 to /30, IPv6 /64 to /112
 * exclude: prefixes that are never given; parts outside of the network do no harm
 * Returns 0, -EINVAL for another prefix length, -ENOMEM.
 */
int pool_new(const struct ip_prefix *server, const struct ip_prefix *exclude, size_t nexclude,
    struct pool **out);
void pool_free(struct pool *p);	/* NULL is fine */

/* Can a node have it at all, taken or not? */
bool pool_usable(const struct pool *p, const struct ip_addr *addr);

/* Has somebody got it? False for addresses that are not usable. */
bool pool_taken(const struct pool *p, const struct ip_addr *addr);

/* The lowest free address; it stays free. 0, or -REASON_POOL_EXHAUSTED. */
int pool_next(const struct pool *p, struct ip_addr *out);

/* Takes it, frees it. Returns whether that changed anything; an unusable address never does. */
bool pool_mark(struct pool *p, const struct ip_addr *addr);
bool pool_unmark(struct pool *p, const struct ip_addr *addr);

/* The lowest and the highest usable address. False: there is none. */
bool pool_ends(const struct pool *p, struct ip_addr *first_out, struct ip_addr *last_out);

uint64_t pool_size(const struct pool *p);	/* usable addresses */
uint64_t pool_used(const struct pool *p);	/* taken ones */

#endif
