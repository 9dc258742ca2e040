/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "daemons/tunneld/resolve.h"

#define LOOKUP_MS 2000	/* for the name service, where the addresses of last time would do */
#define ADDRESS_MS 3000	/* for an address that another one follows, at most; */
#define ADDRESSES_MS 10000	/* for all of these: the last one wants some time as well */

struct addr_list {
	const char *host;	/* whose they are */
	struct ip_addr addrs[RESOLVE_MAX];
	unsigned n;
};

struct dial {
	struct dial_parts p;
	struct resolver *resolver;
	struct ev_timer lookup_timer;
	bool resolving;			/* the answer to come is for this host */
	struct addr_list list;		/* to be tried */
	unsigned next;			/* of them */
	struct addr_list known;		/* of the server that was reached last */
	struct ip_addr addr;		/* that is being tried */
	struct ev_timer addr_timer;
	bool asking;			/* for the way to it */
	struct conn *conn;		/* until it is ready */
};

/* --- one address ------------------------------------------------------------------------------ */

static void try_next(struct dial *d, const char *why);

static void
on_ready(void *owner)
{
	struct dial *d = owner;
	struct conn *conn = d->conn;

	/* A server of something else, with a certificate of our CA, shall not be sent the token. */
	if (!tls_speaks(conn_tls(conn), TUNNELD_ALPN)) {
		try_next(d, "the server does not speak " TUNNELD_ALPN);
		return;
	}
	d->conn = NULL;
	ev_timer_stop(d->p.ev, &d->addr_timer);
	d->known = d->list;
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
	return conn_new(d->p.conns, d->p.identity->tls, fd, d->list.host, &conn_ops, d, &d->conn, e);
}

/* --- all of them ------------------------------------------------------------------------------ */

static void
on_addr_timeout(void *arg)
{
	try_next(arg, "no answer in time");
}

/* A black hole must not use up the time of those behind it. */
static void
limit_time(struct dial *d)
{
	unsigned share_ms = ADDRESSES_MS / d->list.n;

	ev_timer_stop(d->p.ev, &d->addr_timer);
	if (d->next < d->list.n)
		ev_timer_start(d->p.ev, &d->addr_timer,
		    share_ms < ADDRESS_MS ? share_ms : ADDRESS_MS, on_addr_timeout, d);
}

/* `why` the one before has failed: what is said when there is no other. */
static void
try_next(struct dial *d, const char *why)
{
	struct err e;

	err_set(&e, 0, "%s", why);	/* it may be the connection's own */
	conn_free(d->conn);
	d->conn = NULL;
	if (d->next == d->list.n) {
		ev_timer_stop(d->p.ev, &d->addr_timer);
		d->p.failed(d->p.owner, e.text);
		return;
	}
	d->addr = d->list.addrs[d->next++];
	limit_time(d);
	d->asking = true;
	d->p.ask_way(d->p.arg, &d->addr);
}

void
dial_way(struct dial *d, const struct monitor_way_done *way)
{
	struct err e;

	/* Answers come in the order of the questions: one that was given up may still come. */
	if (!d->asking || !ip_equal(&way->server, &d->addr))
		return;
	d->asking = false;
	if (way->done.rc < 0)
		log_warn("way_failed", "server=%s addr=%s error=%s", LOG_Q(d->list.host),
		    IP_TEXT(&d->addr), LOG_Q(way->done.text));
	if (try_addr(d, &e) < 0)
		try_next(d, e.text);
}

/* --- the name --------------------------------------------------------------------------------- */

/*
 * The addresses of last time, where there are some: the name service may be reached through the
 * tunnel only, which is what is down.
 */
static void
use_known(struct dial *d, const char *why)
{
	if (d->known.host == d->list.host) {
		log_warn("lookup_failed", "server=%s error=%s known=%u", LOG_Q(d->list.host),
		    LOG_Q(why), d->known.n);
		d->list = d->known;
	}
	try_next(d, why);
}

static void
end_lookup(struct dial *d)
{
	d->resolving = false;
	ev_timer_stop(d->p.ev, &d->lookup_timer);
}

static void
on_resolved(void *arg, const struct ip_addr *addrs, unsigned n, const char *why)
{
	struct dial *d = arg;

	if (!d->resolving)
		return;		/* a look-up that was given up */
	end_lookup(d);
	memcpy(d->list.addrs, addrs, n * sizeof(*addrs));
	d->list.n = n;
	if (n == 0)
		use_known(d, why);
	else
		try_next(d, "");
}

static void
on_lookup_timeout(void *arg)
{
	struct dial *d = arg;

	end_lookup(d);
	use_known(d, "the name service does not answer in time");
}

static void
look_up(struct dial *d)
{
	int rc = resolve(d->resolver, d->list.host, on_resolved, d);

	if (rc < 0) {
		use_known(d, strerror(-rc));
		return;
	}
	d->resolving = true;
	if (d->known.host == d->list.host)
		ev_timer_start(d->p.ev, &d->lookup_timer, LOOKUP_MS, on_lookup_timeout, d);
}

/* --- life ------------------------------------------------------------------------------------- */

void
dial_begin(struct dial *d, const char *host)
{
	dial_end(d);
	d->addr = (struct ip_addr){ 0 };
	d->list = (struct addr_list){ .host = host };
	d->next = 0;
	if (ip_parse(host, &d->list.addrs[0]) < 0) {
		look_up(d);
		return;
	}
	d->list.n = 1;
	try_next(d, "");
}

void
dial_end(struct dial *d)
{
	end_lookup(d);
	ev_timer_stop(d->p.ev, &d->addr_timer);
	d->asking = false;
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
