/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_SESSION_H
#define TUNNELD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/ev.h"
#include "common/ip.h"
#include "daemons/tunneld/carrier.h"
#include "daemons/tunneld/conn.h"
#include "daemons/tunneld/control.h"
#include "daemons/tunneld/mtu.h"
#include "daemons/tunneld/probe.h"
#include "daemons/tunneld/seen.h"
#include "daemons/tunneld/workers.h"

/*
 * One TLS connection of a node with the keys that came out of it, at either end. The session is the
 * control thread's: the connection (which may end before the session does), the choice of path,
 * where the peer is, liveness. Its carrier is what workers see of it (carrier.h says who writes
 * what): they read the session's decisions there, count, and tell by mail what is to be decided.
 * Server and client use it alike; what differs between them is in their struct session_ops.
 */

struct session;

/* The other end: on a server one per node, on a node the server. */
struct peer {
	struct grace_item grace;
	char id[CONTROL_ID_MAX + 1];
	struct ip_addr addr;	/* inside of the network */
	bool any_source;	/* the server: what it sends may come from anywhere behind it */
	/*
	 * current: what is sent takes this one; NULL while there is none. The others are there to
	 * receive: one that is being established, ones that were replaced a moment ago.
	 * sending: current, or until held_ms the one before it, which sends in UDP while it is not
	 * known yet that the new one can.
	 */
	struct session *current;	/* by peer_use */
	struct session *sending;
	int64_t held_ms;
	struct outlet outlet;		/* the carrier of `sending`, for workers */
	int64_t cert_asked_ms[2];	/* when the node has asked for a certificate, of the
					   tunnel and of the control API; 0: never */
	int64_t cert_expire_s;	/* UTC: when the one that it has shown ends; 0: not known */
	LIST_HEAD(, session) sessions;
	LIST_ENTRY(peer) link;	/* the role's list */
};

struct session_ops {
	/* Something authentic came for the first time: the peer has configured itself. */
	void (*up)(struct session *s);
	/* It can carry nothing any more; `why` in words. The callee frees it. */
	void (*dead)(struct session *s, const char *why);
	/* The peer has said Goodbye with this reason ("" : an orderly end). The callee frees it. */
	void (*goodbye)(struct session *s, const char *reason);
	/* The peer asks for a certificate, or answers to that. NULL: it is not heard. */
	void (*cert)(struct session *s, const struct control *msg);
	/* Its control connection has broken, but UDP goes on: time for a new session. */
	void (*control_lost)(struct session *s);
	/* The kernel knows no way to the peer, as far as UDP goes. NULL: it is not heard. */
	void (*no_way)(struct session *s);
	/* Half of what its keys may protect has passed: time for a new session. Once. */
	void (*worn)(struct session *s);
	/* How long inner packets may be has been found, or has changed (session_mtu.h). */
	void (*mtu)(struct session *s);
	/* The peer's last session has been freed; the peer may be freed now. */
	void (*empty)(void *role, struct peer *peer);
};

/* What all sessions of an engine share. */
struct session_env {
	struct ev *ev;
	struct workers *workers;
	const struct session_ops *ops;
	void *role;		/* the server or the client, for ops */
	struct traffic past;	/* of the sessions that have ended */
};

/* Workers' mail comes to the sessions of this env from now on. */
void session_env_init(struct session_env *env, struct ev *ev, struct workers *workers,
    const struct session_ops *ops, void *role);

struct session {
	struct session_env *env;
	struct peer *peer;
	LIST_ENTRY(session) link;	/* in peer->sessions */
	uint64_t epoch;
	struct conn *conn;		/* owned; NULL after it has ended */
	enum aead_alg cipher;
	struct carrier *carrier;	/* owned */
	struct seen seen;		/* SPIs of the peer */

	bool end_moved;			/* since it was last logged */
	int64_t end_logged_ms;
	bool tls_allowed;		/* `transport: udp` forbids it */
	struct probe probe;		/* as of the last look at the carrier */
	int64_t seen_us;		/* its rx_us then */
	struct mtu mtu;
	unsigned mtu_begin;		/* for packets while nothing has been found */
	uint64_t mtu_bytes;		/* sent when the path was last asked about them */

	bool is_up;
	bool is_worn;			/* and its role knows */
	bool retired;			/* replaced: receives for a moment more, reports nothing */
	int64_t rx_ms;			/* something authentic came (clock_mono_ms), as far as known */
	int64_t since_s;		/* UTC */
	uint32_t keepalive_ms, dead_after_ms;
	char version[CONTROL_VERSION_MAX + 1];
	struct ev_timer tick;
};

struct session_conf {
	struct peer *peer;
	uint64_t epoch;
	bool server;			/* which direction is ours */
	enum aead_alg cipher;
	unsigned peer_workers;		/* threads of the peer that send; at most as session_new */
	const uint32_t *peer_spis;	/* for our workers, borrowed for the call */
	unsigned npeer_spis;		/* 0: the peer takes no ESP */
	bool roams, tls_allowed;
	unsigned mtu;			/* of inner packets: to begin with, or for good where: */
	unsigned mtu_top;		/* how far the path is searched; 0: not */
	uint32_t keepalive_ms, dead_after_ms;
	const char *version;
};

/*
 * A session that can be named to the peer but carries nothing yet: session_spis tells the receiving
 * SPIs, one for each of `peer_workers` threads. 0, -ENOSPC or -ENOMEM.
 */
int session_new(struct session_env *env, unsigned peer_workers, struct session **out);

/* Returns how many there are (at most CONTROL_SPIS_MAX). */
unsigned session_spis(const struct session *s, uint32_t *out);

/*
 * Derives the keys from the connection's TLS (RFC 8446, 7.5), joins the peer's sessions and begins
 * the timers. consumes: conn, only on success. 0 or negative; free the session then.
 */
int session_start(struct session *s, const struct session_conf *conf, struct conn *conn);

/* Ends it and its connection. NULL is fine. */
void session_free(struct session *s);

/* Says Goodbye with a reason (REASON_NONE: an orderly end), then as session_free. */
void session_bye(struct session *s, int reason);

/* It has been replaced: receives for a moment more, then frees itself. Its connection is ended. */
void session_retire(struct session *s, int reason);

/*
 * What is sent to the peer takes this session from now on; NULL: there is none. But where the one
 * before it sends in UDP, only when this one does, too, or has not within half a second: inside of TLS,
 * where each begins, there is no room for what UDP carries.
 */
void peer_use(struct peer *peer, struct session *s);

/* The peer's UDP endpoint, where it is known beforehand (client). */
void session_set_end(struct session *s, const struct udp_end *end);

/* The way to the peer may be another one: ask at once. */
void session_look(struct session *s);

/* When something authentic came last, in clock_mono_ms. */
int64_t session_heard_ms(const struct session *s);

#endif
