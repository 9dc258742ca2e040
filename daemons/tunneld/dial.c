/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemons/tunneld/resolve.h"

struct dial {
	struct dial_parts p;
	struct resolver *resolver;
	const char *host;
	bool resolving;			/* the answer to come is for this host */
	struct ip_addr addrs[RESOLVE_MAX];
	unsigned naddrs, next;
	struct ip_addr addr;		/* that is being tried */
	struct conn *conn;		/* until it is ready */
};

/* --- one address ------------------------------------------------------------------------------ */

static void try_next(struct dial *d, const char *why);

static void
on_ready(void *owner)
{
	struct dial *d = owner;
	struct conn *conn = d->conn;

	d->conn = NULL;
	d->p.ready(d->p.owner, conn);
}

static void
on_closed(void *owner, const char *why)
{
	try_next(owner, why[0] == '\0' ? "closed by the server" : why);
}

/* Messages and packets come after the handshake only: to the next owner. */
static const struct conn_ops conn_ops = {
	.ready = on_ready,
	.closed = on_closed,
};

static int
connect_to(const struct ip_addr *addr, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(addr, port, &ss);
	int fd = socket(addr->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *) &ss, len) < 0 && errno != EINPROGRESS) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

static int
try_addr(struct dial *d, struct err *e)
{
	int fd = connect_to(&d->addr, d->p.port);

	if (fd < 0)
		return err_set(e, fd, "%s", strerror(-fd));
	return conn_new(d->p.conns, d->p.identity->tls, fd, d->host, &conn_ops, d, &d->conn, e);
}

/* --- all of them ------------------------------------------------------------------------------ */

/* `why` the one before has failed: what is said when there is no other. */
static void
try_next(struct dial *d, const char *why)
{
	struct err e;

	err_set(&e, 0, "%s", why);
	conn_free(d->conn);
	d->conn = NULL;
	while (d->next < d->naddrs) {
		d->addr = d->addrs[d->next++];
		if (try_addr(d, &e) == 0)
			return;
	}
	d->p.failed(d->p.owner, e.text);
}

static void
on_resolved(void *arg, const struct ip_addr *addrs, unsigned n, const char *why)
{
	struct dial *d = arg;

	if (!d->resolving)
		return;		/* a look-up that was given up */
	d->resolving = false;
	memcpy(d->addrs, addrs, n * sizeof(*addrs));
	d->naddrs = n;
	try_next(d, why);
}

/* --- life ------------------------------------------------------------------------------------- */

void
dial_begin(struct dial *d, const char *host)
{
	int rc;

	dial_end(d);
	d->host = host;
	d->addr = (struct ip_addr){ 0 };
	d->next = 0;
	d->naddrs = ip_parse(host, &d->addrs[0]) == 0 ? 1 : 0;
	if (d->naddrs > 0)
		try_next(d, "");
	else if ((rc = resolve(d->resolver, host, on_resolved, d)) < 0)
		d->p.failed(d->p.owner, strerror(-rc));
	else
		d->resolving = true;
}

void
dial_end(struct dial *d)
{
	d->resolving = false;
	conn_free(d->conn);
	d->conn = NULL;
}

const struct ip_addr *
dial_addr(const struct dial *d)
{
	return &d->addr;
}

int
dial_new(const struct dial_parts *parts, struct dial **out)
{
	struct dial *d = calloc(1, sizeof(*d));
	int rc;

	if (d == NULL)
		return -ENOMEM;
	d->p = *parts;
	if ((rc = resolver_new(parts->ev, &d->resolver)) < 0) {
		free(d);
		return rc;
	}
	*out = d;
	return 0;
}

void
dial_free(struct dial *d)
{
	if (d == NULL)
		return;
	dial_end(d);
	resolver_free(d->resolver);
	free(d);
}
