/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/ip.h"

#define BACKLOG 256	/* connections that wait while the loop is at something else */
#define UNACKED_MS 20000	/* what a peer has not acknowledged for so long ends its connection */

/* consumes: fd */
static int
keep(struct listening *l, enum listener from, int fd, struct err *e)
{
	if (l->n == LISTEN_MAX) {
		close(fd);
		return err_set(e, -ENOSPC, "more addresses than can be listened on");
	}
	l->list[l->n].from = from;
	l->list[l->n++].fd = fd;
	return 0;
}

void
listen_close(struct listening *l)
{
	while (l->n > 0)
		close(l->list[--l->n].fd);
}

/* --- ports ------------------------------------------------------------------------------------ */

static const struct ip_addr any6 = { .family = AF_INET6 };	/* ::, with IPv4 */
static const struct ip_addr any4 = { .family = AF_INET };	/* where the kernel has no IPv6 */

/* What a connection has inherited from its listener (tcp(7)). */
static void
set_options(int fd, const struct ip_addr *addr)
{
	const int on = 1, off = 0, unacked_ms = UNACKED_MS;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (addr->family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, ip_equal(addr, &any6) ? &off : &on,
		    sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked_ms, sizeof(unacked_ms));
}

int
listen_address(const struct ip_addr *addr, uint16_t port, int *fd_out, struct err *e)
{
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(addr, port, &ss);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc;

	if (fd >= 0)
		set_options(fd, addr);
	if (fd < 0 || bind(fd, (const struct sockaddr *) &ss, len) < 0 || listen(fd, BACKLOG) < 0) {
		rc = err_set(e, -errno, "cannot listen on %s: %s", SOCK_TEXT(&ss), strerror(errno));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	*fd_out = fd;
	return 0;
}

int
listen_tcp(struct listening *l, enum listener from, const struct conf_list *addrs, uint16_t port,
    struct err *e)
{
	const struct ip_addr *list = addrs->n == 0 ? &any6 : addrs->items;
	size_t n = addrs->n == 0 ? 1 : addrs->n;
	int rc = 0, fd = -1;

	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = listen_address(&list[i], port, &fd, e);
		if (rc == -EAFNOSUPPORT && addrs->n == 0)
			rc = listen_address(&any4, port, &fd, e);
		if (rc == 0)
			rc = keep(l, from, fd, e);
	}
	return rc;
}

/* --- the unix socket -------------------------------------------------------------------------- */

/* What stands at the path: nothing, or a socket that nobody listens on, which is removed. */
static int
clear_path(const struct sockaddr_un *sun, struct err *e)
{
	struct stat st;
	int fd, rc;

	if (lstat(sun->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : err_set(e, -errno, "%s: %s", sun->sun_path,
		    strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, -EEXIST, "%s: exists and is not a socket", sun->sun_path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return err_set(e, -errno, "%s: %s", sun->sun_path, strerror(errno));
	rc = connect(fd, (const struct sockaddr *) sun, sizeof(*sun));
	close(fd);
	if (rc == 0)
		return err_set(e, -EADDRINUSE, "%s: another ctld listens there", sun->sun_path);
	if (unlink(sun->sun_path) < 0)
		return err_set(e, -errno, "%s: cannot remove it: %s", sun->sun_path,
		    strerror(errno));
	return 0;
}

int
listen_unix(struct listening *l, enum listener from, const char *path, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof(sun.sun_path))
		return err_set(e, -ENAMETOOLONG, "%s: longer than a socket's path may be", path);
	strcpy(sun.sun_path, path);
	if ((rc = clear_path(&sun, e)) < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *) &sun, sizeof(sun)) < 0 ||
	    chmod(path, 0666) < 0 || listen(fd, BACKLOG) < 0) {
		rc = err_set(e, -errno, "%s: cannot listen: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	return keep(l, from, fd, e);
}
