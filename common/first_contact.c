/* SPDX-License-Identifier: Apache-2.0 */
#include "common/first_contact.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/ip.h"
#include "common/pem.h"
#include "common/ssl_fail.h"
#include "common/tlsctx.h"

static int
connect_within(const struct addrinfo *ai, int64_t deadline_ms)
{
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int64_t left = deadline_ms - clock_mono_ms();
	int soerr = 0;
	socklen_t len = sizeof(soerr);

	if (fd < 0)
		return -errno;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0 && errno != EINPROGRESS)
		soerr = errno;
	else if (poll(&p, 1, left < 0 ? 0 : (int) left) == 0)
		soerr = ETIMEDOUT;
	else
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &soerr, &len);
	if (soerr != 0) {
		close(fd);
		return -soerr;
	}
	return fd;
}

static int
dial(const char *host, uint16_t port, int64_t deadline_ms, struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *list;
	char service[8];
	int rc, fd = -ECONNREFUSED;

	snprintf(service, sizeof(service), "%u", port);
	if ((rc = getaddrinfo(host, service, &hints, &list)) != 0)
		return err_set(e, -EHOSTUNREACH, "%s: %s", host, gai_strerror(rc));
	for (struct addrinfo *ai = list; ai != NULL && fd < 0; ai = ai->ai_next)
		fd = connect_within(ai, deadline_ms);
	freeaddrinfo(list);
	if (fd < 0)
		return err_set(e, fd, "%s port %u: %s", host, port, strerror(-fd));
	return fd;
}

static int
handshake(SSL *ssl, int fd, int64_t deadline_ms, struct err *e)
{
	char why[160];
	int rc;

	while ((rc = SSL_connect(ssl)) != 1) {
		int want = SSL_get_error(ssl, rc);
		struct pollfd p = { .fd = fd,
			.events = want == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN };
		int64_t left = deadline_ms - clock_mono_ms();

		if (want != SSL_ERROR_WANT_READ && want != SSL_ERROR_WANT_WRITE) {
			tlsctx_explain(ssl, why, sizeof(why));
			return err_set(e, -ECONNRESET, "TLS handshake: %s", why);
		}
		if (left <= 0 || poll(&p, 1, (int) left) == 0)
			return err_set(e, -ETIMEDOUT, "TLS handshake: no answer in time");
	}
	return 0;
}

/* The certificate of the chain whose key has that hash. Borrowed from the chain. */
static X509 *
find_by_spki(STACK_OF(X509) *chain, const uint8_t spki[PKI_SPKI_LEN])
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *x = sk_X509_value(chain, i);
		unsigned char *der = NULL, hash[SHA256_DIGEST_LENGTH];
		int len = i2d_PUBKEY(X509_get0_pubkey(x), &der);

		if (len <= 0)
			continue;
		SHA256(der, (size_t) len, hash);
		OPENSSL_free(der);
		if (memcmp(hash, spki, sizeof(hash)) == 0)
			return x;
	}
	return NULL;
}

/* Does the chain verify with `anchor` as the only trust, for a server called `host`? */
static int
verify_chain(STACK_OF(X509) *chain, X509 *anchor, const char *host, struct err *e)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *vc = X509_STORE_CTX_new();
	X509 *leaf = sk_X509_value(chain, 0);
	struct ip_addr a;
	int rc = -ENOMEM;

	if (store == NULL || vc == NULL || X509_STORE_add_cert(store, anchor) != 1 ||
	    X509_STORE_CTX_init(vc, store, leaf, chain) != 1) {
		ssl_fail(e, rc, "cannot verify the server");
		goto out;
	}
	X509_STORE_CTX_set_purpose(vc, X509_PURPOSE_SSL_SERVER);
	if (X509_verify_cert(vc) != 1)
		rc = err_set(e, -EPERM, "the server's certificate does not verify: %s",
		    X509_verify_cert_error_string(X509_STORE_CTX_get_error(vc)));
	else if ((ip_parse(host, &a) == 0 ? X509_check_ip_asc(leaf, host, 0)
					  : X509_check_host(leaf, host, 0, 0, NULL)) != 1)
		rc = err_set(e, -EPERM, "the server's certificate is not for %s", host);
	else
		rc = 0;
out:
	X509_STORE_CTX_free(vc);
	X509_STORE_free(store);
	return rc;
}

int
first_contact(const char *host, uint16_t port, const uint8_t spki[PKI_SPKI_LEN], int timeout_ms,
    char **ca_pem_out, struct err *e)
{
	int64_t deadline = clock_mono_ms() + timeout_ms;
	static const unsigned char h2[] = "\x02h2";
	STACK_OF(X509) *chain;
	SSL_CTX *ctx = NULL;
	SSL *ssl = NULL;
	char *pem;
	X509 *ca;
	int fd, rc;

	if ((fd = dial(host, port, deadline, e)) < 0)
		return fd;
	/* Nothing is trusted here and nothing is sent; trust is decided below, by the hash. */
	if ((ctx = SSL_CTX_new(TLS_client_method())) == NULL || (ssl = SSL_new(ctx)) == NULL ||
	    SSL_set_fd(ssl, fd) != 1 || SSL_set_alpn_protos(ssl, h2, sizeof(h2) - 1) != 0) {
		rc = ssl_fail(e, -ENOMEM, "TLS");
		goto out;
	}
	SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	if ((rc = handshake(ssl, fd, deadline, e)) < 0)
		goto out;
	chain = SSL_get_peer_cert_chain(ssl);
	if (chain == NULL || (ca = find_by_spki(chain, spki)) == NULL)
		rc = err_set(e, -EPERM, "the server at %s port %u does not have the CA of that "
		    "fingerprint: wrong server, or somebody in between", host, port);
	else if ((rc = verify_chain(chain, ca, host, e)) < 0)
		goto out;
	else if ((pem = pem_write_cert(ca)) == NULL)
		rc = ssl_fail(e, -ENOMEM, "the CA's certificate");
	else
		*ca_pem_out = pem;
out:
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	return rc;
}
