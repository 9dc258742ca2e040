/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_SESSION_H
#define TUNNELD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/ev.h"
#include "common/ip.h"
#include "daemons/tunneld/conn.h"
#include "daemons/tunneld/control.h"
#include "daemons/tunneld/esp.h"
#include "daemons/tunneld/mtu.h"
#include "daemons/tunneld/probe.h"
#include "daemons/tunneld/sa.h"
#include "daemons/tunneld/stats.h"
#include "daemons/tunneld/udp_tx.h"

/*
 * One TLS connection of a node with the keys that came out of it, at either end: a pair of SAs, the
 * control connection (which may end before the session does), the choice of path, liveness. Server
 * and client use it alike; what differs between them is in their struct session_ops.
 */

struct session;

/* The other end: on a server one per node, on a node the server. */
struct peer {
	char id[CONTROL_ID_MAX + 1];
	struct ip_addr addr;	/* inside of the network */
	bool any_source;	/* the server: what it sends may come from anywhere behind it */
	/*
	 * current: what is sent takes this one; NULL while there is none. The others are there to
	 * receive: one that is being established, ones that were replaced a moment ago.
	 */
	struct session *current;
	int64_t cert_asked_ms;	/* when the node has asked for a certificate; 0: never */
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
	/* Half of what its keys may protect has passed: time for a new session. Once. */
	void (*worn)(struct session *s);
	/* How long inner packets may be has been found, or has changed (session_mtu.h). */
	void (*mtu)(struct session *s);
	/* The peer's last session has been freed; the peer may be freed now. */
	void (*empty)(void *role, struct peer *peer);
};

/* Inner packets and their bytes, from peers and to them. */
struct traffic {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
};

/* What all sessions of an engine share. */
struct session_env {
	struct ev *ev;
	struct sa_table *sas;
	struct udp_tx *tx;
	struct stats *stats;
	const struct session_ops *ops;
	void *role;		/* the server or the client, for ops */
	/* An inner packet that came from the session's peer; the buffer as for conn_ops.packet. */
	enum verdict (*deliver)(void *arg, struct session *s, uint8_t *pkt, size_t len);
	void *deliver_arg;
	struct traffic past;	/* of the sessions that have ended */
};

struct session {
	struct session_env *env;
	struct peer *peer;
	LIST_ENTRY(session) link;	/* in peer->sessions */
	uint64_t epoch;
	struct conn *conn;		/* owned; NULL after it has ended */
	enum aead_alg cipher;
	struct esp_rx rx;		/* no aead: no ESP in that direction */
	struct esp_tx tx;
	uint32_t seen_spis[CONTROL_SPIS_MAX * 4];	/* of the peer: none may come twice */
	unsigned nseen_spis;

	struct udp_end end;		/* where the peer is; valid when end_known */
	bool end_known;
	bool end_proven;		/* an echo has come back from there */
	int64_t end_credit;		/* bytes that may go to an unproven end */
	bool end_moved;			/* since it was last logged */
	int64_t end_logged_ms;
	bool roams;			/* the peer's end follows its packets (server) */
	bool tls_allowed;		/* `transport: udp` forbids it */
	struct probe probe;
	struct mtu mtu;
	unsigned mtu_begin;		/* for packets while nothing has been found */
	size_t udp_max;			/* inner packets above it do not pass in UDP, as is known */
	uint64_t mtu_bytes;		/* tx_bytes when the path was last asked about them */

	bool is_up;
	bool is_worn;			/* and its role knows */
	bool retired;			/* replaced: receives for a moment more, reports nothing */
	int64_t rx_ms;			/* something authentic came (clock_mono_ms) */
	int64_t since_s;		/* UTC */
	uint32_t keepalive_ms, dead_after_ms;
	int64_t echo_window_ms;		/* begin of the second in which echoes_answered counts */
	unsigned echoes_answered;
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;	/* inner */
	char version[CONTROL_VERSION_MAX + 1];
	struct ev_timer tick;
};

struct session_conf {
	struct peer *peer;
	uint64_t epoch;
	bool server;			/* which direction is ours */
	enum aead_alg cipher;
	uint32_t peer_spi;		/* 0: the peer takes no ESP */
	bool roams, tls_allowed;
	unsigned mtu;			/* of inner packets: to begin with, or for good where: */
	unsigned mtu_top;		/* how far the path is searched; 0: not */
	uint32_t keepalive_ms, dead_after_ms;
	const char *version;
};

/*
 * A session that can be named to the peer but carries nothing yet: s->rx.spi is its receiving SPI.
 * 0, -ENOSPC or -ENOMEM.
 */
int session_new(struct session_env *env, struct session **out);

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
 * Sends an inner packet on the path of the moment: it is on its way when the UDP batch is flushed.
 * There must be ESP_TRAILER writable bytes behind it.
 */
enum verdict session_send(struct session *s, uint8_t *pkt, size_t len);

/* The begin of an echo request with this nonce: SESSION_ECHO_LEN bytes. What follows is padding. */
#define SESSION_ECHO_LEN 9
void session_put_echo(uint8_t *out, uint64_t nonce);

/* A datagram for the session's SA. */
enum verdict session_input(struct session *s, uint8_t *pkt, size_t len, const struct udp_end *from);

/* The peer's UDP endpoint, where it is known beforehand (client). */
void session_set_end(struct session *s, const struct udp_end *end);

/* The way to the peer may be another one: ask at once. */
void session_look(struct session *s);

/* The session whose SA this is. */
struct session *session_of_rx(struct esp_rx *rx);

/* Does it send ESP in UDP now (else inside of TLS). */
bool session_on_udp(const struct session *s);

#endif
