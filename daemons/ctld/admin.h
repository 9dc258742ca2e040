/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_ADMIN_H
#define LV_CTLD_ADMIN_H

#include "common/err.h"
#include "common/ev.h"

/*
 * The socket of the local administrator: who can open it may do everything, and its directory says
 * who that is. Our own listening socket and not one of gRPC's, which neither says why it failed nor
 * whom it talks to, and stops to listen for good when there are no descriptors for a while.
 */

struct admin;

/*
 * Makes the socket, as its owner and before the sandbox. Takes the place of one that a dead ctld
 * has left; -EADDRINUSE when a living one listens there.
 */
int admin_listen(const char *path, int *fd_out, struct err *e);

/*
 * Hands each connection to `connected`, which owns it. consumes: fd, also on failure.
 * path: is removed at the end; kept, must live as long as the admin.
 */
int admin_new(struct ev *ev, int fd, const char *path, void (*connected)(void *arg, int fd),
    void *arg, struct admin **out, struct err *e);

/* Closes and removes the socket. NULL is fine. */
void admin_free(struct admin *a);

#endif
