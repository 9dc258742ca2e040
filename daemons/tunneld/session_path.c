/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/session_path.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/secret.h"
#include "common/wire.h"
#include "daemons/tunneld/atom.h"
#include "daemons/tunneld/echo.h"

#define MOVES_MS 1000		/* between lines in the log: a node can move with each packet */
#define UNPROVEN_FACTOR 3	/* as in carrier.c */

/* Asks over UDP only where there is ESP both ways and an end to ask. */
static bool
can_probe(const struct session *s)
{
	return s->carrier->end != NULL && s->carrier->nkeyed > 0;
}

bool
session_path_on_udp(const struct session *s)
{
	return s->probe.on_udp && can_probe(s);
}

void
session_path_publish(struct session *s)
{
	atom_set(&s->carrier->on_udp, session_path_on_udp(s));
	atom_set(&s->carrier->over_tls, s->conn != NULL && s->tls_allowed);
}

void
session_path_catch_up(struct session *s)
{
	struct carrier *c = s->carrier;
	int64_t rx_us = atom_get(&c->rx_us), since_us;

	if (rx_us > s->seen_us)
		probe_received(&s->probe, rx_us);
	s->seen_us = rx_us;
	atom_set(&c->armed, false);	/* then look: a wait that begins now is told by mail */
	since_us = carrier_waits_since(c);
	if (since_us != 0)
		probe_sent(&s->probe, since_us);
	if (s->probe.waiting_us != 0)
		atom_set(&c->armed, true);	/* until it is over, the timer looks again */
}

/* --- questions -------------------------------------------------------------------------------- */

int64_t
session_path_due(const struct session *s)
{
	int64_t due = probe_due(&s->probe), again = s->probe.asked_us + PROBE_FAST_US;

	if (!can_probe(s))
		return INT64_MAX;
	/* An end that is not proven is asked until it answers. */
	return !s->carrier->end->proven && again < due ? again : due;
}

static void
path_changed(struct session *s)
{
	session_path_publish(s);
	log_info("path_changed", "node=%s epoch=%llu transport=%s", s->peer->id,
	    (unsigned long long) s->epoch, session_path_on_udp(s) ? "udp" : "tls");
}

static uint64_t
new_nonce(void)
{
	uint64_t nonce;

	secret_random(&nonce, sizeof(nonce));
	return nonce | 1;	/* never 0 */
}

void
session_path_ask(struct session *s, uint64_t nonce, unsigned len, bool whole)
{
	const struct carrier *c = s->carrier;
	uint8_t text[ECHO_LEN];
	struct wire w = wire_writer(text, sizeof(text));
	uint32_t spi = c->sas[0].rx.spi;
	struct mail m = { .kind = whole ? MAIL_ASK : MAIL_SEND, .spi = spi, .next = ESP_NEXT_NONE,
		.size = len, .len = sizeof(text) };

	wire_put_u8(&w, ECHO_REQUEST);
	wire_put_u64(&w, nonce);
	/* One that cannot be said is asked again, as one that is lost. */
	workers_tell(s->env->workers, sa_worker(spi) % c->nkeyed, &m, text);
	workers_wake(s->env->workers);
}

void
session_path_tick(struct session *s)
{
	bool ask;

	if (probe_due(&s->probe) > clock_mono_us())
		probe_moved(&s->probe, clock_mono_us());	/* it was heard, but not proven */
	if (probe_tick(&s->probe, new_nonce(), clock_mono_us(), &ask))
		path_changed(s);
	if (!ask)
		return;
	/* Nothing comes back: perhaps only what is long is lost. */
	if (s->probe.waiting_us != 0)
		mtu_suspect(&s->mtu, clock_mono_us());
	session_path_ask(s, s->probe.nonce, ECHO_LEN, false);
}

/* --- where the peer is ------------------------------------------------------------------------- */

void
session_path_look(struct session *s)
{
	session_path_catch_up(s);	/* what came before says nothing about the new way */
	probe_moved(&s->probe, clock_mono_us());
	mtu_moved(&s->mtu, clock_mono_us());
	if (can_probe(s))
		session_path_tick(s);	/* at once: what comes meanwhile would be taken for an answer */
}

static void
set_end(struct session *s, const struct udp_end *end, bool proven, int64_t credit)
{
	if (carrier_set_end(s->carrier, end, proven, credit, &s->env->workers->grave) < 0)
		return;		/* without memory it stays where it was */
	session_path_publish(s);
	session_path_look(s);
}

void
session_path_set_end(struct session *s, const struct udp_end *end)
{
	set_end(s, end, !s->carrier->roams, 0);
}

const struct udp_end *
session_path_end(const struct session *s)
{
	return s->carrier->end == NULL ? NULL : &s->carrier->end->udp;
}

void
session_path_follow(struct session *s, const struct mail *m)
{
	const struct udp_end *end = session_path_end(s);

	if (!s->carrier->roams || (end != NULL && udp_end_equal(end, &m->from)))
		return;		/* another worker has told it */
	s->end_moved |= end != NULL;
	set_end(s, &m->from, false, UNPROVEN_FACTOR * (int64_t) m->size);
}

static void
prove_end(struct session *s)
{
	int64_t now = clock_mono_ms();

	atom_set(&s->carrier->end->proven, true);
	if (!s->end_moved || now - s->end_logged_ms < MOVES_MS)
		return;
	s->end_moved = false;
	s->end_logged_ms = now;
	log_info("endpoint_moved", "node=%s to=%s", s->peer->id,
	    SOCK_TEXT(&session_path_end(s)->peer));
}

void
session_path_answered(struct session *s, uint64_t nonce, const struct mail *m)
{
	const struct udp_end *end = session_path_end(s);

	/* Only the answer to the question that is out proves the end that it was sent to. */
	if (nonce == s->probe.nonce && nonce != 0 && end != NULL && udp_end_equal(&m->from, end))
		prove_end(s);
	if (probe_answered(&s->probe, nonce, m->now_us))
		path_changed(s);
}
