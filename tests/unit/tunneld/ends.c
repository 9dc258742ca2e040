/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tunneld/ends.h"

#include <check.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "daemons/tunneld/session_path.h"
#include "tests/unit/tunneld/certs.h"
#include "tests/unit/tunneld/netns.h"

#define USUAL_KEEPALIVE_MS 25000
#define USUAL_DEAD_AFTER_MS 75000

/* --- what a role is told ---------------------------------------------------------------------- */

static struct side *
side_of(struct session *s)
{
	return s->env->role;
}

static void
forget(struct session *s)
{
	struct side *side = side_of(s);

	if (side->session == s)
		side->session = NULL;
	session_free(s);
}

static void
on_up(struct session *s)
{
	side_of(s)->ups++;
	peer_use(s->peer, s);
}

static void
on_dead(struct session *s, const char *why)
{
	side_of(s)->deaths++;
	strncpy(side_of(s)->why, why, sizeof(side_of(s)->why) - 1);
	forget(s);
}

static void
on_goodbye(struct session *s, const char *reason)
{
	side_of(s)->goodbyes++;
	strncpy(side_of(s)->why, reason, sizeof(side_of(s)->why) - 1);
	if (!side_of(s)->keeps)
		forget(s);
}

static void
on_control_lost(struct session *s)
{
	side_of(s)->losses++;
}

static void
on_worn(struct session *s)
{
	side_of(s)->worns++;
}

static void
on_mtu(struct session *s)
{
	side_of(s)->mtus++;
}

static void
on_empty(void *role, struct peer *peer)
{
	struct side *side = role;

	(void) peer;
	side->empties++;
}

static const struct session_ops session_ops = {
	.up = on_up,
	.dead = on_dead,
	.goodbye = on_goodbye,
	.control_lost = on_control_lost,
	.worn = on_worn,
	.mtu = on_mtu,
	.empty = on_empty,
};

/* --- before there are sessions ---------------------------------------------------------------- */

static void
on_ready(void *owner)
{
	((struct side *) owner)->joined = true;
}

static void
on_control(void *owner, const struct control *msg)
{
	(void) owner, (void) msg;
}

static void
on_packet(void *owner, const uint8_t *pkt, size_t len)
{
	(void) owner, (void) pkt, (void) len;
}

static void
on_closed(void *owner, const char *why)
{
	(void) owner;
	ck_abort_msg("the connection has failed: %s", why);
}

static const struct conn_ops conn_ops = {
	.ready = on_ready,
	.control = on_control,
	.packet = on_packet,
	.closed = on_closed,
};

/* --- the parts of a side ---------------------------------------------------------------------- */

static void
on_tun(void *arg, uint32_t events)
{
	struct side *s = arg;
	uint8_t buf[2048];
	ssize_t n;

	(void) events;
	while ((n = recv(s->tun, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		for (size_t i = 20; i < (size_t) n; i++)
			ck_assert_uint_eq(buf[i], (uint8_t) (i * 3));
		s->got++;
	}
}

static void
side_init(struct ends *e, struct side *s)
{
	struct ip_addr loopback = netns_addr("127.0.0.1");
	struct err err = { 0 };
	int tun[2], udp;

	ck_assert_msg(udp_open(&loopback, 0, 1, &udp, &err) == 0, "%s", err.text);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, tun), 0);
	ck_assert_int_eq(workers_init(&s->workers, e->ev, &(struct workers_parts){ .n = 1,
	    .tuns = tun, .udp = &udp, .nudp = 1, .offload = CONF_OFFLOAD_OFF,
	    .in_loop = true }), 0);
	s->tun = tun[1];
	ck_assert_int_eq(ev_io_add(e->ev, &s->tun_io, s->tun, EPOLLIN, on_tun, s), 0);
	LIST_INIT(&s->peer.sessions);
	strcpy(s->peer.id, s == &e->server ? "n-1" : "server");
	session_env_init(&s->env, e->ev, &s->workers, &session_ops, s);
}

static void
side_fini(struct ends *e, struct side *s)
{
	struct session *old;

	conn_free(s->conn);
	while ((old = LIST_FIRST(&s->peer.sessions)) != NULL)
		session_free(old);
	ev_io_del(e->ev, &s->tun_io);
	close(s->tun);
	workers_fini(&s->workers);
}

/* Which packets are whose. */
static void
set_addresses(struct ends *e)
{
	e->server.workers.env.network = netns_prefix(ENDS_SERVER "/24");
	e->server.peer.addr = netns_addr(ENDS_NODE);
	ck_assert_int_eq(route_set(&e->server.workers.env.routes, &e->server.peer.addr,
	    &e->server.peer.outlet), 0);
	e->node.peer.addr = netns_addr(ENDS_SERVER);
	e->node.peer.any_source = true;
	e->node.workers.env.uplink = &e->node.peer.outlet;
}

/* --- a session -------------------------------------------------------------------------------- */

static void
join(struct ends *e)
{
	struct err err = { 0 };
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	ck_assert_int_eq(conn_new(&e->conns, certs()->server, fds[0], NULL, &conn_ops, &e->server,
	    &e->server.conn, &err), 0);
	ck_assert_int_eq(conn_new(&e->conns, certs()->node, fds[1], CERTS_HOST, &conn_ops, &e->node,
	    &e->node.conn, &err), 0);
	LOOP_UNTIL(e->ev, e->server.joined && e->node.joined);
}

static void
start(struct side *s, bool server, uint32_t peer_spi, const struct ends_conf *conf)
{
	struct session_conf c = {
		.peer = &s->peer,
		.epoch = 1,
		.server = server,
		.cipher = AEAD_AES_256_GCM,
		.peer_workers = 1,
		.peer_spis = &peer_spi,
		.npeer_spis = conf->no_esp ? 0 : 1,
		.roams = server,
		.tls_allowed = server || !conf->no_tls,
		.mtu = 1400,
		.mtu_top = conf->mtu_top,
		.keepalive_ms = conf->keepalive_ms,
		.dead_after_ms = conf->dead_after_ms,
		.version = "test",
	};

	if (conf->keepalive_ms == 0) {
		c.keepalive_ms = USUAL_KEEPALIVE_MS;
		c.dead_after_ms = USUAL_DEAD_AFTER_MS;
	}
	ck_assert_int_eq(session_start(s->session, &c, s->conn), 0);
	s->conn = NULL;
	peer_use(&s->peer, s->session);
}

static void
start_both(struct ends *e, const struct ends_conf *conf)
{
	struct udp_end end = { .socket = 0, .peer_len = sizeof(struct sockaddr_in) };

	ck_assert_int_eq(session_new(&e->server.env, 1, &e->server.session), 0);
	ck_assert_int_eq(session_new(&e->node.env, 1, &e->node.session), 0);
	start(&e->server, true, ends_rx(&e->node)->spi, conf);
	start(&e->node, false, ends_rx(&e->server)->spi, conf);
	memcpy(&end.peer, &e->relay.front_addr, sizeof(e->relay.front_addr));
	if (!conf->no_esp)
		session_set_end(e->node.session, &end);
}

static void
wake_both(void *arg)
{
	struct ends *e = arg;

	workers_wake(&e->server.workers);
	workers_wake(&e->node.workers);
}

void
ends_init(struct ends *e, const struct ends_conf *conf)
{
	struct sockaddr_in server;
	socklen_t len = sizeof(server);

	memset(e, 0, sizeof(*e));
	log_set_level(LOG_LV_ERR);
	ck_assert_int_eq(ev_new(&e->ev), 0);
	conn_env_init(&e->conns, e->ev);
	e->conns.flush = wake_both;
	e->conns.flush_arg = e;
	side_init(e, &e->server);
	side_init(e, &e->node);
	set_addresses(e);
	getsockname(ends_worker(&e->server)->udp.fds[0], (struct sockaddr *) &server, &len);
	relay_init(&e->relay, e->ev, &server);
	join(e);
	start_both(e, conf == NULL ? &(struct ends_conf){ .no_esp = false } : conf);
}

void
ends_again(struct ends *e)
{
	e->server.joined = e->node.joined = false;
	join(e);
	start_both(e, &(struct ends_conf){ .no_esp = false });
}

void
ends_fini(struct ends *e)
{
	side_fini(e, &e->server);
	side_fini(e, &e->node);
	relay_fini(&e->relay);
	conn_env_fini(&e->conns);
	ev_free(e->ev);
}

/* --- what tests do with it -------------------------------------------------------------------- */

bool
ends_on_udp(const struct ends *e)
{
	return session_path_on_udp(e->server.session) && session_path_on_udp(e->node.session) &&
	    ends_proven(&e->server);
}

void
ends_reach_udp(struct ends *e)
{
	LOOP_UNTIL(e->ev, ends_on_udp(e));
}

void
ends_write(struct side *from, const char *src, const char *dst, size_t len)
{
	struct ip_addr s = netns_addr(src), d = netns_addr(dst);
	uint8_t pkt[2048] = { 0x45, 0, (uint8_t) (len >> 8), (uint8_t) len };

	ck_assert_uint_le(len, sizeof(pkt));
	memcpy(pkt + 12, s.b, 4);
	memcpy(pkt + 16, d.b, 4);
	for (size_t i = 20; i < len; i++)
		pkt[i] = (uint8_t) (i * 3);
	ck_assert_int_eq(send(from->tun, pkt, len, MSG_DONTWAIT), (ssize_t) len);
}

void
ends_send(struct ends *e, struct side *from, size_t len)
{
	bool server = from == &e->server;

	ends_write(from, server ? ENDS_SERVER : ENDS_NODE, server ? ENDS_NODE : ENDS_SERVER, len);
}

void
ends_pass(struct ends *e, struct side *from)
{
	struct side *to = from == &e->server ? &e->node : &e->server;
	unsigned before = to->got;

	ends_send(e, from, 100);
	LOOP_UNTIL(e->ev, to->got > before);
}

void
ends_send_esp(struct ends *e, const void *text, size_t len, enum esp_next next)
{
	uint8_t buf[1500 + ESP_TRAILER];
	struct udp_tx *tx = &ends_worker(&e->node)->tx;
	size_t esp_len = esp_sealed_len(len);

	memcpy(buf, text, len);
	ck_assert_int_eq(esp_seal(ends_tx(&e->node), buf, len, next,
	    udp_tx_room(tx, session_path_end(e->node.session), esp_len)),
	    VERDICT_OK);
	udp_tx_put(tx, esp_len);
	udp_tx_flush(tx);
}

uint64_t
ends_count(const struct side *s, enum verdict v)
{
	struct stats all;

	workers_stats(&s->workers, &all);
	return all.count[v];
}

struct worker *
ends_worker(const struct side *s)
{
	return workers_get(&s->workers, 0);
}

struct esp_tx *
ends_tx(const struct side *s)
{
	return &s->session->carrier->lanes[0].tx;
}

struct esp_rx *
ends_rx(const struct side *s)
{
	return &s->session->carrier->sas[0].rx;
}

bool
ends_proven(const struct side *s)
{
	return s->session->carrier->end != NULL && s->session->carrier->end->proven;
}
