/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CHAN_H
#define LV_CHAN_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/*
 * A channel between two processes of one daemon: an AF_UNIX SOCK_SEQPACKET socket pair, so that a
 * message arrives whole or not at all, and can carry descriptors (unix(7), SCM_RIGHTS). Who holds
 * the other end is fixed at fork: authority belongs to the channel.
 */

#define CHAN_BODY_MAX (64 * 1024)
#define CHAN_FDS_MAX 96	/* the kernel takes 253 (unix(7)) */

struct chan_msg {
	uint32_t type;
	size_t len;			/* of body */
	unsigned nfds;
	int fds[CHAN_FDS_MAX];		/* CLOEXEC; the receiver owns them */
	uint8_t body[CHAN_BODY_MAX];
};

/* Two ends, CLOEXEC and non-blocking. */
int chan_pair(int ends_out[2]);

/*
 * Sends one message; the descriptors stay the caller's. Returns 0, -EAGAIN when the peer does not
 * read, -EPIPE when it is gone, -EMSGSIZE over the limits.
 */
int chan_send(int fd, uint32_t type, const void *body, size_t len, const int *fds, unsigned nfds);

/*
 * Receives one message into *msg. Returns 1, 0 when the peer has closed, -EAGAIN when nothing is
 * there, -EBADMSG for something that is not a message (its descriptors are closed).
 */
int chan_recv(int fd, struct chan_msg *msg);

/* Waits until a message is there or the peer has gone; -ETIMEDOUT after timeout_ms (-1: never). */
int chan_wait(int fd, int timeout_ms);

/* Closes the descriptors of a message that nobody took. */
void chan_msg_close(struct chan_msg *msg);

#endif
