/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_LISTEN_H
#define LV_CTLD_LISTEN_H

#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/err.h"
#include "daemons/ctld/grpc.h"

/* The sockets that listen, made before the sandbox: afterwards the front can make none. */

#define LISTEN_MAX 16	/* two ports on each configured address, and the administrator's socket */

struct listening {
	struct {
		enum listener from;
		int fd;
	} list[LISTEN_MAX];
	size_t n;
};

/*
 * addrs: struct ip_addr; none: all addresses of this host, IPv4 and IPv6. As root, for low ports.
 * Errors name the address.
 */
int listen_tcp(struct listening *l, enum listener from, const struct conf_list *addrs,
    uint16_t port, struct err *e);

/* One that is of no listener: *fd_out is the caller's. */
int listen_address(const struct ip_addr *addr, uint16_t port, int *fd_out, struct err *e);

/*
 * As the user that is to own it. Takes the place of a socket that a dead ctld has left;
 * -EADDRINUSE when a living one listens there. Everybody may connect: the directory is the guard.
 */
int listen_unix(struct listening *l, enum listener from, const char *path, struct err *e);

void listen_close(struct listening *l);

#endif
