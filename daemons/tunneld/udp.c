/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define RCVBUF (8 << 20)	/* 2 MB already lose packets in bursts */
#define BACKLOG 1024

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
};

static int
open_bound(const struct ip_addr *addr, uint16_t port, int type, const char *proto, struct err *e)
{
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(addr, port, &ss);
	int fd = socket(addr->family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int off = 0, on = 1;
	struct ip_addr any6 = { .family = AF_INET6 };

	if (fd < 0)
		return err_set(e, -errno, "%s socket: %s", proto, strerror(errno));
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* "::" serves IPv4 as well. */
	if (addr->family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, ip_equal(addr, &any6) ? &off : &on,
		    sizeof(off));
	if (bind(fd, (struct sockaddr *) &ss, len) < 0) {
		int rc = err_set(e, -errno, "%s port %s: %s%s", proto, SOCK_TEXT(&ss),
		    strerror(errno), errno == EADDRINUSE ? " (does another tunneld run?)" : "");

		close(fd);
		return rc;
	}
	return fd;
}

int
udp_open(const struct ip_addr *addr, uint16_t port, struct err *e)
{
	int fd = open_bound(addr, port, SOCK_DGRAM, "UDP", e), on = 1, size = RCVBUF;
	int dont = IP_PMTUDISC_DONT;

	if (fd < 0)
		return fd;
	/* FORCE needs CAP_NET_ADMIN and passes the system's limit; without it take what is given. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	/* A datagram above the path's MTU is fragmented rather than lost. */
	setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &dont, sizeof(dont));
	if (addr->family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &dont, sizeof(dont));
	} else {
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	}
	return fd;
}

int
udp_tcp_listen(const struct ip_addr *addr, uint16_t port, struct err *e)
{
	int fd = open_bound(addr, port, SOCK_STREAM, "TCP", e);

	if (fd >= 0 && listen(fd, BACKLOG) < 0) {
		int rc = err_set(e, -errno, "TCP port %u: %s", port, strerror(errno));

		close(fd);
		return rc;
	}
	return fd;
}

static struct ip_addr
local_of(struct msghdr *mh)
{
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_level == IPPROTO_IPV6 && cm->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(cm), sizeof(info));
			return ip_from_bytes(AF_INET6, info.ipi6_addr.s6_addr);
		}
		if (cm->cmsg_level == IPPROTO_IP && cm->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(cm), sizeof(info));
			return ip_from_bytes(AF_INET, (const uint8_t *) &info.ipi_addr);
		}
	}
	return (struct ip_addr){ 0 };
}

int
udp_recv(const struct udp *u, unsigned socket, uint8_t *buf, size_t size, struct udp_end *from)
{
	union control control;
	struct iovec iov = { buf, size };
	struct msghdr mh = {
		.msg_name = &from->peer,
		.msg_namelen = sizeof(from->peer),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	ssize_t n = recvmsg(u->fds[socket], &mh, MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	from->socket = socket;
	from->peer_len = mh.msg_namelen;
	from->local = local_of(&mh);
	return (int) n;
}

/* Asks the kernel to send from the address that the peer knows. */
static void
put_local(struct msghdr *mh, union control *control, const struct ip_addr *local)
{
	struct cmsghdr *cm;

	memset(control, 0, sizeof(*control));
	mh->msg_control = control->buf;
	mh->msg_controllen = sizeof(control->buf);
	cm = CMSG_FIRSTHDR(mh);
	if (local->family == AF_INET6) {
		struct in6_pktinfo info = { .ipi6_ifindex = 0 };

		memcpy(&info.ipi6_addr, local->b, 16);
		cm->cmsg_level = IPPROTO_IPV6;
		cm->cmsg_type = IPV6_PKTINFO;
		cm->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(cm), &info, sizeof(info));
		mh->msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		struct in_pktinfo info = { .ipi_ifindex = 0 };

		memcpy(&info.ipi_spec_dst, local->b, 4);
		cm->cmsg_level = IPPROTO_IP;
		cm->cmsg_type = IP_PKTINFO;
		cm->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(cm), &info, sizeof(info));
		mh->msg_controllen = CMSG_SPACE(sizeof(info));
	}
}

int
udp_send(const struct udp *u, const struct udp_end *to, const uint8_t *buf, size_t len)
{
	union control control;
	struct iovec iov = { (void *) buf, len };
	struct msghdr mh = {
		.msg_name = (void *) &to->peer,
		.msg_namelen = to->peer_len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};

	if (to->local.family != 0)
		put_local(&mh, &control, &to->local);
	return sendmsg(u->fds[to->socket], &mh, MSG_DONTWAIT) < 0 ? -errno : 0;
}

bool
udp_end_equal(const struct udp_end *a, const struct udp_end *b)
{
	struct ip_addr x = ip_from_sockaddr((const struct sockaddr *) &a->peer);
	struct ip_addr y = ip_from_sockaddr((const struct sockaddr *) &b->peer);

	return ip_equal(&x, &y) && ip_port((const struct sockaddr *) &a->peer) ==
	    ip_port((const struct sockaddr *) &b->peer);
}
