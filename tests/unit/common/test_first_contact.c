/* SPDX-License-Identifier: Apache-2.0 */
#include "common/first_contact.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/tlsctx.h"
#include "tests/unit/common/parties.h"
#include "tests/unit/kit.h"

enum manner { TLS, TALKS_HTTP, HANGS_UP, SILENT };

/* A server for one connection, on a thread. */
struct stranger {
	int listener;
	uint16_t port;
	enum manner manner;
	const struct party *party;
	const char *chain;
	pthread_t thread;
};

static void
serve_tls(const struct stranger *s, int fd)
{
	struct tlsctx_conf conf = { .server = true, .ca_pem = ca_cert, .cert_pem = s->chain,
		.key_pem = s->party->key };
	SSL_CTX *ctx;
	SSL *ssl;
	char byte;

	ck_assert_int_eq(tlsctx_new(&conf, &ctx, NULL), 0);
	ssl = SSL_new(ctx);
	SSL_set_mode(ssl, SSL_MODE_NO_AUTO_CHAIN);	/* shows what it was given, no more */
	SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1)
		ck_assert_int_le(SSL_read(ssl, &byte, 1), 0);	/* nothing was sent */
	SSL_free(ssl);
	tlsctx_free(ctx);
}

static void *
serve(void *arg)
{
	struct stranger *s = arg;
	int fd = accept(s->listener, NULL, NULL);
	char buf[1024];

	switch (s->manner) {
	case TLS:
		serve_tls(s, fd);
		break;
	case TALKS_HTTP:
		ck_assert_int_eq(send(fd, "HTTP/1.0 400 No\r\n\r\n", 19, MSG_NOSIGNAL), 19);
		break;
	case SILENT:
		while (recv(fd, buf, sizeof(buf), 0) > 0)
			;
		break;
	case HANGS_UP:
		break;
	}
	close(fd);
	return NULL;
}

static void
stranger_start(struct stranger *s)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);

	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(s->listener, (struct sockaddr *) &sin, sizeof(sin)), 0);
	ck_assert_int_eq(listen(s->listener, 1), 0);
	ck_assert_int_eq(getsockname(s->listener, (struct sockaddr *) &sin, &len), 0);
	s->port = ntohs(sin.sin_port);
	ck_assert_int_eq(pthread_create(&s->thread, NULL, serve, s), 0);
}

enum print { PRINT_CA, PRINT_OTHER, PRINT_LEAF };

static const struct {
	enum manner manner;
	enum who server;
	bool chain;		/* shows its CA, too */
	enum print fingerprint;	/* that we were told */
	int rc;
	const char *why;
} contacts[] = {
	{ TLS, SERVER, true, PRINT_CA, 0, "" },
	{ TLS, SERVER, true, PRINT_OTHER, -EPERM, "wrong server, or somebody in between" },
	{ TLS, SERVER, false, PRINT_CA, -EPERM, "wrong server, or somebody in between" },
	{ TLS, SERVER, true, PRINT_LEAF, -EPERM, "does not verify" },
	{ TLS, STRANGER_SERVER, true, PRINT_CA, -EPERM, "wrong server, or somebody in between" },
	{ TLS, NEXT_DOOR, true, PRINT_CA, -EPERM, "is not for 127.0.0.1" },
	{ TLS, CLIENT, true, PRINT_CA, -EPERM, "unsuitable certificate purpose" },
	{ TALKS_HTTP, SERVER, true, PRINT_CA, -ECONNRESET, "TLS handshake: " },
	{ HANGS_UP, SERVER, true, PRINT_CA, -ECONNRESET, "TLS handshake: " },
	{ SILENT, SERVER, true, PRINT_CA, -ETIMEDOUT, "no answer in time" },
};

START_TEST(a_ca_is_fetched_by_its_fingerprint)
{
	struct party *p = &parties[contacts[_i].server];
	struct stranger s = { .manner = contacts[_i].manner, .party = p,
		.chain = contacts[_i].chain ? p->chain : p->cert };
	const char *told[] = { [PRINT_CA] = ca_cert, [PRINT_OTHER] = other_ca_cert,
		[PRINT_LEAF] = p->cert };
	const char *print = told[contacts[_i].fingerprint];
	struct pki_cert c;
	struct err e = { 0 };
	char *pem = NULL;
	int rc;

	ck_assert_int_eq(pki_cert_read(print, strlen(print), &c, NULL), 0);
	stranger_start(&s);
	rc = first_contact(PARTIES_HOST, s.port, c.spki, s.manner == SILENT ? 100 : 3000, &pem, &e);
	ck_assert_msg(rc == contacts[_i].rc, "%d %s", rc, e.text);
	ck_assert_msg(strstr(e.text, contacts[_i].why) != NULL, "%s", e.text);
	if (rc == 0)
		ck_assert_str_eq(pem, ca_cert);
	else
		ck_assert_ptr_null(pem);
	free(pem);
	pthread_join(s.thread, NULL);
	close(s.listener);
}
END_TEST

START_TEST(nobody_there_is_an_error)
{
	uint8_t spki[PKI_SPKI_LEN] = { 0 };
	struct stranger s = { .manner = HANGS_UP };
	struct err e;
	char *pem = NULL;

	stranger_start(&s);
	first_contact(PARTIES_HOST, s.port, spki, 1000, &pem, &e);
	pthread_join(s.thread, NULL);
	close(s.listener);	/* nobody has this port now */
	ck_assert_int_eq(first_contact(PARTIES_HOST, s.port, spki, 1000, &pem, &e), -ECONNREFUSED);
	ck_assert_ptr_nonnull(strstr(e.text, "Connection refused"));
	ck_assert_int_eq(first_contact("no.such.host.invalid", 1, spki, 1000, &pem, &e),
	    -EHOSTUNREACH);
	ck_assert_ptr_null(pem);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("first_contact");

	signal(SIGPIPE, SIG_IGN);	/* as every program of ours does */
	tcase_add_checked_fixture(tc, parties_make, parties_free);
	KIT_ROWS(tc, a_ca_is_fetched_by_its_fingerprint, contacts);
	tcase_add_test(tc, nobody_there_is_an_error);
	return kit_run("common/first_contact", tc);
}
