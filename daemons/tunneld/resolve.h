/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_RESOLVE_H
#define TUNNELD_RESOLVE_H

#include "common/err.h"
#include "common/ev.h"
#include "common/ip.h"

/*
 * Names to addresses without stopping the data path: getaddrinfo(3) blocks, so it runs in a thread
 * of its own. One answer is waited for at a time.
 */
#define RESOLVE_MAX 8	/* addresses of one name that are tried */

struct resolver;

/* n > 0 addresses, or 0 with `why` in words. On the loop. */
typedef void resolve_fn(void *arg, const struct ip_addr *addrs, unsigned n, const char *why);

int resolver_new(struct ev *ev, struct resolver **out);
void resolver_free(struct resolver *r);	/* waits for nothing; NULL is fine */

/*
 * Looks up host (a name or an address). fn is called once, never from inside. One before it that
 * has not been answered yet is given up; where it was for the same host its answer is this one's.
 * 0, -EBUSY when too many that were given up still hang, or another negative errno.
 */
int resolve(struct resolver *r, const char *host, resolve_fn *fn, void *arg);

#endif
