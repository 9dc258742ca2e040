/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TLSCTX_H
#define LV_TLSCTX_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/*
 * TLS 1.3 as litevpn uses it (RFC 8446): mutual certificates, no early data, no renegotiation by
 * protocol. One place for these rules; the streams over it are in tunneld's tls.c.
 */

/*
 * A server's tickets for resumption (RFC 8446, 2.2, always with a fresh key exchange) are good for so
 * long, but not longer than the certificate of the client that they were made for. A ticket is but
 * the number of a session. No context keeps any: its user does at either end, in memory, or there is
 * no resumption.
 */
#define TLSCTX_TICKET_LIFE_S (24 * 3600)
#define TLSCTX_CHAIN_MAX (16 * 1024)	/* bytes of a peer's certificates: memory for strangers */

struct tlsctx_conf {
	bool server;
	const char *ca_pem;	/* may hold several: a rollover */
	const char *cert_pem;	/* with its chain; NULL: none (a client that only looks) */
	const char *key_pem;
	const char *alpn;	/* the one protocol of it, "litevpn/1"; NULL: none */
	const char *ca_path, *cert_path, *key_path;	/* for error texts; NULL: "the CA", ... */
};

/*
 * Of conf only `alpn` is kept: it lives as long as the context. A server with it refuses clients
 * that do not offer it; a client asks SSL_get0_alpn_selected what came of it. -EBADMSG when a text
 * is not what it should be; *e begins with its path.
 */
int tlsctx_new(const struct tlsctx_conf *conf, SSL_CTX **out, struct err *e);

/*
 * Can the other side accept what `ctx`, made from `conf`, shows: is the certificate for this role
 * and, at a server, issued by one of its own CAs, which are those that it hands out? Not whether it
 * has expired: that is the clock's matter, which may be wrong at boot. -EBADMSG as above.
 */
int tlsctx_check_own(SSL_CTX *ctx, const struct tlsctx_conf *conf, struct err *e);

void tlsctx_free(SSL_CTX *ctx);	/* NULL is fine; connections that were made from it go on */

/*
 * For libraries that make their TLS contexts themselves: no context that is made in this process
 * from now on speaks anything but TLS 1.3. Reads the system's openssl.cnf: call it before the
 * sandbox is loaded.
 */
int tlsctx_require_tls13(struct err *e);

/*
 * Prepares a client's connection to `host` (an IP address or a DNS name): the certificate must
 * carry it as a subject alternative name.
 */
int tlsctx_expect_host(SSL *ssl, const char *host, struct err *e);

/* Why the last operation failed, in words: a certificate's fault by name, else OpenSSL's reason. */
void tlsctx_explain(const SSL *ssl, char *buf, size_t size);

#endif
