/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemons/tunneld/icmp_big.h"
#include "daemons/tunneld/ippkt.h"
#include "daemons/tunneld/session_mtu.h"
#include "daemons/tunneld/tcpmss.h"

/* At one time, in one direction: the other one, timers and connections want their turn. */
#define TURN_PACKETS 512
#define TURN_BYTES (512 * 1024)

#define ANSWERS_PER_SECOND 200	/* of packets that are too big */

struct turn {
	size_t packets, bytes;
};

/* Is there time for more, after this? */
static bool
goes_on(struct turn *t, size_t packets, size_t bytes)
{
	t->packets += packets;
	t->bytes += bytes;
	return t->packets < TURN_PACKETS && t->bytes < TURN_BYTES;
}

void
worker_flush(void *arg)
{
	struct worker *w = arg;

	tunq_flush(&w->tun);
	udp_tx_flush(&w->tx);
}

/* --- out: TUN, destination, peer, session ------------------------------------------------------ */

static enum verdict
send_to(struct peer *peer, uint8_t *pkt, size_t len)
{
	return peer->current == NULL ? VERDICT_NODE_OFFLINE
				     : session_send(peer->current, pkt, len);
}

static bool
may_answer(struct worker *w)
{
	int64_t now = ev_now_us(w->ev);

	if (now - w->answers_us >= 1000000) {
		w->answers_us = now;
		w->answers = ANSWERS_PER_SECOND;
	}
	if (w->answers == 0)
		return false;
	w->answers--;
	return true;
}

/* Its sender learns what fits: the host, by the TUN (from NULL), or a node. */
static void
answer_too_big(struct worker *w, const struct peer *to, struct session *from, const uint8_t *pkt,
    size_t len)
{
	uint8_t answer[ICMP_BIG_MAX + ESP_TRAILER];
	size_t n = 0;

	if (to->current != NULL && may_answer(w))
		n = icmp_big_make(pkt, len, session_mtu(to->current, pkt[0] >> 4 == 6), answer);
	if (n == 0)
		return;
	if (from != NULL) {
		session_send(from, answer, n);
		return;
	}
	tunq_write(&w->tun, answer, n);
	tunq_flush(&w->tun);	/* while it is there */
}

/* Who has the destination. NULL with the reason. */
static struct peer *
find_peer(struct worker *w, const struct offload_split *s, enum verdict *why_out)
{
	struct ippkt ip;
	struct peer *peer;

	if (!ippkt_parse(s->pkt, s->len, &ip)) {
		*why_out = VERDICT_INNER_MALFORMED;
		return NULL;
	}
	peer = route_find(&w->routes, &ip.dst);
	if (peer == NULL)
		peer = w->uplink;
	if (peer == NULL)
		*why_out = VERDICT_INNER_NO_ROUTE;
	return peer;
}

/* All packets of one read have one destination. */
static void
from_tun(struct worker *w, const struct offload_split *s)
{
	enum verdict v = VERDICT_OK;
	struct peer *peer = find_peer(w, s, &v);

	if (peer == NULL) {
		w->stats.count[v] += s->parts;
		return;
	}
	for (size_t i = 0; i < s->parts; i++) {
		size_t len;
		uint8_t *pkt = tunq_part(&w->tun, s, i, &len);

		v = send_to(peer, pkt, len);
		w->stats.count[v]++;
		if (v == VERDICT_INNER_TOO_BIG)
			answer_too_big(w, peer, NULL, pkt, len);
	}
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
	struct offload_split s;
	struct turn turn = { 0 };
	int rc;

	/* Deleted: reading fails for ever, and epoll would say so again and again. */
	if ((events & EPOLLERR) != 0) {
		lose_tun(w);
		return;
	}
	do {
		if ((rc = tunq_read(&w->tun, &s)) == 0)
			from_tun(w, &s);
		else if (rc == -EBADMSG)
			w->stats.count[VERDICT_INNER_MALFORMED]++;
		else
			break;
	} while (rc < 0 ? goes_on(&turn, 1, 0) : goes_on(&turn, s.parts, s.len));
	worker_flush(w);
}

/* --- in: session, source, TUN or another peer --------------------------------------------------- */

static enum verdict
to_tun(struct worker *w, uint8_t *pkt, size_t len)
{
	tunq_write(&w->tun, pkt, len);
	return VERDICT_OK;
}

static enum verdict
to_peer(struct worker *w, struct peer *to, struct session *from, uint8_t *pkt, size_t len)
{
	enum verdict v = send_to(to, pkt, len);

	if (v == VERDICT_INNER_TOO_BIG)
		answer_too_big(w, to, from, pkt, len);
	return v;
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
	tcpmss_clamp(pkt, len, session_mtu(from, false));
	if (w->uplink != NULL || ip_equal(&ip.dst, &w->network.addr))
		return to_tun(w, pkt, len);
	/* What is for the network itself never reaches the host: it would be forwarded back to us. */
	if (!ip_prefix_contains(&w->network, &ip.dst))
		return to_tun(w, pkt, len);
	if (!w->interconnection)
		return VERDICT_INTERCONNECTION_OFF;
	to = route_find(&w->routes, &ip.dst);
	return to == NULL ? VERDICT_INNER_NO_ROUTE : to_peer(w, to, from, pkt, len);
}

static enum verdict
from_udp(struct worker *w, const struct udp_packet *p)
{
	uint32_t spi = esp_spi(p->bytes, p->len);
	struct esp_rx *rx;

	if (spi == 0)
		return VERDICT_ESP_SHORT;
	if ((rx = sa_find(&w->sas, spi)) == NULL)
		return VERDICT_ESP_SPI_UNKNOWN;
	return session_input(session_of_rx(rx), p->bytes, p->len, p->from);
}

/* What one call gave is flushed before the next: it lies where the next will be. */
static size_t
take_received(struct worker *w)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < w->rx.n; i++) {
		w->stats.count[from_udp(w, &w->rx.packets[i])]++;
		bytes += w->rx.packets[i].len;
	}
	worker_flush(w);
	return bytes;
}

static void
drain_udp(struct worker *w, unsigned socket)
{
	struct turn turn = { 0 };
	size_t bytes;
	int rc;

	do {
		/* An ICMP error for an earlier datagram is no reason to stop. */
		rc = udp_rx_recv(&w->rx, &w->udp, socket);
		bytes = rc == 0 ? take_received(w) : 0;
	} while (rc != -EAGAIN && goes_on(&turn, rc == 0 ? w->rx.n : 1, bytes));
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
	udp_rx_add(&w->rx, &w->udp, i);
	*socket_out = i;
	return 0;
}

int
worker_init(struct worker *w, struct ev *ev, const struct worker_parts *parts)
{
	unsigned socket;
	int rc;

	memset(w, 0, sizeof(*w));
	w->ev = ev;
	sa_table_init(&w->sas);
	route_init(&w->routes);
	tunq_init(&w->tun, parts->tun, &parts->features, &w->stats);
	udp_tx_init(&w->tx, &w->udp, parts->offload, &w->stats);
	udp_rx_init(&w->rx, parts->offload);
	rc = ev_io_add(ev, &w->tun_io, parts->tun, EPOLLIN, on_tun, w);
	for (unsigned i = 0; i < parts->nudp; i++) {
		if (rc < 0)
			close(parts->udp[i]);
		else
			rc = worker_add_udp(w, parts->udp[i], &socket);
	}
	return rc;
}

void
worker_fini(struct worker *w)
{
	ev_io_del(w->ev, &w->tun_io);
	tunq_fini(&w->tun);
	for (unsigned i = 0; i < w->udp.n; i++) {
		ev_io_del(w->ev, &w->udp_io[i]);
		close(w->udp.fds[i]);
	}
	sa_table_fini(&w->sas);
	route_fini(&w->routes);
}

const char *
worker_describe(const struct worker *w, char buf[WORKER_TEXT_MAX])
{
	const struct tun_features *tun = &w->tun.features;

	snprintf(buf, WORKER_TEXT_MAX, "tun %s, udp out %s, udp in %s, aead %s",
	    !tun->vnet ? "single" : tun->uso ? "tso uso" : tun->tso ? "tso" : "join",
	    w->tx.segment ? "gso" : w->tx.many ? "batch" : "single",
	    w->rx.joined ? "gro" : w->rx.many ? "batch" : "single", aead_library());
	return buf;
}
