/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_TLS_H
#define TUNNELD_TLS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/err.h"
#include "common/ev.h"
#include "common/pki.h"
#include "daemons/tunneld/gate.h"
#include "daemons/tunneld/tickets.h"

/*
 * One TLS connection on the event loop: handshake, reading, writing, all without blocking. The
 * owner learns by callbacks; it may end the stream from within any of them.
 */
struct tls;

/*
 * A client's memory of the server that it was connected to last: with the ticket it resumes, which
 * saves both ends the certificates. For one context, which holds who we are, and one name; each
 * ticket is used once (RFC 8446, C.4). In memory only.
 */
struct tls_memory {
	struct ssl_session_st *ticket;	/* NULL: none */
	SSL_CTX *ctx;		/* counted */
	char *host;
};

/* What the streams of a loop share. */
struct tls_env {
	struct ev *ev;
	struct gate gate;	/* for the steps of a server's handshakes, which cost much */
	/*
	 * Those that were ended and still wait for their last bytes to arrive: closing a socket
	 * with unread input would throw away what was said last.
	 */
	LIST_HEAD(, tls) rest;
	struct tls_memory memory;	/* a client's */
	struct tickets tickets;		/* a server's */
};

void tls_env_init(struct tls_env *env, struct ev *ev);
void tls_env_fini(struct tls_env *env);	/* ends the rest at once; there are no others */

struct tls_ops {
	/* The handshake is done: both certificates have been verified. */
	void (*ready)(void *arg);
	/* Bytes came; borrowed for the call. */
	void (*data)(void *arg, const uint8_t *data, size_t len);
	/* More can be written than before. */
	void (*writable)(void *arg);
	/* The peer or an error has ended it; `why` is empty for an orderly end. Then call tls_free. */
	void (*closed)(void *arg, const char *why);
};

/*
 * consumes: fd (connected, or connecting, and non-blocking).
 * host: for a client, the name that the server's certificate must carry; NULL for a server.
 */
int tls_new(struct tls_env *env, SSL_CTX *ctx, int fd, const char *host,
    const struct tls_ops *ops, void *arg, struct tls **out, struct err *e);

/*
 * Ends the stream: close_notify, then up to two seconds in env->rest. No callback after it. From any
 * callback. NULL is fine.
 */
void tls_free(struct tls *t);

/*
 * Writes what is taken without waiting: returns how many bytes (0: none now, `writable` will be
 * called), or -ECONNRESET: `closed` will be called, from the loop.
 */
int tls_write(struct tls *t, const uint8_t *data, size_t len);

/* RFC 8446, 7.5. The same bytes at both ends. 0 or -EIO. */
int tls_export(struct tls *t, const char *label, const uint8_t *context, size_t context_len,
    uint8_t *out, size_t len);

/* Has this protocol been agreed on (ALPN). After `ready`. */
bool tls_speaks(struct tls *t, const char *protocol);

/* Did it begin with a ticket instead of certificates? After `ready`. */
bool tls_resumed(const struct tls *t);

/* The peer's certificate, resumed or not. 0 or -EBADMSG. After `ready`. */
int tls_peer_cert(struct tls *t, struct pki_cert *out, struct err *e);

#endif
