/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/worker.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemons/tunneld/ippkt.h"

#define BATCH 64	/* packets per wake-up: timers and connections want their turn */

/* --- out: TUN, destination, peer, session ------------------------------------------------------ */

static enum verdict
send_to(struct peer *peer, uint8_t *pkt, size_t len)
{
	return peer->current == NULL ? VERDICT_NODE_OFFLINE
				     : session_send(peer->current, pkt, len);
}

static enum verdict
from_tun(struct worker *w, uint8_t *pkt, size_t len)
{
	struct ippkt ip;
	struct peer *peer;

	if (!ippkt_parse(pkt, len, &ip))
		return VERDICT_INNER_MALFORMED;
	peer = route_find(&w->routes, &ip.dst);
	if (peer == NULL)
		peer = w->uplink;
	return peer == NULL ? VERDICT_INNER_NO_ROUTE : send_to(peer, pkt, len);
}

static void
lose_tun(struct worker *w)
{
	ev_io_del(w->ev, &w->tun_io);
	if (w->lost != NULL)
		w->lost(w->lost_arg);
}

static void
on_tun(void *arg, uint32_t events)
{
	struct worker *w = arg;
	uint8_t *pkt = w->buf + ESP_HEAD;

	/* Deleted: reading fails for ever, and epoll would say so again and again. */
	if ((events & EPOLLERR) != 0) {
		lose_tun(w);
		return;
	}
	for (int i = 0; i < BATCH; i++) {
		ssize_t n = read(w->tun, pkt, FRAME_BODY_MAX);

		if (n <= 0)
			return;
		w->stats.count[from_tun(w, pkt, (size_t) n)]++;
	}
}

/* --- in: session, source, TUN or another peer --------------------------------------------------- */

static enum verdict
to_tun(struct worker *w, const uint8_t *pkt, size_t len)
{
	return write(w->tun, pkt, len) == (ssize_t) len ? VERDICT_OK : VERDICT_TUN_WRITE_FAILED;
}

enum verdict
worker_deliver(void *arg, struct session *from, uint8_t *pkt, size_t len)
{
	struct worker *w = arg;
	struct ippkt ip;
	struct peer *to;

	if (!ippkt_parse(pkt, len, &ip))
		return VERDICT_INNER_MALFORMED;
	if (!from->peer->any_source && !ip_equal(&ip.src, &from->peer->addr))
		return VERDICT_INNER_SPOOFED;
	if (w->uplink != NULL || ip_equal(&ip.dst, &w->network.addr))
		return to_tun(w, pkt, len);
	/* What is for the network itself never reaches the host: it would be forwarded back to us. */
	if (!ip_prefix_contains(&w->network, &ip.dst))
		return to_tun(w, pkt, len);
	if (!w->interconnection)
		return VERDICT_INTERCONNECTION_OFF;
	to = route_find(&w->routes, &ip.dst);
	return to == NULL ? VERDICT_INNER_NO_ROUTE : send_to(to, pkt, len);
}

static enum verdict
from_udp(struct worker *w, uint8_t *pkt, size_t len, const struct udp_end *end)
{
	uint32_t spi = esp_spi(pkt, len);
	struct esp_rx *rx;

	if (spi == 0)
		return VERDICT_ESP_SHORT;
	if ((rx = sa_find(&w->sas, spi)) == NULL)
		return VERDICT_ESP_SPI_UNKNOWN;
	return session_input(session_of_rx(rx), pkt, len, end);
}

static void
drain_udp(struct worker *w, unsigned socket)
{
	struct udp_end end;

	for (int i = 0; i < BATCH; i++) {
		int n = udp_recv(&w->udp, socket, w->buf, FRAME_BODY_MAX, &end);

		if (n == -EAGAIN)
			return;
		if (n >= 0)	/* an ICMP error for an earlier datagram is no reason to stop */
			w->stats.count[from_udp(w, w->buf, (size_t) n, &end)]++;
	}
}

static void
on_udp(void *arg, uint32_t events)
{
	struct worker *w = arg;

	(void) events;
	for (unsigned i = 0; i < w->udp.n; i++)
		drain_udp(w, i);
}

/* --- life ------------------------------------------------------------------------------------- */

int
worker_add_udp(struct worker *w, int fd, unsigned *socket_out)
{
	unsigned i = w->udp.n;
	int rc;

	if (i == UDP_SOCKETS_MAX) {
		close(fd);
		return -ENOSPC;
	}
	if ((rc = ev_io_add(w->ev, &w->udp_io[i], fd, EPOLLIN, on_udp, w)) < 0) {
		close(fd);
		return rc;
	}
	w->udp.fds[w->udp.n++] = fd;
	*socket_out = i;
	return 0;
}

int
worker_init(struct worker *w, struct ev *ev, int tun, const int *udp, unsigned nudp)
{
	unsigned socket;
	int rc;

	*w = (struct worker){ .ev = ev, .tun = tun };
	sa_table_init(&w->sas);
	route_init(&w->routes);
	rc = ev_io_add(ev, &w->tun_io, tun, EPOLLIN, on_tun, w);
	for (unsigned i = 0; i < nudp; i++) {
		if (rc < 0)
			close(udp[i]);
		else
			rc = worker_add_udp(w, udp[i], &socket);
	}
	return rc;
}

void
worker_fini(struct worker *w)
{
	ev_io_del(w->ev, &w->tun_io);
	close(w->tun);
	for (unsigned i = 0; i < w->udp.n; i++) {
		ev_io_del(w->ev, &w->udp_io[i]);
		close(w->udp.fds[i]);
	}
	sa_table_fini(&w->sas);
	route_fini(&w->routes);
}
