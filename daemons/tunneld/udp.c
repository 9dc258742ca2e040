/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/udp.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "daemons/tunneld/sa.h"

#define BUFFER (8 << 20)	/* 2 MB already lose packets in bursts */
#define UDP_WORKERS_MAX SA_WORKERS
#define BACKLOG 1024

static int
open_bound(const struct ip_addr *addr, uint16_t port, int type, bool shared, const char *proto,
    struct err *e)
{
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(addr, port, &ss);
	int fd = socket(addr->family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int off = 0, on = 1;
	struct ip_addr any6 = { .family = AF_INET6 };

	if (fd < 0)
		return err_set(e, -errno, "%s socket: %s", proto, strerror(errno));
	if (shared)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
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

static void
set_options(int fd, int family)
{
	int on = 1, size = BUFFER, dont = IP_PMTUDISC_DONT;

	/* FORCE needs CAP_NET_ADMIN and passes the system's limit; without it take what is given. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	/* A datagram above the path's MTU is fragmented rather than lost. */
	setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &dont, sizeof(dont));
	if (family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &dont, sizeof(dont));
	} else {
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	}
}

static uint16_t
bound_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	return getsockname(fd, (struct sockaddr *) &ss, &len) < 0 ? 0
	    : ip_port((const struct sockaddr *) &ss);
}

/*
 * For the sockets of one port (socket(7), SO_ATTACH_REUSEPORT_CBPF): the program sees a datagram's
 * bytes and says which of them gets it, in the order in which they were bound. What it cannot read
 * is 0.
 */
static int
steer(int fd, unsigned n)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),			/* the SPI */
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SA_WORKERS - 1),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, n),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program));
}

/*
 * Only the sockets after the first are bound with SO_REUSEPORT, so that a port that somebody else
 * has is not shared with him.
 */
int
udp_open(const struct ip_addr *addr, uint16_t port, unsigned n, int *fds_out, struct err *e)
{
	int fds[UDP_WORKERS_MAX], on = 1, rc = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		if ((fds[i] = open_bound(addr, port, SOCK_DGRAM, i > 0, "UDP", e)) < 0) {
			rc = fds[i];
			break;
		}
		set_options(fds[i], addr->family);
		setsockopt(fds[i], SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
		port = bound_port(fds[i]);
	}
	if (rc == 0 && n > 1 && steer(fds[0], n) < 0)
		rc = err_set(e, -errno, "UDP port %u: steering: %s", port, strerror(errno));
	if (rc == 0)
		memcpy(fds_out, fds, n * sizeof(fds[0]));
	while (rc < 0 && i-- > 0)
		close(fds[i]);
	return rc;
}

int
udp_tcp_listen(const struct ip_addr *addr, uint16_t port, struct err *e)
{
	int fd = open_bound(addr, port, SOCK_STREAM, false, "TCP", e);

	if (fd >= 0 && listen(fd, BACKLOG) < 0) {
		int rc = err_set(e, -errno, "TCP port %u: %s", port, strerror(errno));

		close(fd);
		return rc;
	}
	return fd;
}

int
udp_source(const struct sockaddr_storage *to, socklen_t len, struct ip_addr *out)
{
	int fd = socket(to->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	if (fd < 0)
		return -errno;
	/* Sends nothing: it only chooses. */
	if (connect(fd, (const struct sockaddr *) to, len) < 0 ||
	    getsockname(fd, (struct sockaddr *) &ss, &n) < 0)
		rc = -errno;
	else
		*out = ip_from_sockaddr((const struct sockaddr *) &ss);
	close(fd);
	return rc;
}

bool
udp_end_equal(const struct udp_end *a, const struct udp_end *b)
{
	struct ip_addr x, y;

	if (a->peer_len == b->peer_len && memcmp(&a->peer, &b->peer, a->peer_len) == 0)
		return true;	/* nearly always */
	x = ip_from_sockaddr((const struct sockaddr *) &a->peer);
	y = ip_from_sockaddr((const struct sockaddr *) &b->peer);
	return ip_equal(&x, &y) && ip_port((const struct sockaddr *) &a->peer) ==
	    ip_port((const struct sockaddr *) &b->peer);
}
