/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_NETCFG_TALK_H
#define TUNNELD_NETCFG_TALK_H

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ip.h"

/*
 * Requests and answers of rtnetlink(7), and their attributes: what netcfg.c and netcfg_route.c are
 * made of, and nobody else uses. One request at a time, blocking.
 */
#define NETCFG_BUF_SIZE 16384	/* a dump's part (MNL_SOCKET_DUMP_SIZE) fits twice */

struct netcfg {
	struct mnl_socket *sock;
	unsigned seq;			/* of the last request */
	char buf[NETCFG_BUF_SIZE];	/* the request, then its answer */
};

/* A request with its fixed header, in n->buf; the caller adds attributes. */
struct nlmsghdr *netcfg_begin(struct netcfg *n, uint16_t type, uint16_t flags, const void *header,
    size_t header_len);

/*
 * Sends the request and hands each message of the answer to take (may be NULL). 0, the kernel's
 * negative errno, or -EINTR: a table has changed while it was dumped, so that take has seen neither
 * the old nor the new one. A request that has failed half way does not disturb the next.
 */
int netcfg_talk(struct netcfg *n, const struct nlmsghdr *nlh, mnl_cb_t take, void *arg);

/*
 * Hands a whole table of one family to take, entry by entry. When it changes meanwhile all begins
 * anew, after `forget`; -EINTR when it does so for ever.
 */
int netcfg_dump(struct netcfg *n, uint16_t type, uint8_t family, void (*forget)(void *arg),
    mnl_cb_t take, void *arg);

#define NETCFG_ATTRS 32		/* the IFLA_, IFA_ and RTA_ numbers that are asked for are below */

struct netcfg_attrs {
	const struct nlattr *by_type[NETCFG_ATTRS];	/* NULL: not there */
};

/* Those behind a header of that length. They point into the message. */
struct netcfg_attrs netcfg_attrs(const struct nlmsghdr *nlh, size_t header_len);

/* Those of a piece of `len` bytes. */
struct netcfg_attrs netcfg_attrs_in(const void *piece, size_t len);

void netcfg_put_addr(struct nlmsghdr *nlh, uint16_t attr, const struct ip_addr *addr);

#endif
