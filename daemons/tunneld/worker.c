/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemons/tunneld/atom.h"
#include "daemons/tunneld/echo.h"
#include "daemons/tunneld/ippkt.h"
#include "daemons/tunneld/tcpmss.h"
#include "daemons/tunneld/worker_mail.h"
#include "daemons/tunneld/worker_send.h"

/* At one time, in one direction: the other one and the other threads' mail want their turn. */
#define TURN_PACKETS 512
#define TURN_BYTES (512 * 1024)

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

/* A node's datagrams go to one place: the session's that is in use. */
static void
tell_refusal(struct worker *w)
{
	unsigned why = udp_tx_refused(&w->tx);
	struct carrier *c = NULL;

	if (why != 0 && w->env->uplink != NULL)
		c = atom_take(&w->env->uplink->carrier);
	if (c != NULL && carrier_minds_refusal(c, ev_now_us(w->ev)))
		worker_report(w, NULL, c, CARRIER_REFUSED, (struct mail){ .size = why });
}

/* Writes and sends what waits to leave with others. */
static void
worker_flush(void *arg)
{
	struct worker *w = arg;

	tunq_flush(&w->tun);
	udp_tx_flush(&w->tx);
	tell_refusal(w);
	mail_wake(&w->env->mail, w->number);
}

/* --- out: TUN, destination -------------------------------------------------------------------- */

/* Who has the destination. NULL with the reason. */
static struct outlet *
find_outlet(struct worker *w, const struct offload_split *s, enum verdict *why_out)
{
	struct ippkt ip;
	struct outlet *to;

	if (!ippkt_parse(s->pkt, s->len, &ip)) {
		*why_out = VERDICT_INNER_MALFORMED;
		return NULL;
	}
	to = route_find(&w->env->routes, &ip.dst);
	if (to == NULL)
		to = w->env->uplink;
	if (to == NULL)
		*why_out = VERDICT_INNER_NO_ROUTE;
	return to;
}

/* All packets of one read have one destination. */
static void
from_tun(struct worker *w, const struct offload_split *s)
{
	enum verdict v = VERDICT_OK;
	struct outlet *to = find_outlet(w, s, &v);

	if (to == NULL) {
		stats_count(&w->stats, v, s->parts);
		return;
	}
	for (size_t i = 0; i < s->parts; i++) {
		size_t len;
		uint8_t *pkt = tunq_part(&w->tun, s, i, &len);

		stats_count(&w->stats, worker_send(w, to, NULL, pkt, len), 1);
	}
}

static void
lose_tun(struct worker *w)
{
	ev_io_del(w->ev, &w->tun_io);
	mail_put(&w->env->mail, w->number, w->env->nworkers,
	    &(struct mail){ .kind = MAIL_DEVICE_LOST }, NULL);
	mail_wake(&w->env->mail, w->number);
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
			stats_count(&w->stats, VERDICT_INNER_MALFORMED, 1);
		else
			break;
	} while (rc < 0 ? goes_on(&turn, 1, 0) : goes_on(&turn, s.parts, s.len));
	worker_flush(w);
}

/* --- in: carrier, source, TUN or another peer ---------------------------------------------------- */

static enum verdict
to_tun(struct worker *w, uint8_t *pkt, size_t len)
{
	tunq_write(&w->tun, pkt, len);
	return VERDICT_OK;
}

static enum verdict
route_inner(struct worker *w, struct carrier *from, uint8_t *pkt, size_t len)
{
	const struct worker_env *env = w->env;
	const struct outlet *to;
	struct ippkt ip;

	if (!ippkt_parse(pkt, len, &ip))
		return VERDICT_INNER_MALFORMED;
	if (!from->any_source && !ip_equal(&ip.src, &from->addr))
		return VERDICT_INNER_SPOOFED;
	tcpmss_clamp(pkt, len, carrier_mtu(from, false));
	if (env->uplink != NULL || ip_equal(&ip.dst, &env->network.addr))
		return to_tun(w, pkt, len);
	/* What is for the network itself never reaches the host: it would be forwarded back to us. */
	if (!ip_prefix_contains(&env->network, &ip.dst))
		return to_tun(w, pkt, len);
	if (!env->interconnection)
		return VERDICT_INTERCONNECTION_OFF;
	to = route_find(&env->routes, &ip.dst);
	return to == NULL ? VERDICT_INNER_NO_ROUTE : worker_send(w, to, from, pkt, len);
}

/* sa: one of this worker's. */
static enum verdict
deliver(struct worker *w, struct carrier_sa *sa, uint8_t *pkt, size_t len)
{
	enum verdict v = route_inner(w, sa->carrier, pkt, len);

	if (v == VERDICT_OK) {
		atom_count(&sa->packets, 1);
		atom_count(&sa->bytes, len);
	}
	return v;
}

/* Requests are answered at the size at which they came, a limited number of times per second. */
static enum verdict
take_echo(struct worker *w, struct carrier *c, uint8_t *text, size_t len, const struct udp_end *from)
{
	struct mail m = { .kind = MAIL_ECHO, .len = (uint32_t) len, .from = *from };

	if (len < ECHO_LEN || text[0] > ECHO_REPLY)
		return VERDICT_ECHO_BAD;
	if (text[0] == ECHO_REPLY)
		return worker_post(w, w->env->nworkers, c, m, text)
		    ? VERDICT_OK : VERDICT_THREAD_QUEUE_FULL;
	if (!carrier_may_echo(c, ev_now_us(w->ev)))
		return VERDICT_ECHO_LIMITED;
	text[0] = ECHO_REPLY;
	return worker_send_esp(w, c, text, len, ESP_NEXT_NONE);
}

static enum verdict
take_datagram(struct worker *w, struct carrier_sa *sa, uint8_t *bytes, size_t len,
    const struct udp_end *from)
{
	struct carrier_opened o;
	enum verdict v = carrier_open(sa, bytes, len, from, ev_now_us(w->ev), &o);

	if (v != VERDICT_OK)
		return v;
	if (o.news != 0)
		worker_report(w, sa, sa->carrier, o.news,
		    (struct mail){ .size = (uint32_t) len, .from = *from });
	switch (o.next) {
	case ESP_NEXT_IPV4:
	case ESP_NEXT_IPV6:
		return deliver(w, sa, o.inner, o.len);
	case ESP_NEXT_NONE:
		return take_echo(w, sa->carrier, o.inner, o.len, from);
	default:
		return VERDICT_ESP_NEXT_HEADER;
	}
}

/*
 * The socket is chosen by the SPI (udp_open), but for whole batches: a network card that joins
 * datagrams looks at addresses and ports only, and an SA is of one worker.
 */
static enum verdict
pass_on(struct worker *w, uint32_t spi, const struct udp_packet *p)
{
	struct mail m = { .kind = MAIL_DATAGRAM, .spi = spi, .from = *p->from,
		.len = (uint32_t) p->len };

	return mail_put(&w->env->mail, w->number, sa_worker(spi), &m, p->bytes)
	    ? VERDICT_OK : VERDICT_THREAD_QUEUE_FULL;
}

static void
from_udp(struct worker *w, const struct udp_packet *p)
{
	uint32_t spi = esp_spi(p->bytes, p->len);
	struct esp_rx *rx = spi == 0 ? NULL : sa_find(&w->env->sas, spi);
	enum verdict v;

	if (rx == NULL) {
		v = spi == 0 ? VERDICT_ESP_SHORT : VERDICT_ESP_SPI_UNKNOWN;
	} else if (sa_worker(spi) == w->number) {
		v = take_datagram(w, carrier_sa_of(rx), p->bytes, p->len, p->from);
	} else if ((v = pass_on(w, spi, p)) == VERDICT_OK) {
		return;		/* counted there */
	}
	stats_count(&w->stats, v, 1);
}

/* What one call gave is flushed before the next: it lies where the next will be. */
static size_t
take_received(struct worker *w)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < w->rx.n; i++) {
		from_udp(w, &w->rx.packets[i]);
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

/* --- from other threads -------------------------------------------------------------------------- */

/* Not counted when it goes well: it was, where it came from. */
static void
take_send(struct worker *w, struct carrier *c, struct mail *m)
{
	enum verdict v = carrier_is_keyed(c, w->number)
	    ? worker_send_esp(w, c, m->bytes, m->len, (enum esp_next) m->next) : VERDICT_PATH_DOWN;

	if (v != VERDICT_OK)
		stats_count(&w->stats, v, 1);
}

static void
take_ask(struct worker *w, struct carrier *c, struct mail *m)
{
	struct mail refused = { .kind = MAIL_REFUSED, .size = m->size, .len = m->len };

	if (carrier_is_keyed(c, w->number) &&
	    carrier_ask(c, w->number, &w->tx, m->bytes, m->len, m->size) == -EMSGSIZE)
		worker_post(w, w->env->nworkers, c, refused, m->bytes);
}

static void
take_mail(void *arg, struct mail *m)
{
	struct worker *w = arg;
	struct esp_rx *rx = sa_find(&w->env->sas, m->spi);
	struct carrier_sa *sa;

	if (rx == NULL)
		return;		/* the session has ended meanwhile */
	sa = carrier_sa_of(rx);
	if (m->kind == MAIL_SEND)
		take_send(w, sa->carrier, m);
	else if (m->kind == MAIL_ASK)
		take_ask(w, sa->carrier, m);
	else if (m->kind == MAIL_INNER)
		stats_count(&w->stats, deliver(w, sa, m->bytes, m->len), 1);
	else if (m->kind == MAIL_DATAGRAM)
		stats_count(&w->stats, take_datagram(w, sa, m->bytes, m->len, &m->from), 1);
}

static void
on_mail(void *arg, uint32_t events)
{
	struct worker *w = arg;

	(void) events;
	mail_take(&w->env->mail, w->number, take_mail, worker_flush, w);
}

/* --- life ------------------------------------------------------------------------------------- */

static int
add_udp(struct worker *w, int fd)
{
	unsigned i = w->udp.n;
	int rc = ev_io_add(w->ev, &w->udp_io[i], fd, EPOLLIN, on_udp, w);

	if (rc < 0)
		return rc;
	w->udp.fds[w->udp.n++] = fd;
	udp_rx_add(&w->rx, &w->udp, i);
	return 0;
}

int
worker_init(struct worker *w, unsigned number, struct worker_env *env, struct ev *ev,
    const struct worker_parts *parts)
{
	int rc;

	memset(w, 0, sizeof(*w));
	w->number = number;
	w->env = env;
	w->ev = ev;
	tunq_init(&w->tun, parts->tun, &parts->features, &w->stats);
	udp_tx_init(&w->tx, &w->udp, parts->offload, &w->stats);
	udp_rx_init(&w->rx, parts->offload);
	if ((rc = ev_io_add(ev, &w->tun_io, parts->tun, EPOLLIN, on_tun, w)) == 0)
		rc = mail_open(&env->mail, number, ev, on_mail, w);
	for (unsigned i = 0; i < parts->nudp; i++) {
		if (rc < 0 || (rc = add_udp(w, parts->udp[i])) < 0)
			close(parts->udp[i]);
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
}

const char *
worker_describe(const struct worker *w, char buf[WORKER_TEXT_MAX])
{
	const struct tun_features *tun = &w->tun.features;

	snprintf(buf, WORKER_TEXT_MAX, "workers %u, tun %s, udp out %s, udp in %s, aead %s",
	    w->env->nworkers, !tun->vnet ? "single" : tun->uso ? "tso uso" : tun->tso ? "tso" : "join",
	    atom_get(&w->tx.segment) ? "gso" : w->tx.many ? "batch" : "single",
	    w->rx.joined ? "gro" : w->rx.many ? "batch" : "single", aead_library());
	return buf;
}
