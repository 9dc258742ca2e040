/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_TICKETS_H
#define TUNNELD_TICKETS_H

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/*
 * A server's memory of the nodes that it has spoken with: a ticket is but the number of a session
 * here, 32 random bytes, and good for one resumption.
 *
 * Why not tickets that hold the session itself, sealed: the node's certificate is the largest part of
 * it, and OpenSSL 3.0 takes 0.2 ms of processor to read one, once when the ticket is made and again
 * when it comes back. That was half of what a resumed handshake cost. Here the certificate is kept as
 * it was read first, for as long as anybody can come back with it.
 */
#define TICKETS_MAX 65536	/* one for each node that there can be (maxClients), and some */

struct ssl_session_st;	/* SSL_SESSION */
struct ticket;

struct tickets {
	SSL_CTX *ctx;		/* that all of them were made under; counted; NULL: there are none */
	TAILQ_HEAD(, ticket) by_age;	/* the oldest first */
	LIST_HEAD(ticket_list, ticket) *buckets;	/* by number; NULL until the first one */
	size_t n;
};

void tickets_init(struct tickets *t);
void tickets_fini(struct tickets *t);

/*
 * Remembers a session of ctx, which ends all of another context: keys, certificates or CAs have
 * changed. Those that are over at now_s (UTC) go, and where there are too many the oldest. consumes:
 * s, only on success. 0 or -ENOMEM.
 */
int tickets_put(struct tickets *t, SSL_CTX *ctx, struct ssl_session_st *s, int64_t now_s);

/* That session, which is the caller's now; NULL: not known, or under another context. */
struct ssl_session_st *tickets_take(struct tickets *t, const SSL_CTX *ctx, const uint8_t *id,
    size_t len);

#endif
