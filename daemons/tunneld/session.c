/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/session.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/reason.h"
#include "common/secret.h"
#include "common/wire.h"
#include "daemons/tunneld/ippkt.h"
#include "daemons/tunneld/session_mtu.h"
#include "daemons/tunneld/tcpmss.h"

#define EXPORTER_LABEL "EXPORTER-litevpn-esp"
#define EXPORTER_LEN (AEAD_KEY_LEN + AEAD_SALT_LEN)
#define OVERLAP_MS 10000	/* how long a replaced session still receives */
#define ECHOES_PER_SECOND 10
#define ECHO_REQUEST 0
#define ECHO_REPLY 1
#define MOVES_MS 1000		/* between lines in the log: a node can move with each packet */
#define UNPROVEN_FACTOR 3	/* as in RFC 9000, 8.1: no amplification towards a forged source */

static void on_tick(void *arg);

/* --- when is the next thing to do ------------------------------------------------------------- */

/* Asks over UDP only where there is ESP both ways and an end to ask. */
static bool
can_probe(const struct session *s)
{
	return s->end_known && s->tx.aead != NULL && s->rx.aead != NULL;
}

static int64_t
keepalive_due_ms(const struct session *s)
{
	return conn_last_tx_ms(s->conn) + s->keepalive_ms;
}

/* Both ends speak every keepalive: a connection that says nothing is broken, UDP or not. */
static int64_t
conn_dead_ms(const struct session *s)
{
	return conn_last_rx_ms(s->conn) + s->dead_after_ms;
}

static void
schedule(struct session *s)
{
	int64_t now = clock_mono_ms(), due = s->rx_ms + s->dead_after_ms;

	if (s->retired)
		return;	/* its timer is the overlap's end */
	if (s->conn != NULL && keepalive_due_ms(s) < due)
		due = keepalive_due_ms(s);
	if (s->conn != NULL && conn_dead_ms(s) < due)
		due = conn_dead_ms(s);
	if (can_probe(s) && probe_due(&s->probe) / 1000 + 1 < due)
		due = probe_due(&s->probe) / 1000 + 1;
	if (session_mtu_due(s) / 1000 + 1 < due)
		due = session_mtu_due(s) / 1000 + 1;
	ev_timer_start(s->env->ev, &s->tick, due - now, on_tick, s);
}

/* --- sending ---------------------------------------------------------------------------------- */

static enum verdict
send_udp(struct session *s, uint8_t *pkt, size_t len, enum esp_next next)
{
	size_t esp_len = esp_sealed_len(len);
	enum verdict v;

	if (!s->end_proven && s->end_credit < (int64_t) esp_len)
		return VERDICT_ENDPOINT_UNPROVEN;
	v = esp_seal(&s->tx, pkt, len, next, udp_tx_room(s->env->tx, &s->end, esp_len));
	if (v != VERDICT_OK)
		return v;
	s->end_credit -= (int64_t) esp_len;
	udp_tx_put(s->env->tx, esp_len);
	return VERDICT_OK;
}

static bool
has_tls(const struct session *s)
{
	return s->conn != NULL && s->tls_allowed;
}

static enum verdict
send_tls(struct session *s, const uint8_t *pkt, size_t len)
{
	if (!has_tls(s))
		return VERDICT_PATH_DOWN;
	return conn_send_packet(s->conn, pkt, len) < 0 ? VERDICT_TLS_QUEUE_FULL : VERDICT_OK;
}

bool
session_on_udp(const struct session *s)
{
	return s->probe.on_udp && can_probe(s);
}

enum verdict
session_send(struct session *s, uint8_t *pkt, size_t len)
{
	enum verdict v = VERDICT_ENDPOINT_UNPROVEN;
	bool udp = session_on_udp(s);

	if (udp && len > s->udp_max) {
		if (session_mtu_refuses(s, pkt, len))
			return VERDICT_INNER_TOO_BIG;
		udp = !has_tls(s);	/* without it: in fragments, perhaps */
	}
	tcpmss_clamp(pkt, len, session_mtu(s, false));
	if (udp) {
		v = send_udp(s, pkt, len, ippkt_next_header(pkt));
		if (v == VERDICT_OK && probe_sent(&s->probe, ev_now_us(s->env->ev)))
			schedule(s);
	}
	if (v == VERDICT_ENDPOINT_UNPROVEN)	/* held back: it may still go the other way */
		v = send_tls(s, pkt, len);
	if (v == VERDICT_OK) {
		s->tx_packets++;
		s->tx_bytes += len;
	}
	return v;
}

/* --- echoes ----------------------------------------------------------------------------------- */

void
session_put_echo(uint8_t *out, uint64_t nonce)
{
	struct wire w = wire_writer(out, SESSION_ECHO_LEN);

	wire_put_u8(&w, ECHO_REQUEST);
	wire_put_u64(&w, nonce);
}

static void
ask_echo(struct session *s)
{
	uint8_t buf[SESSION_ECHO_LEN + ESP_TRAILER];

	session_put_echo(buf, s->probe.nonce);
	send_udp(s, buf, SESSION_ECHO_LEN, ESP_NEXT_NONE);
	udp_tx_flush(s->env->tx);	/* nothing else may be on its way */
}

/* Answered at the size at which it came, a limited number of times per second. */
static enum verdict
answer_echo(struct session *s, uint8_t *pkt, size_t len)
{
	int64_t now = clock_mono_ms();

	if (now - s->echo_window_ms >= 1000) {
		s->echo_window_ms = now;
		s->echoes_answered = 0;
	}
	if (s->echoes_answered >= ECHOES_PER_SECOND)
		return VERDICT_ECHO_LIMITED;
	s->echoes_answered++;
	pkt[0] = ECHO_REPLY;
	return send_udp(s, pkt, len, ESP_NEXT_NONE);
}

static void
path_changed(struct session *s)
{
	log_info("path_changed", "node=%s epoch=%llu transport=%s", s->peer->id,
	    (unsigned long long) s->epoch, session_on_udp(s) ? "udp" : "tls");
}

static void
prove_end(struct session *s)
{
	int64_t now = clock_mono_ms();

	s->end_proven = true;
	if (!s->end_moved || now - s->end_logged_ms < MOVES_MS)
		return;
	s->end_moved = false;
	s->end_logged_ms = now;
	log_info("endpoint_moved", "node=%s to=%s", s->peer->id, SOCK_TEXT(&s->end.peer));
}

static enum verdict
handle_echo(struct session *s, uint8_t *pkt, size_t len, const struct udp_end *from)
{
	struct wire w = wire_reader(pkt, len);
	uint8_t type = wire_get_u8(&w);
	uint64_t nonce = wire_get_u64(&w);

	if (w.failed || type > ECHO_REPLY)
		return VERDICT_ECHO_BAD;
	if (type == ECHO_REQUEST)
		return answer_echo(s, pkt, len);
	/* Only the answer to the question that is out proves the end that it was sent to. */
	if (nonce == s->probe.nonce && nonce != 0 && udp_end_equal(from, &s->end))
		prove_end(s);
	if (probe_answered(&s->probe, nonce, clock_mono_us()))
		path_changed(s);
	session_mtu_answered(s, nonce);
	schedule(s);
	return VERDICT_OK;
}

/* --- receiving -------------------------------------------------------------------------------- */

static void
note_alive(struct session *s)
{
	s->rx_ms = ev_now_us(s->env->ev) / 1000;
	if (s->is_up || s->retired)
		return;
	s->is_up = true;
	s->env->ops->up(s);
}

void
session_set_end(struct session *s, const struct udp_end *end)
{
	if (s->end_known)
		mtu_moved(&s->mtu, clock_mono_us());
	s->end = *end;
	s->end_known = true;
	s->end_proven = !s->roams;	/* a node knows where its server is */
	s->end_credit = 0;
	probe_moved(&s->probe, clock_mono_us());
	schedule(s);
}

void
session_look(struct session *s)
{
	if (!s->end_known)
		return;
	probe_moved(&s->probe, clock_mono_us());
	mtu_moved(&s->mtu, clock_mono_us());
	schedule(s);
}

/* Only the newest packet moves the end: an old one, replayed from elsewhere, does not. */
static void
follow(struct session *s, const struct udp_end *from, uint64_t seq, size_t len)
{
	bool same = s->end_known && udp_end_equal(&s->end, from);

	if (!s->roams)
		return;
	if (same && !s->end_proven)
		s->end_credit += UNPROVEN_FACTOR * (int64_t) len;
	if (same || seq != s->rx.replay.top)
		return;
	s->end_moved |= s->end_known;
	session_set_end(s, from);
	s->end_credit = UNPROVEN_FACTOR * (int64_t) len;
}

static enum verdict
receive_inner(struct session *s, uint8_t *pkt, size_t len)
{
	enum verdict v = s->env->deliver(s->env->deliver_arg, s, pkt, len);

	if (v == VERDICT_OK) {
		s->rx_packets++;
		s->rx_bytes += len;
	}
	return v;
}

enum verdict
session_input(struct session *s, uint8_t *pkt, size_t len, const struct udp_end *from)
{
	uint8_t *inner, next;
	size_t inner_len;
	uint64_t seq;
	enum verdict v;

	if (s->rx.aead == NULL)
		return VERDICT_ESP_SPI_UNKNOWN;
	v = esp_open(&s->rx, pkt, len, &inner, &inner_len, &next, &seq);
	if (v != VERDICT_OK)
		return v;
	probe_received(&s->probe, ev_now_us(s->env->ev));
	follow(s, from, seq, len);
	note_alive(s);
	switch (next) {
	case ESP_NEXT_IPV4:
	case ESP_NEXT_IPV6:
		return receive_inner(s, inner, inner_len);
	case ESP_NEXT_NONE:
		return handle_echo(s, inner, inner_len, from);
	default:
		return VERDICT_ESP_NEXT_HEADER;
	}
}

struct session *
session_of_rx(struct esp_rx *rx)
{
	return (struct session *) (void *) ((char *) rx - offsetof(struct session, rx));
}

/* --- the control connection ------------------------------------------------------------------- */

/* A number that was there before would mean a key used twice (design: fatal). */
static int
note_spis(struct session *s, const uint32_t *spis, unsigned n)
{
	const unsigned max = sizeof(s->seen_spis) / sizeof(s->seen_spis[0]);

	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < s->nseen_spis; k++) {
			if (s->seen_spis[k] == spis[i])
				return -EEXIST;
		}
		if (s->nseen_spis == max)
			return -ENOSPC;
		s->seen_spis[s->nseen_spis++] = spis[i];
	}
	return 0;
}

static void
on_control(void *owner, const struct control *msg)
{
	struct session *s = owner;

	switch (msg->type) {
	case CONTROL_KEEPALIVE:
		note_alive(s);
		break;
	case CONTROL_GOODBYE:
		s->env->ops->goodbye(s, msg->refuse.reason);
		break;
	case CONTROL_ADD_SPI:
		note_alive(s);
		if (note_spis(s, msg->add_spi.spis, msg->add_spi.nspis) < 0)
			s->env->ops->dead(s, "the peer repeats an SPI");
		break;
	case CONTROL_CERT_REQUEST:
	case CONTROL_CERT_REPLY:
		if (s->env->ops->cert != NULL)
			s->env->ops->cert(s, msg);
		break;
	case CONTROL_OTHER:
		break;
	default:
		s->env->ops->dead(s, "a message that does not belong here");
		break;
	}
}

static void
on_packet(void *owner, uint8_t *pkt, size_t len)
{
	struct session *s = owner;

	note_alive(s);
	s->env->stats->count[receive_inner(s, pkt, len)]++;
}

/* UDP may go on without it; a session that has no other path is over. */
static void
on_conn_closed(void *owner, const char *why)
{
	struct session *s = owner;

	conn_free(s->conn);
	s->conn = NULL;
	if (session_on_udp(s)) {
		log_info("control_lost", "node=%s epoch=%llu why=%s", s->peer->id,
		    (unsigned long long) s->epoch, LOG_Q(why));
		schedule(s);
		s->env->ops->control_lost(s);
		return;
	}
	s->env->ops->dead(s, why[0] == '\0' ? "the peer closed the connection" : why);
}

static const struct conn_ops conn_ops = {
	.control = on_control,
	.packet = on_packet,
	.closed = on_conn_closed,
};

/* --- the timer -------------------------------------------------------------------------------- */

static void
send_keepalive(struct session *s)
{
	struct control msg = { .type = CONTROL_KEEPALIVE };

	/* A peer that reads nothing loses the connection, not the session. */
	if (conn_send(s->conn, &msg) < 0)
		on_conn_closed(s, "the peer does not read");
	else
		schedule(s);
}

static uint64_t
new_nonce(void)
{
	uint64_t nonce;

	secret_random(&nonce, sizeof(nonce));
	return nonce | 1;	/* never 0 */
}

static void
tick_probe(struct session *s)
{
	bool ask;

	if (probe_tick(&s->probe, new_nonce(), clock_mono_us(), &ask))
		path_changed(s);
	if (!ask)
		return;
	/* Nothing comes back: perhaps only what is long is lost. */
	if (s->probe.waiting_us != 0)
		mtu_suspect(&s->mtu, clock_mono_us());
	ask_echo(s);
}

static void
on_tick(void *arg)
{
	struct session *s = arg;
	int64_t now = clock_mono_ms();

	if (s->retired) {
		session_free(s);
		return;
	}
	if (s->conn != NULL && conn_last_rx_ms(s->conn) > s->rx_ms)
		s->rx_ms = conn_last_rx_ms(s->conn);
	if (now - s->rx_ms >= s->dead_after_ms) {
		s->env->ops->dead(s, "silent for too long");
		return;
	}
	if (can_probe(s) && probe_due(&s->probe) <= clock_mono_us())
		tick_probe(s);
	if (session_mtu_due(s) <= clock_mono_us())
		session_mtu_tick(s);
	if (!s->is_worn && esp_worn(&s->tx, &s->rx)) {
		s->is_worn = true;
		s->env->ops->worn(s);
	}
	/* Last, since it may end the session: the connection. */
	if (s->conn != NULL && conn_dead_ms(s) <= now)
		on_conn_closed(s, "silent for too long");
	else if (s->conn != NULL && keepalive_due_ms(s) <= now)
		send_keepalive(s);
	else
		schedule(s);
}

/* --- life ------------------------------------------------------------------------------------- */

int
session_new(struct session_env *env, struct session **out)
{
	struct session *s = calloc(1, sizeof(*s));
	uint32_t random;
	int rc;

	if (s == NULL)
		return -ENOMEM;
	secret_random(&random, sizeof(random));
	s->env = env;
	if ((rc = sa_add(env->sas, &s->rx, 0, random)) < 0) {
		free(s);
		return rc;
	}
	*out = s;
	return 0;
}

static struct aead *
derive(struct tls *tls, uint8_t direction, enum aead_alg alg, uint32_t spi, bool seal)
{
	uint8_t context[6], out[EXPORTER_LEN];
	struct wire w = wire_writer(context, sizeof(context));
	struct aead *a = NULL;

	wire_put_u8(&w, direction);
	wire_put_u8(&w, (uint8_t) alg);
	wire_put_u32(&w, spi);
	if (tls_export(tls, EXPORTER_LABEL, context, sizeof(context), out, sizeof(out)) == 0)
		a = aead_new(alg, seal, out, out + AEAD_KEY_LEN);
	secret_wipe(out, sizeof(out));
	return a;
}

int
session_start(struct session *s, const struct session_conf *conf, struct conn *conn)
{
	uint8_t rx_direction = conf->server ? 0 : 1;	/* 0: node to server */

	if (conf->peer_spi != 0) {
		s->rx.aead = derive(conn_tls(conn), rx_direction, conf->cipher, s->rx.spi, false);
		s->tx.aead = derive(conn_tls(conn), !rx_direction, conf->cipher, conf->peer_spi,
		    true);
		if (s->rx.aead == NULL || s->tx.aead == NULL)
			return -EIO;
		s->tx.spi = conf->peer_spi;
		note_spis(s, &conf->peer_spi, 1);
	}
	s->peer = conf->peer;
	s->epoch = conf->epoch;
	s->cipher = conf->cipher;
	s->roams = conf->roams;
	s->tls_allowed = conf->tls_allowed;
	s->keepalive_ms = conf->keepalive_ms;
	s->dead_after_ms = conf->dead_after_ms;
	s->mtu_begin = conf->mtu;
	session_mtu_begin(s, conf->mtu_top);
	strncpy(s->version, conf->version, sizeof(s->version) - 1);
	s->rx_ms = clock_mono_ms();
	s->since_s = clock_utc_s();
	probe_init(&s->probe, clock_mono_us(), (int64_t) conf->keepalive_ms * 1000);
	s->conn = conn;
	conn_trust(conn);
	conn_give(conn, &conn_ops, s);
	LIST_INSERT_HEAD(&s->peer->sessions, s, link);
	schedule(s);
	return 0;
}

static void
leave_peer(struct session *s)
{
	LIST_REMOVE(s, link);
	if (s->peer->current == s)
		s->peer->current = NULL;
	if (LIST_EMPTY(&s->peer->sessions))
		s->env->ops->empty(s->env->role, s->peer);
}

static void
keep_traffic(const struct session *s)
{
	struct traffic *past = &s->env->past;

	past->rx_packets += s->rx_packets;
	past->rx_bytes += s->rx_bytes;
	past->tx_packets += s->tx_packets;
	past->tx_bytes += s->tx_bytes;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	keep_traffic(s);
	ev_timer_stop(s->env->ev, &s->tick);
	conn_free(s->conn);
	sa_remove(s->env->sas, &s->rx);
	aead_free(s->rx.aead);
	aead_free(s->tx.aead);
	if (s->peer != NULL)
		leave_peer(s);
	free(s);
}

static void
say_goodbye(struct session *s, int reason)
{
	struct control msg = { .type = CONTROL_GOODBYE };

	if (reason != REASON_NONE)
		strncpy(msg.refuse.reason, reason_name(reason), sizeof(msg.refuse.reason) - 1);
	if (s->conn != NULL)
		conn_send(s->conn, &msg);
}

void
session_bye(struct session *s, int reason)
{
	say_goodbye(s, reason);
	session_free(s);
}

void
session_retire(struct session *s, int reason)
{
	say_goodbye(s, reason);
	conn_free(s->conn);
	s->conn = NULL;
	s->retired = true;
	if (s->peer->current == s)
		s->peer->current = NULL;
	ev_timer_start(s->env->ev, &s->tick, OVERLAP_MS, on_tick, s);
}
