/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_GUESTS_H
#define LV_CTLD_GUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/ip.h"

/*
 * The connections of a listener, so that none of its callers takes all the room. gRPC closes them
 * without a word: which ones are gone is found out when room is needed. Pure.
 */

/* Who connects: an IPv4 address, an IPv6 /64 (what one machine can choose from), or a user. */
struct guest_source {
	uint8_t kind;	/* AF_INET, AF_INET6, AF_UNIX */
	uint8_t bytes[8];
};

struct guest_source guests_source_ip(const struct ip_addr *addr);
struct guest_source guests_source_uid(uid_t uid);

/* A descriptor by its number and its inode: the number alone is given out again. */
struct guest_id {
	int fd;
	uint64_t inode;
};

struct guests;

/* is_gone: whether that descriptor is closed by now. */
struct guests *guests_new(size_t total_max, size_t source_max, bool (*is_gone)(struct guest_id id));
void guests_free(struct guests *g);	/* NULL is fine */

/* Takes the connection into the table. Returns 0, -EUSERS: its source, -ENOSPC: all have too many. */
int guests_admit(struct guests *g, const struct guest_source *source, struct guest_id id,
    int64_t now_ms);

#endif
