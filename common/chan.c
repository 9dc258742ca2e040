/* SPDX-License-Identifier: Apache-2.0 */
#include "common/chan.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
chan_pair(int ends_out[2])
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	ends_out[0] = ends[0];
	ends_out[1] = ends[1];
	return 0;
}

int
chan_send(int fd, uint32_t type, const void *body, size_t len, const int *fds, unsigned nfds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * CHAN_FDS_MAX)];
	} control = { 0 };
	struct iovec iov[2] = { { &type, sizeof(type) }, { (void *) body, len } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };

	if (len > CHAN_BODY_MAX || nfds > CHAN_FDS_MAX)
		return -EMSGSIZE;
	if (nfds > 0) {
		struct cmsghdr *cm;

		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(cm), fds, sizeof(int) * nfds);
	}
	while (sendmsg(fd, &mh, MSG_NOSIGNAL) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/* All descriptors that came along, whatever else is wrong with the message. */
static void
take_fds(struct msghdr *mh, struct chan_msg *msg)
{
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm)) {
		size_t n;

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (n > CHAN_FDS_MAX - msg->nfds)
			n = CHAN_FDS_MAX - msg->nfds;
		memcpy(msg->fds + msg->nfds, CMSG_DATA(cm), n * sizeof(int));
		msg->nfds += (unsigned) n;
	}
}

int
chan_recv(int fd, struct chan_msg *msg)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * CHAN_FDS_MAX)];
	} control;
	struct iovec iov[2] = { { &msg->type, sizeof(msg->type) }, { msg->body, CHAN_BODY_MAX } };
	struct msghdr mh = {
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	ssize_t n;

	msg->nfds = 0;
	while ((n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC)) < 0) {
		if (errno == ECONNRESET)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
	take_fds(&mh, msg);
	if (n == 0 && msg->nfds == 0)
		return 0;
	if ((size_t) n < sizeof(msg->type) || (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		chan_msg_close(msg);
		return -EBADMSG;
	}
	msg->len = (size_t) n - sizeof(msg->type);
	return 1;
}

int
chan_wait(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	while ((n = poll(&p, 1, timeout_ms)) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return n == 0 ? -ETIMEDOUT : 0;
}

void
chan_msg_close(struct chan_msg *msg)
{
	for (unsigned i = 0; i < msg->nfds; i++)
		close(msg->fds[i]);
	msg->nfds = 0;
}
