/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_ENDS_H
#define LV_TEST_ENDS_H

#include "daemons/tunneld/session.h"
#include "tests/unit/tunneld/loop.h"
#include "tests/unit/tunneld/relay.h"

/*
 * The two ends of a session in one loop, each with a data path of its own:
 *
 *     TUN --- worker --- node === TLS ================== server --- worker --- TUN
 *                            \--- UDP --- relay --- UDP ---/
 *
 * The relay passes datagrams one at a time, or does what else a network does to them. The TUN
 * devices are socket pairs; the test has their other ends.
 */

struct side {
	struct workers workers;		/* one, in this loop */
	struct session_env env;
	struct peer peer;		/* the other side */
	struct conn *conn;		/* until the session has it */
	struct session *session;	/* NULL once it was freed */
	bool joined;			/* the handshake is done */
	int tun;			/* the test's end */
	struct ev_io tun_io;
	unsigned got;			/* packets that came out of the TUN */
	/* What its role was told. */
	unsigned ups, deaths, goodbyes, losses, worns, mtus, empties;
	char why[100];
	bool keeps;			/* a goodbye does not make it free the session */
};

struct ends_conf {
	uint32_t keepalive_ms, dead_after_ms;	/* 0: the usual ones, longer than any test */
	unsigned mtu_top;	/* 0: the path's MTU is not searched */
	bool no_esp;		/* the node takes no ESP: `transport: tls` */
	bool no_tls;		/* nor does it send data in TLS: `transport: udp` */
};

struct ends {
	struct ev *ev;
	struct conn_env conns;
	struct side server, node;
	struct relay relay;
};

/*
 * Made, connected, sessions begun: nothing has been said yet. conf NULL: all as usual. Needs the
 * fixture of certs.h.
 */
void ends_init(struct ends *e, const struct ends_conf *conf);
void ends_fini(struct ends *e);

/* A new connection, and a new session at both ends; the ones before it live on until ends_fini. */
void ends_again(struct ends *e);

/* Both ends send in UDP. */
bool ends_on_udp(const struct ends *e);
void ends_reach_udp(struct ends *e);	/* runs until they do */

/* An IP packet of `len` bytes from this side's address to the other one's, out of its TUN. */
void ends_send(struct ends *e, struct side *from, size_t len);

/* The same with any addresses. */
void ends_write(struct side *from, const char *src, const char *dst, size_t len);

/* Sends one and runs until the other side has it. */
void ends_pass(struct ends *e, struct side *from);

/* An ESP packet of the node's with any contents, past its session. */
void ends_send_esp(struct ends *e, const void *text, size_t len, enum esp_next next);

/* The only worker of a side; the SAs of its session in both directions. */
struct worker *ends_worker(const struct side *s);
struct esp_tx *ends_tx(const struct side *s);
struct esp_rx *ends_rx(const struct side *s);

/* Has the end of the side's session been proven? */
bool ends_proven(const struct side *s);

/* How many packets ended so on this side. */
uint64_t ends_count(const struct side *s, enum verdict v);

#define ENDS_SERVER "10.1.1.1"
#define ENDS_NODE "10.1.1.3"
#define ENDS_OTHER "10.1.1.4"

#endif
