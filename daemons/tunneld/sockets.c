/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/sockets.h"

#include <errno.h>
#include <unistd.h>

static int
open_udp(struct sockets *s, const struct ip_addr *addr, uint16_t port, struct err *e)
{
	int rc = udp_open(addr, port, s->nworkers, s->udp[s->nudp], e);

	if (rc == 0)
		s->nudp++;
	return rc;
}

/* Both protocols on one address; TCP first, whose port nobody shares. */
static int
listen_on(struct sockets *s, const struct tunneld *d, const struct ip_addr *addr, struct err *e)
{
	uint16_t port = (uint16_t) d->sc.port;
	int fd = udp_tcp_listen(addr, port, e);

	if (fd < 0)
		return fd;
	s->tcp[s->ntcp++] = fd;
	return open_udp(s, addr, port, e);
}

/* A node sends from any port, to a server of either family. */
static int
open_ends(struct sockets *s, struct err *e)
{
	struct ip_addr any4 = { .family = AF_INET }, any6 = { .family = AF_INET6 };
	struct err none = { 0 };	/* a machine without IPv6 */
	int rc = open_udp(s, &any4, 0, e);

	open_udp(s, &any6, 0, &none);
	return rc;
}

static int
listen_all(struct sockets *s, const struct tunneld *d, struct err *e)
{
	const struct conf_list *list = &d->sc.listen;
	const struct ip_addr *addrs = list->items;
	struct ip_addr any6 = { .family = AF_INET6 }, any4 = { .family = AF_INET };
	int rc = 0;

	for (size_t i = 0; i < list->n && rc == 0; i++)
		rc = listen_on(s, d, &addrs[i], e);
	if (list->n > 0)
		return rc;
	rc = listen_on(s, d, &any6, e);
	/* A machine without IPv6. */
	return rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL ? listen_on(s, d, &any4, e) : rc;
}

int
sockets_open(struct sockets *s, const struct tunneld *d, struct err *e)
{
	s->nworkers = tunneld_workers(d);
	s->ntcp = s->nudp = 0;
	return d->server ? listen_all(s, d, e) : open_ends(s, e);
}

void
sockets_close(struct sockets *s)
{
	for (unsigned i = 0; i < s->ntcp; i++)
		close(s->tcp[i]);
	for (unsigned i = 0; i < s->nudp; i++) {
		for (unsigned k = 0; k < s->nworkers; k++)
			close(s->udp[i][k]);
	}
	s->ntcp = s->nudp = 0;
}

/* The kernel chooses any that is left where the one is gone that the SPI names. */
void
sockets_keep(struct sockets *s, unsigned nworkers)
{
	for (unsigned i = 0; i < s->nudp; i++) {
		for (unsigned k = nworkers; k < s->nworkers; k++)
			close(s->udp[i][k]);
	}
	if (nworkers < s->nworkers)
		s->nworkers = nworkers;
}

unsigned
sockets_list(const struct sockets *s, int *fds)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->ntcp; i++)
		fds[n++] = s->tcp[i];
	for (unsigned k = 0; k < s->nworkers; k++) {
		for (unsigned i = 0; i < s->nudp; i++)
			fds[n++] = s->udp[i][k];
	}
	return n;
}
