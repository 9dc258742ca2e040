/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_CONN_H
#define TUNNELD_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "common/ev.h"
#include "daemons/tunneld/control.h"
#include "daemons/tunneld/frame.h"
#include "daemons/tunneld/tls.h"

/*
 * A control connection: frames over TLS, messages and packets in both directions. Control frames
 * go before packets; packets wait in a bounded queue and are dropped at its tail.
 *
 * It has one owner at a time: who is told what happens. The owner changes when a stranger has
 * become a session. It may be freed from within any callback.
 */
struct conn;

/* What all connections of a loop share. */
struct conn_env {
	struct ev *ev;
	struct tls_env tls;
	LIST_HEAD(, conn) freed;	/* ended in this round; their callers may still be up the stack */
	/* Called when the packets of a TLS record have been handed out. NULL: none. */
	void (*flush)(void *arg);
	void *flush_arg;
};

void conn_env_init(struct conn_env *env, struct ev *ev);
void conn_env_fini(struct conn_env *env);	/* all connections must have been ended */

struct conn_ops {
	void (*ready)(void *owner);	/* the handshake is done; NULL when it was before */
	void (*control)(void *owner, const struct control *msg);
	/* A packet; borrowed for the call. */
	void (*packet)(void *owner, const uint8_t *pkt, size_t len);
	/* It has ended; `why` is empty for an orderly end. Then call conn_free. */
	void (*closed)(void *owner, const char *why);
};

#define CONN_DATA_MAX (256 * 1024)	/* bytes of packets that wait for the connection */

/* consumes: fd. host: as in tls_new. The peer is a stranger until conn_trust. */
int conn_new(struct conn_env *env, SSL_CTX *ctx, int fd, const char *host,
    const struct conn_ops *ops, void *owner, struct conn **out, struct err *e);

/* Ends it in good order. NULL is fine. */
void conn_free(struct conn *c);

/* Another owner from now on. */
void conn_give(struct conn *c, const struct conn_ops *ops, void *owner);

/* The peer has proven who it is: it may send frames of full length, and packets. */
void conn_trust(struct conn *c);

/* Queues a message. 0, or -ENOBUFS when the peer does not read: end the connection then. */
int conn_send(struct conn *c, const struct control *msg);

/* Queues a packet, or drops it: -ENOBUFS. Copies. */
int conn_send_packet(struct conn *c, const uint8_t *pkt, size_t len);

/* The stream below: keys, the peer's certificate. */
struct tls *conn_tls(struct conn *c);

/* Where the other end is; its port too. Known from `ready` on, and before that on a server. */
const struct sockaddr *conn_peer(const struct conn *c);

/* Would its packets leave from another address now than it was made with? It is not coming back. */
bool conn_is_cut_off(const struct conn *c);

/* clock_mono_ms of the last byte that came, and of the last that was queued. */
int64_t conn_last_rx_ms(const struct conn *c);
int64_t conn_last_tx_ms(const struct conn *c);

#endif
