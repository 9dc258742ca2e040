/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/reason.h"
#include "common/secret.h"
#include "daemons/tunneld/attempt.h"
#include "daemons/tunneld/session.h"
#include "daemons/tunneld/session_mtu.h"
#include "daemons/tunneld/uplink.h"

struct client {
	struct client_parts p;
	struct session_env sessions;
	struct peer server;
	struct attempt attempt;		/* beside the session that is in use */
	/*
	 * What was current before, until the current one has received something: it takes over
	 * again where that one breaks at once.
	 */
	struct session *previous;
	uint32_t asked;			/* number of the last question to the monitor */
	struct monitor_configure device;	/* that it was asked for */
	bool moved;			/* the host has; the way to the server is being asked for */
	unsigned next_server;		/* of conf_client_server, for the next attempt */
	int64_t delay_ms;		/* before the next attempt, grows with each failure */
	bool sent_away;			/* the server says when: nothing here makes it sooner */
	struct ev_timer retry, rekey;
	bool stopping;
};

static void on_rekey(void *arg);

/* --- when to try ------------------------------------------------------------------------------- */

/* A random share of up to a quarter more: a thousand nodes do not come back in step. */
static int64_t
with_jitter(int64_t ms)
{
	uint32_t r;

	secret_random(&r, sizeof(r));
	return ms + (int64_t) (r % 1000) * ms / 4000;
}

static void
begin_attempt(void *arg)
{
	struct client *c = arg;

	if (c->attempt.running || c->stopping)
		return;
	c->sent_away = false;
	attempt_begin(&c->attempt, conf_client_server(c->p.conf, c->next_server));
}

static void
retry_in(struct client *c, int64_t ms)
{
	if (c->stopping)
		return;
	ev_timer_start(c->p.ev, &c->retry, with_jitter(ms), begin_attempt, c);
}

static void
hurry(struct client *c, int64_t ms)
{
	c->delay_ms = 0;
	if (!c->attempt.running)
		retry_in(c, ms);
}

/* Nothing is wrong with the session in use: the next one is for its own server, and no hurry. */
static bool
is_well(const struct client *c)
{
	return c->server.current != NULL && c->server.current->conn != NULL;
}

/* Steps on. False at the end of the list, where it begins anew. */
static bool
next_server(struct client *c)
{
	if (conf_client_server(c->p.conf, ++c->next_server) != NULL)
		return true;
	c->next_server = 0;
	return false;
}

/* The next server after a growing while; at once as long as another one of the list is left. */
static void
on_failed(void *owner, const char *why, int64_t at_least_ms)
{
	struct client *c = owner;

	log_warn("connect_failed", "server=%s addr=%s why=%s", LOG_Q(c->attempt.host),
	    IP_TEXT(attempt_addr(&c->attempt)), LOG_Q(why));
	attempt_end(&c->attempt);
	if (!is_well(c) && next_server(c) && at_least_ms == 0) {
		retry_in(c, 0);
		return;
	}
	c->sent_away = at_least_ms > 0;
	c->delay_ms = c->delay_ms == 0 ? c->p.conf->reconnect_min_ms : c->delay_ms * 2;
	if (c->delay_ms < at_least_ms)
		c->delay_ms = at_least_ms;
	if (c->delay_ms > c->p.conf->reconnect_max_ms)
		c->delay_ms = c->p.conf->reconnect_max_ms;
	retry_in(c, c->delay_ms);
}

/* Something says that a new session is needed. */
static void
need_session(struct client *c)
{
	if (!c->attempt.running && c->retry.slot == 0)
		retry_in(c, c->p.conf->reconnect_min_ms);
}

/* --- the session in use ------------------------------------------------------------------------ */

static struct client *
client_of(struct session *s)
{
	return s->env->role;
}

/* Its server ends it as well, unless the new one is with another server. */
static void
retire_previous(struct client *c)
{
	if (c->previous != NULL)
		session_retire(c->previous, REASON_NONE);
	c->previous = NULL;
}

static void
on_up(struct session *s)
{
	struct client *c = client_of(s);

	c->delay_ms = 0;
	if (s == c->server.current)
		retire_previous(c);
}

/* Ends one that is not the attempt's. */
static void
end_session(struct client *c, struct session *s)
{
	bool in_use = s == c->server.current;

	if (s == c->previous)
		c->previous = NULL;
	session_free(s);
	if (in_use) {
		peer_use(&c->server, c->previous);
		c->previous = NULL;
	}
}

static void
on_dead(struct session *s, const char *why)
{
	struct client *c = client_of(s);
	bool in_use = s == c->server.current;

	if (s == c->attempt.session) {
		session_free(attempt_take(&c->attempt));
		on_failed(c, why, 0);
		return;
	}
	if (in_use)
		log_warn("session_down", "epoch=%" PRIu64 " why=%s", s->epoch, LOG_Q(why));
	end_session(c, s);
	if (in_use)
		need_session(c);
}

/* Two machines with one identity would throw each other out for ever: the loser waits longest. */
static void
on_goodbye(struct session *s, const char *reason)
{
	struct client *c = client_of(s);
	enum reason r = reason_by_name(reason);
	bool replaced = s != c->server.current && s != c->attempt.session;
	bool friendly = r == REASON_NONE || r == REASON_SHUTTING_DOWN || r == REASON_DISCONNECTED;

	if (replaced) {
		if (s == c->previous)
			c->previous = NULL;
		session_retire(s, REASON_NONE);	/* a new one of ours took over: as it should be */
		return;
	}
	log_warn("server_goodbye", "epoch=%" PRIu64 " reason=%s text=%s", s->epoch,
	    LOG_Q(reason[0] == '\0' ? "none" : reason), LOG_Q(reason_text(r)));
	if (s == c->attempt.session)
		attempt_take(&c->attempt);
	end_session(c, s);
	if (c->attempt.running)
		attempt_end(&c->attempt);
	c->delay_ms = friendly ? c->p.conf->reconnect_min_ms : c->p.conf->reconnect_max_ms;
	c->sent_away = !friendly;
	retry_in(c, c->delay_ms);
}

static void
on_control_lost(struct session *s)
{
	struct client *c = client_of(s);

	if (s == c->server.current)
		need_session(c);
}

static void
on_worn(struct session *s)
{
	struct client *c = client_of(s);

	if (s == c->server.current)
		on_rekey(c);
}

/* The device follows what the path of the session in use takes. */
static void
on_mtu(struct session *s)
{
	struct client *c = client_of(s);
	bool ipv6 = c->device.address.addr.family == AF_INET6;

	/* Another one is about to take over: then is the time. */
	if (s != c->server.current || attempt_is_welcome(&c->attempt))
		return;
	if (c->device.mtu == session_mtu(s, ipv6))
		return;
	c->device.mtu = session_mtu(s, ipv6);
	c->device.number = 0;	/* nobody waits for the answer */
	c->p.configure(c->p.arg, &c->device);
}

/* A route may be missing that the monitor can set again; or the host has changed unseen. */
static void
on_no_way(struct session *s)
{
	log_info("no_way", "epoch=%" PRIu64, s->epoch);
	client_moved(client_of(s));
}

static void
on_empty(void *role, struct peer *peer)
{
	(void) role, (void) peer;	/* the server is always the same peer */
}

static void
on_cert(struct session *s, const struct control *msg)
{
	struct client *c = client_of(s);

	if (msg->type == CONTROL_CERT_REPLY && s == c->server.current)
		c->p.cert(c->p.arg, &msg->cert);
}

bool
client_ask_cert(struct client *c, bool grpc, const char *csr)
{
	const struct control msg = { .type = CONTROL_CERT_REQUEST,
		.cert = { .grpc = grpc, .csr = (char *) csr } };

	return is_well(c) && conn_send(c->server.current->conn, &msg) == 0;
}

static const struct session_ops session_ops = {
	.up = on_up,
	.dead = on_dead,
	.goodbye = on_goodbye,
	.cert = on_cert,
	.control_lost = on_control_lost,
	.worn = on_worn,
	.mtu = on_mtu,
	.no_way = on_no_way,
	.empty = on_empty,
};

static void
on_rekey(void *arg)
{
	struct client *c = arg;

	log_info("rekey", "epoch=%" PRIu64, c->server.current == NULL ? 0 : c->server.current->epoch);
	need_session(c);
}

/* --- Welcome: the session is made, the device configured, then it is the current one ------------ */

static void
ask_monitor(struct client *c, const struct control_welcome *w)
{
	bool ipv6 = w->address.addr.family == AF_INET6;

	c->device = (struct monitor_configure){
		.number = ++c->asked,
		.address = w->address,
		.mtu = session_mtu(c->attempt.session, ipv6),
		.nroutes = w->nroutes,
		.server = *attempt_addr(&c->attempt),
	};

	memcpy(c->device.routes, w->routes, sizeof(c->device.routes));
	c->p.configure(c->p.arg, &c->device);
}

static void
on_welcome(void *owner, const struct control_welcome *w)
{
	struct client *c = owner;

	log_info("welcome", "node=%s addr=%s epoch=%" PRIu64 " mtu=%u cipher=%s server=%s",
	    LOG_Q(w->node_id), PREFIX_TEXT(&w->address), w->epoch, w->mtu,
	    aead_name(c->attempt.session->cipher), LOG_Q(w->version));
	strcpy(c->server.id, "server");
	c->server.addr = w->server_address;
	if (w->rekey_ms > 0) /* a tenth around it, so that nodes do not come in step */
		ev_timer_start(c->p.ev, &c->rekey, with_jitter((int64_t) w->rekey_ms * 9 / 10),
		    on_rekey, c);
	ask_monitor(c, w);
}

void
client_configured(struct client *c, const struct monitor_configured *answer)
{
	struct control keepalive = { .type = CONTROL_KEEPALIVE };
	struct attempt *a = &c->attempt;
	bool first = c->server.current == NULL;
	struct session *s;

	if (!attempt_is_welcome(a) || answer->number != c->asked)
		return;		/* an attempt that has failed meanwhile */
	if (answer->done.rc < 0) {
		on_failed(c, answer->done.text, c->p.conf->reconnect_max_ms);
		return;
	}
	s = attempt_take(a);
	retire_previous(c);
	c->previous = c->server.current;
	peer_use(&c->server, s);
	uplink_take(c->p.workers, s, attempt_addr(a), (uint16_t) c->p.conf->port);
	on_mtu(s);
	conn_send(s->conn, &keepalive);
	log_notice("connected", "server=%s addr=%s epoch=%" PRIu64 " first=%s resumed=%s",
	    LOG_Q(a->host), IP_TEXT(attempt_addr(a)), s->epoch, first ? "true" : "false",
	    tls_resumed(conn_tls(s->conn)) ? "true" : "false");
	c->p.connected(c->p.arg, attempt_ca_hash(a));
	attempt_end(a);
}

/* --- the host's network has changed ------------------------------------------------------------- */

static void
look_again(struct client *c)
{
	struct session *s = c->server.current;

	c->moved = false;
	if (s == NULL)
		return;
	session_look(s);
	if (s->conn == NULL || !conn_is_cut_off(s->conn))
		return;
	log_info("moved", "epoch=%" PRIu64, s->epoch);
	hurry(c, 0);
}

void
client_way(struct client *c, const struct monitor_way_done *way)
{
	if (c->moved && ip_equal(&way->server, &c->device.server))
		look_again(c);
	attempt_way(&c->attempt, way);
}

void
client_moved(struct client *c)
{
	/* Without a session: this may be what was missing. Else first the way there, past the tunnel. */
	c->moved = c->server.current != NULL;
	if (c->moved)
		c->p.ask_way(c->p.arg, &c->device.server);
	else if (!c->sent_away)
		hurry(c, c->p.conf->reconnect_min_ms);
}

/* --- life -------------------------------------------------------------------------------------- */

int
client_new(const struct client_parts *parts, struct client **out, struct err *e)
{
	struct client *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	c->p = *parts;
	session_env_init(&c->sessions, parts->ev, parts->workers, &session_ops, c);
	LIST_INIT(&c->server.sessions);
	c->server.any_source = true;
	parts->workers->env.uplink = &c->server.outlet;
	c->attempt = (struct attempt){
		.conf = parts->conf,
		.ev = parts->ev,
		.identity = parts->identity,
		.sessions = &c->sessions,
		.server = &c->server,
		.welcomed = on_welcome,
		.failed = on_failed,
		.owner = c,
	};
	rc = attempt_init(&c->attempt, parts->conns, parts->ask_way, parts->arg);
	if (rc < 0) {
		free(c);
		return err_set(e, rc, "%s", strerror(-rc));
	}
	retry_in(c, 0);
	*out = c;
	return 0;
}

struct session *
client_session(const struct client *c)
{
	return c->server.current;
}

static void
end_sessions(struct client *c, bool goodbye)
{
	struct session *s;

	while ((s = LIST_FIRST(&c->server.sessions)) != NULL) {
		if (s == c->attempt.session)
			attempt_take(&c->attempt);
		if (s == c->previous)
			c->previous = NULL;
		if (goodbye)
			session_bye(s, REASON_NONE);
		else
			session_free(s);
	}
}

void
client_stop(struct client *c)
{
	c->stopping = true;
	ev_timer_stop(c->p.ev, &c->retry);
	ev_timer_stop(c->p.ev, &c->rekey);
	end_sessions(c, true);
	attempt_end(&c->attempt);
}

void
client_free(struct client *c)
{
	if (c == NULL)
		return;
	ev_timer_stop(c->p.ev, &c->retry);
	ev_timer_stop(c->p.ev, &c->rekey);
	end_sessions(c, false);
	attempt_fini(&c->attempt);
	free(c);
}
