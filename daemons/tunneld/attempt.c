/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/attempt.h"

#include <string.h>

#include "common/log.h"
#include "common/reason.h"
#include "common/secret.h"
#include "daemons/tunneld/hello.h"

#define ATTEMPT_MS 15000	/* from the first packet to a configured device */

static void
fail(struct attempt *a, const char *why)
{
	a->failed(a->owner, why, 0);
}

static void
on_deadline(void *arg)
{
	fail(arg, "no answer in time");
}

/* --- its connection ----------------------------------------------------------------------------- */

static void
send_hello(struct attempt *a)
{
	struct control msg = { .type = CONTROL_HELLO };

	hello_make(&msg.hello, a->conf, a->identity, a->session);
	conn_send(a->conn, &msg);
	secret_wipe(&msg, sizeof(msg));
}

static void
on_welcome(struct attempt *a, const struct control_welcome *w)
{
	struct session_conf conf;
	struct conn *conn = a->conn;

	if (hello_answered(w, a->conf, a->server, &conf) < 0) {
		fail(a, "the server chose a cipher that is not known here");
		return;
	}
	a->conn = NULL;
	if (session_start(a->session, &conf, conn) < 0) {
		a->conn = conn;
		fail(a, "the session's keys cannot be made");
		return;
	}
	a->has_ca_hash = w->has_ca_hash;
	memcpy(a->ca_hash, w->ca_hash, sizeof(a->ca_hash));
	a->welcomed(a->owner, w);
}

static void
on_refuse(struct attempt *a, const struct control_refuse *r)
{
	log_err("refused", "reason=%s message=%s hint=%s", LOG_Q(r->reason), LOG_Q(r->message),
	    LOG_Q(reason_hint((int) reason_by_name(r->reason))));
	a->failed(a->owner, r->reason, r->retry_after_ms > 0 ? (int64_t) r->retry_after_ms
							      : a->conf->reconnect_max_ms);
}

static void
on_control(void *owner, const struct control *msg)
{
	struct attempt *a = owner;

	switch (msg->type) {
	case CONTROL_WELCOME:
		on_welcome(a, &msg->welcome);
		break;
	case CONTROL_REFUSE:
		on_refuse(a, &msg->refuse);
		break;
	case CONTROL_GOODBYE:
		fail(a, msg->refuse.reason);
		break;
	default:
		break;
	}
}

static void
on_closed(void *owner, const char *why)
{
	fail(owner, why[0] == '\0' ? "closed by the server" : why);
}

static void
on_packet(void *owner, const uint8_t *pkt, size_t len)
{
	(void) owner, (void) pkt, (void) len;	/* conn lets none through before conn_trust */
}

static const struct conn_ops conn_ops = {
	.control = on_control,
	.packet = on_packet,
	.closed = on_closed,
};

static void
on_dialed(void *owner, struct conn *conn)
{
	struct attempt *a = owner;

	a->conn = conn;
	conn_give(conn, &conn_ops, a);
	/* It is not known yet how many workers the server has. */
	if (session_new(a->sessions, CONTROL_WORKERS_MAX, &a->session) < 0)
		fail(a, "out of memory");
	else
		send_hello(a);
}

static void
on_dial_failed(void *owner, const char *why)
{
	fail(owner, why);
}

/* --- life -------------------------------------------------------------------------------------- */

int
attempt_init(struct attempt *a, struct conn_env *conns,
    void (*ask_way)(void *arg, const struct ip_addr *server), void *arg)
{
	const struct dial_parts parts = {
		.ev = a->ev,
		.conns = conns,
		.identity = a->identity,
		.port = (uint16_t) a->conf->port,
		.ask_way = ask_way,
		.arg = arg,
		.ready = on_dialed,
		.failed = on_dial_failed,
		.owner = a,
	};

	return dial_new(&parts, &a->dial);
}

void
attempt_begin(struct attempt *a, const char *host)
{
	a->running = true;
	a->host = host;
	ev_timer_start(a->ev, &a->deadline, ATTEMPT_MS, on_deadline, a);
	dial_begin(a->dial, host);
}

void
attempt_end(struct attempt *a)
{
	ev_timer_stop(a->ev, &a->deadline);
	dial_end(a->dial);
	conn_free(a->conn);
	a->conn = NULL;
	session_free(a->session);
	a->session = NULL;
	a->running = a->has_ca_hash = false;
	a->host = NULL;
}

void
attempt_fini(struct attempt *a)
{
	attempt_end(a);
	dial_free(a->dial);
}

void
attempt_way(struct attempt *a, const struct monitor_way_done *way)
{
	dial_way(a->dial, way);
}

bool
attempt_is_welcome(const struct attempt *a)
{
	return a->session != NULL && a->session->peer != NULL;
}

struct session *
attempt_take(struct attempt *a)
{
	struct session *s = a->session;

	a->session = NULL;
	return s;
}

const struct ip_addr *
attempt_addr(const struct attempt *a)
{
	return dial_addr(a->dial);
}

const uint8_t *
attempt_ca_hash(const struct attempt *a)
{
	return a->has_ca_hash ? a->ca_hash : NULL;
}
