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
#include "daemons/tunneld/atom.h"
#include "daemons/tunneld/carrier_key.h"
#include "daemons/tunneld/session_mtu.h"
#include "daemons/tunneld/session_path.h"

#define OVERLAP_MS 10000	/* how long a replaced session still receives */
#define HOLD_MS 500		/* and may still send, while the new one's path is asked */

static void on_tick(void *arg);
static void schedule(struct session *s);

static struct workers *
workers_of(const struct session *s)
{
	return s->env->workers;
}

/* --- which one sends ---------------------------------------------------------------------------- */

static bool
is_held(const struct peer *peer)
{
	const struct session *s = peer->current, *before = peer->sending;

	return s != NULL && before != NULL && before != s && session_path_on_udp(before) &&
	    !session_path_on_udp(s) && clock_mono_ms() < peer->held_ms;
}

static void
switch_sender(struct peer *peer)
{
	peer->sending = peer->current;
	atom_publish(&peer->outlet.carrier, peer->sending == NULL ? NULL : peer->sending->carrier);
}

static void
choose_sender(struct peer *peer)
{
	if (peer->sending != peer->current && !is_held(peer))
		switch_sender(peer);
}

void
peer_use(struct peer *peer, struct session *s)
{
	peer->current = s;
	peer->held_ms = clock_mono_ms() + HOLD_MS;
	choose_sender(peer);
	if (s != NULL)
		schedule(s);
}

/* --- when is the next thing to do ------------------------------------------------------------- */

int64_t
session_heard_ms(const struct session *s)
{
	int64_t udp_ms = atom_get(&s->carrier->rx_us) / 1000;

	return udp_ms > s->rx_ms ? udp_ms : s->rx_ms;
}

/* What workers have received and sent since the last look. */
static void
catch_up(struct session *s)
{
	s->rx_ms = session_heard_ms(s);
	session_path_catch_up(s);
}

static int64_t
keepalive_due_ms(const struct session *s)
{
	return conn_last_tx_ms(s->conn) + s->keepalive_ms;
}

/* Each end hears the other one at every keepalive: a silent connection is broken, UDP or not. */
static int64_t
conn_dead_ms(const struct session *s)
{
	return conn_last_rx_ms(s->conn) + s->dead_after_ms;
}

static void
schedule(struct session *s)
{
	int64_t now = clock_mono_ms(), due;

	if (s->retired)
		return;	/* its timer is the overlap's end */
	catch_up(s);
	choose_sender(s->peer);
	due = s->rx_ms + s->dead_after_ms;
	if (s == s->peer->current && s != s->peer->sending && s->peer->held_ms < due)
		due = s->peer->held_ms;
	if (s->conn != NULL && keepalive_due_ms(s) < due)
		due = keepalive_due_ms(s);
	if (s->conn != NULL && conn_dead_ms(s) < due)
		due = conn_dead_ms(s);
	if (session_path_due(s) / 1000 + 1 < due)
		due = session_path_due(s) / 1000 + 1;
	if (session_mtu_due(s) / 1000 + 1 < due)
		due = session_mtu_due(s) / 1000 + 1;
	ev_timer_start(s->env->ev, &s->tick, due - now, on_tick, s);
}

/* --- where the peer is -------------------------------------------------------------------------- */

void
session_look(struct session *s)
{
	session_path_look(s);
	schedule(s);
}

void
session_set_end(struct session *s, const struct udp_end *end)
{
	session_path_set_end(s, end);
	schedule(s);
}

/* --- what workers say --------------------------------------------------------------------------- */

static void
note_alive(struct session *s, int64_t ms)
{
	if (ms > s->rx_ms)
		s->rx_ms = ms;
	if (s->is_up || s->retired)
		return;
	s->is_up = true;
	s->env->ops->up(s);
}

/* A packet for the peer that its worker could not send by an SA. */
static void
send_tls(struct session *s, struct mail *m)
{
	enum verdict v = VERDICT_OK;

	if (s->conn == NULL || !s->tls_allowed || m->next == ESP_NEXT_NONE)
		v = VERDICT_PATH_DOWN;
	else if (conn_send_packet(s->conn, m->bytes, m->len) < 0)
		v = VERDICT_TLS_QUEUE_FULL;
	if (v != VERDICT_OK)
		stats_count(&workers_of(s)->stats, v, 1);
}

/* The echo that came back, or that our link did not take, by its nonce. */
static uint64_t
nonce_of(const struct mail *m)
{
	struct wire w = wire_reader(m->bytes, m->len);

	wire_get_u8(&w);
	return wire_get_u64(&w);
}

static void
take_echo(struct session *s, const struct mail *m)
{
	session_path_answered(s, nonce_of(m), m);
	session_mtu_answered(s, nonce_of(m));
	schedule(s);
}

/* The network says at once what silence would have told, or padded echoes. */
static void
take_unsent(struct session *s, unsigned why)
{
	if ((why & UDP_TOO_LONG) != 0)
		mtu_suspect(&s->mtu, clock_mono_us());
	if ((why & UDP_NO_WAY) != 0 && s->env->ops->no_way != NULL)
		s->env->ops->no_way(s);
	schedule(s);
}

static void
hear(void *arg, struct mail *m)
{
	struct session_env *env = arg;
	struct esp_rx *rx = sa_find(&env->workers->env.sas, m->spi);
	struct session *s = rx == NULL ? NULL : carrier_sa_of(rx)->carrier->session;

	if (s == NULL || s->peer == NULL)
		return;		/* it has ended, or not begun */
	switch (m->kind) {
	case MAIL_SEND:
		send_tls(s, m);
		break;
	case MAIL_HEARD:
		note_alive(s, m->now_us / 1000);
		break;
	case MAIL_WAITING:
		schedule(s);
		break;
	case MAIL_MOVED:
		session_path_follow(s, m);
		schedule(s);
		break;
	case MAIL_ECHO:
		take_echo(s, m);
		break;
	case MAIL_REFUSED:
		session_mtu_refused(s, nonce_of(m));
		schedule(s);
		break;
	case MAIL_UNSENT:
		take_unsent(s, m->size);
		break;
	default:
		break;
	}
}

void
session_env_init(struct session_env *env, struct ev *ev, struct workers *workers,
    const struct session_ops *ops, void *role)
{
	*env = (struct session_env){ .ev = ev, .workers = workers, .ops = ops, .role = role };
	workers->hear = hear;
	workers->hear_arg = env;
}

/* --- the control connection ------------------------------------------------------------------- */

/* UDP may go on without it; a session that has no other path is over. */
static void
on_conn_closed(void *owner, const char *why)
{
	struct session *s = owner;

	conn_free(s->conn);
	s->conn = NULL;
	session_path_publish(s);
	if (session_path_on_udp(s)) {
		log_info("control_lost", "node=%s epoch=%llu why=%s", s->peer->id,
		    (unsigned long long) s->epoch, LOG_Q(why));
		schedule(s);
		s->env->ops->control_lost(s);
		return;
	}
	s->env->ops->dead(s, why[0] == '\0' ? "the peer closed the connection" : why);
}

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

static void
note_wear(struct session *s)
{
	if (s->is_worn || !atom_get(&s->carrier->worn))
		return;
	s->is_worn = true;
	s->env->ops->worn(s);
}

/*
 * Is answered, unless something was said a moment ago. So two ends whose connection is idle speak at
 * the same time, in one packet each and for one wake-up, whichever began.
 */
static void
take_keepalive(struct session *s)
{
	int64_t now = clock_mono_ms();

	note_alive(s, now);
	note_wear(s);
	if (s->conn != NULL && now - conn_last_tx_ms(s->conn) >= s->keepalive_ms / 4)
		send_keepalive(s);
}

static void
on_control(void *owner, const struct control *msg)
{
	struct session *s = owner;

	switch (msg->type) {
	case CONTROL_KEEPALIVE:
		take_keepalive(s);
		break;
	case CONTROL_GOODBYE:
		s->env->ops->goodbye(s, msg->refuse.reason);
		break;
	case CONTROL_ADD_SPI:
		note_alive(s, clock_mono_ms());
		if (seen_add(&s->seen, msg->add_spi.spis, msg->add_spi.nspis) < 0)
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

/* To the worker whose SA the first one is. */
static void
on_packet(void *owner, const uint8_t *pkt, size_t len)
{
	struct session *s = owner;
	uint32_t spi = s->carrier->sas[0].rx.spi;
	struct mail m = { .kind = MAIL_INNER, .spi = spi, .len = (uint32_t) len };

	note_alive(s, clock_mono_ms());
	if (!workers_tell(workers_of(s), sa_worker(spi), &m, pkt))
		stats_count(&workers_of(s)->stats, VERDICT_THREAD_QUEUE_FULL, 1);
}

static const struct conn_ops conn_ops = {
	.control = on_control,
	.packet = on_packet,
	.closed = on_conn_closed,
};

/* --- the timer -------------------------------------------------------------------------------- */

static void
on_tick(void *arg)
{
	struct session *s = arg;
	int64_t now = clock_mono_ms();

	if (s->retired) {
		session_free(s);
		return;
	}
	catch_up(s);
	if (s->conn != NULL && conn_last_rx_ms(s->conn) > s->rx_ms)
		s->rx_ms = conn_last_rx_ms(s->conn);
	if (now - s->rx_ms >= s->dead_after_ms) {
		s->env->ops->dead(s, "silent for too long");
		return;
	}
	if (session_path_due(s) <= clock_mono_us())
		session_path_tick(s);
	if (session_mtu_due(s) <= clock_mono_us())
		session_mtu_tick(s);
	note_wear(s);
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
session_new(struct session_env *env, unsigned peer_workers, struct session **out)
{
	struct session *s = calloc(1, sizeof(*s));
	uint8_t random;
	int rc;

	if (s == NULL)
		return -ENOMEM;
	secret_random(&random, sizeof(random));	/* sessions are spread over the workers */
	s->env = env;
	rc = carrier_new(&env->workers->env.sas, env->workers->n, peer_workers,
	    random % env->workers->n, &s->carrier);
	if (rc < 0) {
		free(s);
		return rc;
	}
	s->carrier->session = s;
	*out = s;
	return 0;
}

unsigned
session_spis(const struct session *s, uint32_t *out)
{
	const struct carrier *c = s->carrier;

	for (unsigned i = 0; i < c->nsas; i++)
		out[i] = c->sas[i].rx.spi;
	return c->nsas;
}

/*
 * For how long an end says nothing, nor asks by UDP. A server leaves the first word to the node, at
 * whose side a NAT has to see it, and answers: with thousands of nodes, timers of its own would be
 * most of what it does when nothing happens. It speaks by itself half the way to giving up.
 */
static uint32_t
patience(const struct session_conf *conf)
{
	return conf->server ? (conf->keepalive_ms + conf->dead_after_ms) / 2 : conf->keepalive_ms;
}

/* Before a worker sees it. Mail about it is taken from now on. */
static void
fill(struct session *s, const struct session_conf *conf)
{
	s->peer = conf->peer;
	s->epoch = conf->epoch;
	s->cipher = conf->cipher;
	s->tls_allowed = conf->tls_allowed;
	s->keepalive_ms = patience(conf);
	s->dead_after_ms = conf->dead_after_ms;
	strncpy(s->version, conf->version, sizeof(s->version) - 1);
	s->rx_ms = clock_mono_ms();
	s->since_s = clock_utc_s();
	s->carrier->addr = conf->peer->addr;
	s->carrier->any_source = conf->peer->any_source;
	s->carrier->roams = conf->roams;
	s->mtu_begin = conf->mtu;
	session_mtu_begin(s, conf->mtu_top);
	probe_init(&s->probe, clock_mono_us(), (int64_t) s->keepalive_ms * 1000);
}

static int
make_keys(struct session *s, const struct session_conf *conf, struct tls *tls)
{
	struct carrier_keying k = {
		.tls = tls,
		.server = conf->server,
		.cipher = conf->cipher,
		.peer_workers = conf->peer_workers,
		.peer_spis = conf->peer_spis,
		.npeer_spis = conf->npeer_spis,
	};
	int rc = seen_add(&s->seen, conf->peer_spis, conf->npeer_spis);

	return rc < 0 || conf->npeer_spis == 0 ? rc : carrier_key(s->carrier, &k);
}

int
session_start(struct session *s, const struct session_conf *conf, struct conn *conn)
{
	int rc;

	fill(s, conf);
	if ((rc = make_keys(s, conf, conn_tls(conn))) < 0) {
		s->peer = NULL;
		return rc;
	}
	s->conn = conn;
	conn_trust(conn);
	conn_give(conn, &conn_ops, s);
	LIST_INSERT_HEAD(&s->peer->sessions, s, link);
	session_path_publish(s);
	schedule(s);
	return 0;
}

static void
leave_peer(struct session *s)
{
	LIST_REMOVE(s, link);
	if (s->peer->current == s)
		s->peer->current = NULL;
	if (s->peer->sending == s || !is_held(s->peer))
		switch_sender(s->peer);
	if (LIST_EMPTY(&s->peer->sessions))
		s->env->ops->empty(s->env->role, s->peer);
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	carrier_add_traffic(s->carrier, &s->env->past);
	ev_timer_stop(s->env->ev, &s->tick);
	conn_free(s->conn);
	if (s->peer != NULL)
		leave_peer(s);
	carrier_bury(s->carrier, &workers_of(s)->env.sas, &workers_of(s)->grave);
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
		peer_use(s->peer, NULL);
	session_path_publish(s);
	ev_timer_start(s->env->ev, &s->tick, OVERLAP_MS, on_tick, s);
}
