/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/worker_send.h"

#include "daemons/tunneld/atom.h"
#include "daemons/tunneld/icmp_big.h"
#include "daemons/tunneld/ippkt.h"
#include "daemons/tunneld/tcpmss.h"
#include "daemons/tunneld/worker_mail.h"

#define ANSWERS_PER_SECOND 200	/* of packets that are too big */

/* Another thread sends it: the one that has the TLS connection, or an SA that we have not. */
static enum verdict
hand_over(struct worker *w, unsigned to, const struct carrier *c, const uint8_t *pkt, size_t len,
    enum esp_next next)
{
	struct mail m = { .kind = MAIL_SEND, .next = next, .len = (uint32_t) len };

	return worker_post(w, to, c, m, pkt) ? VERDICT_OK : VERDICT_THREAD_QUEUE_FULL;
}

enum verdict
worker_send_esp(struct worker *w, struct carrier *c, uint8_t *pkt, size_t len, enum esp_next next)
{
	unsigned news, home = sa_worker(c->sas[0].rx.spi);
	enum verdict v;

	if (c->nkeyed == 0)
		return VERDICT_PATH_DOWN;
	if (!carrier_is_keyed(c, w->number))
		return hand_over(w, home % c->nkeyed, c, pkt, len, next);
	v = carrier_seal(c, w->number, &w->tx, pkt, len, next, ev_now_us(w->ev), &news);
	if (news != 0)
		worker_report(w, NULL, c, news, (struct mail){ .len = 0 });
	return v;
}

/* Of a packet that does not pass in UDP: is its sender to make it shorter? Else it goes in TLS. */
static bool
refuses(const struct carrier *c, const uint8_t *pkt, size_t len)
{
	return icmp_big_may_refuse(pkt, len) && len > carrier_mtu(c, pkt[0] >> 4 == 6);
}

/* By the path of the moment. */
static enum verdict
choose(struct worker *w, struct carrier *c, uint8_t *pkt, size_t len)
{
	enum verdict v = VERDICT_ENDPOINT_UNPROVEN;
	bool udp = atom_get(&c->on_udp), tls = atom_get(&c->over_tls);
	enum esp_next next = ippkt_next_header(pkt);

	if (udp && len > atom_get(&c->udp_max)) {
		if (refuses(c, pkt, len))
			return VERDICT_INNER_TOO_BIG;
		udp = !tls;	/* without it: in fragments, perhaps */
	}
	tcpmss_clamp(pkt, len, carrier_mtu(c, false));
	if (udp)
		v = worker_send_esp(w, c, pkt, len, next);
	if (v == VERDICT_ENDPOINT_UNPROVEN)	/* held back: it may still go the other way */
		v = tls ? hand_over(w, w->env->nworkers, c, pkt, len, next) : VERDICT_PATH_DOWN;
	return v;
}

static enum verdict
send_packet(struct worker *w, struct carrier *c, uint8_t *pkt, size_t len)
{
	struct carrier_lane *lane = &c->lanes[w->number];
	enum verdict v = choose(w, c, pkt, len);

	if (v == VERDICT_OK) {
		atom_count(&lane->packets, 1);
		atom_count(&lane->bytes, len);
	}
	return v;
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
answer_too_big(struct worker *w, const struct carrier *to, struct carrier *from, const uint8_t *pkt,
    size_t len)
{
	uint8_t answer[ICMP_BIG_MAX + ESP_TRAILER];
	size_t n = 0;

	if (may_answer(w))
		n = icmp_big_make(pkt, len, carrier_mtu(to, pkt[0] >> 4 == 6), answer);
	if (n == 0)
		return;
	if (from != NULL) {
		send_packet(w, from, answer, n);
		return;
	}
	tunq_write(&w->tun, answer, n);
	tunq_flush(&w->tun);	/* while it is there */
}

enum verdict
worker_send(struct worker *w, const struct outlet *to, struct carrier *from, uint8_t *pkt,
    size_t len)
{
	struct carrier *c = atom_take(&to->carrier);
	enum verdict v = c == NULL ? VERDICT_NODE_OFFLINE : send_packet(w, c, pkt, len);

	if (v == VERDICT_INNER_TOO_BIG)
		answer_too_big(w, c, from, pkt, len);
	return v;
}
