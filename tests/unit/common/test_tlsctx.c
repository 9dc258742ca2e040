/* SPDX-License-Identifier: Apache-2.0 */
#include "common/tlsctx.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/pki.h"
#include "common/pki_ca.h"
#include "common/secret.h"
#include "tests/unit/kit.h"

#define DAY 86400
#define ALPN "litevpn/1"
#define HOST "127.0.0.1"

/* --- certificates: made once per test --------------------------------------------------------- */

enum who { SERVER, CLIENT, STRANGER_SERVER, STRANGER_CLIENT, NEXT_DOOR, PARTIES };

static struct party {
	char *key, *cert, *chain;	/* chain: the certificate, then its CA's */
} parties[PARTIES];

static char *ca_cert, *other_ca_cert;

static char *
join(const char *a, const char *b)
{
	char *text = malloc(strlen(a) + strlen(b) + 1);

	strcpy(text, a);
	return strcat(text, b);
}

static void
issue(struct party *p, const struct pki_ca *ca, const char *ca_pem, bool for_server,
    const char *host)
{
	struct pki_wish wish = {
		.common_name = "somebody",
		.hosts = &host,
		.nhosts = 1,
		.for_server = for_server,
		.not_after = clock_utc_s() + DAY,
	};
	char *csr;

	ck_assert_int_eq(pki_key_new(&p->key, NULL), 0);
	ck_assert_int_eq(pki_csr_new(p->key, "somebody", &csr, NULL), 0);
	ck_assert_int_eq(pki_issue(ca, csr, strlen(csr), &wish, &p->cert, NULL), 0);
	p->chain = join(p->cert, ca_pem);
	free(csr);
}

static void
make_parties(void)
{
	char *ca_key, *other_key;
	struct pki_ca *ca, *other;

	ck_assert_int_eq(pki_ca_new("the CA", 10, &ca_key, &ca_cert, NULL), 0);
	ck_assert_int_eq(pki_ca_new("the CA", 10, &other_key, &other_ca_cert, NULL), 0);
	ck_assert_int_eq(pki_ca_load(ca_cert, ca_key, &ca, NULL), 0);
	ck_assert_int_eq(pki_ca_load(other_ca_cert, other_key, &other, NULL), 0);
	issue(&parties[SERVER], ca, ca_cert, true, HOST);
	issue(&parties[CLIENT], ca, ca_cert, false, "node.example");
	issue(&parties[STRANGER_SERVER], other, other_ca_cert, true, HOST);
	issue(&parties[STRANGER_CLIENT], other, other_ca_cert, false, "node.example");
	issue(&parties[NEXT_DOOR], ca, ca_cert, true, "vpn.example");
	pki_ca_free(ca);
	pki_ca_free(other);
	secret_free(ca_key);
	secret_free(other_key);
}

static void
free_parties(void)
{
	for (int i = 0; i < PARTIES; i++) {
		secret_free(parties[i].key);
		free(parties[i].cert);
		free(parties[i].chain);
	}
	free(ca_cert);
	free(other_ca_cert);
}

/* --- handshakes in memory --------------------------------------------------------------------- */

struct end {
	SSL_CTX *ctx;
	SSL *ssl;
	bool done;
	char why[160];	/* it failed: in the words of tlsctx_explain */
};

static void
end_init(struct end *end, const struct tlsctx_conf *conf)
{
	struct err e = { 0 };

	*end = (struct end){ 0 };
	ck_assert_msg(tlsctx_new(conf, &end->ctx, &e) == 0, "%s", e.text);
	end->ssl = SSL_new(end->ctx);
}

static void
end_fini(struct end *end)
{
	SSL_free(end->ssl);
	SSL_CTX_free(end->ctx);
}

/* One step; also reads, for in TLS 1.3 a server's refusal comes after the client has finished. */
static void
step(struct end *end)
{
	char byte;
	int rc, want;

	if (end->why[0] != '\0')
		return;
	rc = end->done ? SSL_read(end->ssl, &byte, 1) : SSL_do_handshake(end->ssl);
	want = SSL_get_error(end->ssl, rc);
	if (!end->done && rc == 1)
		end->done = true;
	else if (want != SSL_ERROR_WANT_READ && want != SSL_ERROR_WANT_WRITE)
		tlsctx_explain(end->ssl, end->why, sizeof(end->why));
}

static void
shake_hands(struct end *server, struct end *client)
{
	BIO *a, *b;

	ck_assert_int_eq(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	SSL_set_bio(server->ssl, a, a);
	SSL_set_bio(client->ssl, b, b);
	SSL_set_accept_state(server->ssl);
	SSL_set_connect_state(client->ssl);
	for (int i = 0; i < 20; i++) {
		step(client);
		step(server);
	}
}

static const struct {
	enum who server, client;	/* PARTIES: shows no certificate */
	bool other_ca_at_client;
	const char *host, *alpn;
	const char *server_why, *client_why;	/* part of what each end says; "": it succeeds */
} meetings[] = {
	{ SERVER, CLIENT, false, HOST, ALPN, "", "" },
	/* a node cannot pose as the server, nor the server as a node */
	{ CLIENT, CLIENT, false, NULL, ALPN, "alert", "unsuitable certificate purpose" },
	{ SERVER, SERVER, false, HOST, ALPN, "unsuitable certificate purpose", "alert" },
	/* other people's CA, of the same name */
	{ SERVER, STRANGER_CLIENT, false, HOST, ALPN, "self-signed certificate", "alert" },
	{ STRANGER_SERVER, CLIENT, false, HOST, ALPN, "alert", "self-signed certificate" },
	{ SERVER, CLIENT, true, HOST, ALPN, "alert", "self-signed certificate" },
	{ SERVER, PARTIES, false, HOST, ALPN, "did not return a certificate", "alert" },
	/* the right CA, the wrong machine */
	{ NEXT_DOOR, CLIENT, false, HOST, ALPN, "alert", "IP address mismatch" },
	{ NEXT_DOOR, CLIENT, false, "vpn.example", ALPN, "", "" },
	{ NEXT_DOOR, CLIENT, false, "other.example", ALPN, "alert", "hostname mismatch" },
	{ SERVER, CLIENT, false, "vpn.example", ALPN, "alert", "hostname mismatch" },
	/* another protocol, a part of ours, none */
	{ SERVER, CLIENT, false, HOST, "h2", "no application protocol", "alert" },
	{ SERVER, CLIENT, false, HOST, "litevpn/", "no application protocol", "alert" },
	{ SERVER, CLIENT, false, HOST, "litevpn/11", "no application protocol", "alert" },
	{ SERVER, CLIENT, false, HOST, NULL, "callback failed", "alert" },
};

START_TEST(who_meets_whom)
{
	struct tlsctx_conf sc = {
		.server = true,
		.ca_pem = ca_cert,
		.cert_pem = parties[meetings[_i].server].chain,
		.key_pem = parties[meetings[_i].server].key,
		.alpn = ALPN,
	};
	struct tlsctx_conf cc = {
		.ca_pem = meetings[_i].other_ca_at_client ? other_ca_cert : ca_cert,
		.alpn = meetings[_i].alpn,
	};
	struct end server, client;
	const unsigned char *alpn;
	unsigned len;

	if (meetings[_i].client != PARTIES) {
		cc.cert_pem = parties[meetings[_i].client].chain;
		cc.key_pem = parties[meetings[_i].client].key;
	}
	end_init(&server, &sc);
	end_init(&client, &cc);
	if (meetings[_i].host != NULL)
		ck_assert_int_eq(tlsctx_expect_host(client.ssl, meetings[_i].host, NULL), 0);
	shake_hands(&server, &client);
	ck_assert_msg(strstr(server.why, meetings[_i].server_why) != NULL &&
	    (server.why[0] == '\0') == (meetings[_i].server_why[0] == '\0'),
	    "server: %s", server.why);
	ck_assert_msg(strstr(client.why, meetings[_i].client_why) != NULL &&
	    (client.why[0] == '\0') == (meetings[_i].client_why[0] == '\0'),
	    "client: %s", client.why);
	if (client.why[0] == '\0') {
		ck_assert(server.done && client.done);
		ck_assert_int_eq(SSL_version(client.ssl), TLS1_3_VERSION);
		SSL_get0_alpn_selected(client.ssl, &alpn, &len);
		ck_assert_uint_eq(len, strlen(ALPN));
		ck_assert_mem_eq(alpn, ALPN, len);
	}
	end_fini(&server);
	end_fini(&client);
}
END_TEST

static struct tlsctx_conf
conf_of(enum who who, const char *ca_pem)
{
	return (struct tlsctx_conf){ .server = who == SERVER, .ca_pem = ca_pem,
		.cert_pem = parties[who].chain, .key_pem = parties[who].key, .alpn = ALPN };
}

START_TEST(older_tls_is_refused)
{
	struct tlsctx_conf sc = conf_of(SERVER, ca_cert), cc = conf_of(CLIENT, ca_cert);
	struct end server, client;

	end_init(&server, &sc);
	end_init(&client, &cc);
	SSL_set_min_proto_version(client.ssl, TLS1_2_VERSION);
	SSL_set_max_proto_version(client.ssl, TLS1_2_VERSION);
	shake_hands(&server, &client);
	ck_assert(!server.done && !client.done);
	ck_assert_ptr_nonnull(strstr(server.why, "unsupported protocol"));
	end_fini(&server);
	end_fini(&client);
}
END_TEST

static const struct {
	size_t extra;	/* certificates behind the own one, in bytes of text (of 64 per 48) */
	const char *server_why;
} chains[] = {
	{ TLSCTX_CHAIN_MAX, "" },
	{ 2 * TLSCTX_CHAIN_MAX, "excessive message size" },
};

/* What a stranger claims to send is memory that it takes. */
START_TEST(a_long_chain_is_refused)
{
	struct tlsctx_conf sc = conf_of(SERVER, ca_cert), cc = conf_of(CLIENT, ca_cert);
	char *chain = strdup(cc.cert_pem);
	struct end server, client;

	while (strlen(chain) < chains[_i].extra) {
		char *longer = join(chain, ca_cert);

		free(chain);
		chain = longer;
	}
	cc.cert_pem = chain;
	end_init(&server, &sc);
	end_init(&client, &cc);
	shake_hands(&server, &client);
	ck_assert_msg(strstr(server.why, chains[_i].server_why) != NULL &&
	    (server.why[0] == '\0') == (chains[_i].server_why[0] == '\0'), "%s", server.why);
	end_fini(&server);
	end_fini(&client);
	free(chain);
}
END_TEST

/* A bundle of two CAs: a rollover. */
START_TEST(a_bundle_trusts_all_of_it)
{
	char *both = join(other_ca_cert, ca_cert);
	struct tlsctx_conf sc = conf_of(SERVER, both), cc = conf_of(STRANGER_CLIENT, both);
	struct end server, client;

	end_init(&server, &sc);
	end_init(&client, &cc);
	shake_hands(&server, &client);
	ck_assert_str_eq(server.why, "");
	ck_assert_str_eq(client.why, "");
	end_fini(&server);
	end_fini(&client);
	free(both);
}
END_TEST

/* --- files that are not what they should be --------------------------------------------------- */

/* Cuts the text in the middle of its last certificate. */
static char *
truncated(const char *text)
{
	char *copy = strdup(text);

	copy[strlen(copy) - 200] = '\0';
	return copy;
}

START_TEST(bad_texts_are_named)
{
	char *cut_ca = truncated(ca_cert), *cut_chain = truncated(parties[SERVER].chain);
	char *cut_bundle = join(ca_cert, cut_ca);
	const struct {
		const char *ca, *cert, *key, *why;
	} rows[] = {
		{ "", parties[SERVER].chain, parties[SERVER].key, "/x/ca.pem: holds no PEM certificate" },
		{ parties[SERVER].key, parties[SERVER].chain, parties[SERVER].key,
		    "/x/ca.pem: holds no PEM certificate" },
		{ cut_ca, parties[SERVER].chain, parties[SERVER].key,
		    "/x/ca.pem: a certificate in it is damaged" },
		{ cut_bundle, parties[SERVER].chain, parties[SERVER].key,
		    "/x/ca.pem: a certificate in it is damaged" },
		{ ca_cert, "", parties[SERVER].key, "/x/server.pem: holds no PEM certificate, or a damaged one" },
		{ ca_cert, cut_ca, parties[SERVER].key, "/x/server.pem: holds no PEM certificate, or a damaged one" },
		{ ca_cert, cut_chain, parties[SERVER].key, "/x/server.pem: a certificate of its chain is damaged" },
		{ ca_cert, parties[SERVER].chain, "", "/x/server-key.pem: holds no PEM key without a passphrase" },
		{ ca_cert, parties[SERVER].chain, parties[CLIENT].key, "/x/server-key.pem: is not the key of the certificate" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tlsctx_conf conf = { .server = true, .ca_pem = rows[i].ca,
			.cert_pem = rows[i].cert, .key_pem = rows[i].key, .ca_path = "/x/ca.pem",
			.cert_path = "/x/server.pem", .key_path = "/x/server-key.pem" };
		SSL_CTX *ctx = NULL;
		struct err e = { 0 };

		ck_assert_int_eq(tlsctx_new(&conf, &ctx, &e), -EBADMSG);
		ck_assert_str_eq(e.text, rows[i].why);
		ck_assert_ptr_null(ctx);
	}
	free(cut_bundle);
	free(cut_chain);
	free(cut_ca);
}
END_TEST

START_TEST(what_the_other_side_would_refuse_is_found_at_home)
{
	static const struct {
		bool server, other_ca;
		enum who who;
		const char *why;	/* "": nothing */
	} rows[] = {
		{ true, false, SERVER, "" },
		{ true, false, NEXT_DOOR, "" },
		{ false, false, CLIENT, "" },
		{ false, true, CLIENT, "" },	/* a node's CA is the server's, maybe not its own */
		{ true, false, CLIENT, "/x/own.pem: its extended key usage is not serverAuth" },
		{ false, false, SERVER, "/x/own.pem: its extended key usage is not clientAuth" },
		{ true, true, SERVER, "/x/own.pem: was not issued by /x/ca.pem (" },
		{ true, false, STRANGER_SERVER, "/x/own.pem: was not issued by /x/ca.pem (" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct party *p = &parties[rows[i].who];
		struct tlsctx_conf conf = { .server = rows[i].server,
			.ca_pem = rows[i].other_ca ? other_ca_cert : ca_cert, .cert_pem = p->cert,
			.key_pem = p->key, .ca_path = "/x/ca.pem", .cert_path = "/x/own.pem" };
		bool good = rows[i].why[0] == '\0';
		struct err e = { 0 };
		SSL_CTX *ctx;

		ck_assert_int_eq(tlsctx_new(&conf, &ctx, &e), 0);
		ck_assert_int_eq(tlsctx_check_own(ctx, &conf, &e), good ? 0 : -EBADMSG);
		ck_assert_msg(strncmp(e.text, rows[i].why, strlen(rows[i].why)) == 0 &&
		    (e.text[0] == '\0') == good, "%zu: %s", i, e.text);
		tlsctx_free(ctx);
	}
}
END_TEST

/* --- first contact ---------------------------------------------------------------------------- */

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
	struct end end;
	char byte;

	end_init(&end, &conf);
	SSL_set_mode(end.ssl, SSL_MODE_NO_AUTO_CHAIN);	/* shows what it was given, no more */
	SSL_set_verify(end.ssl, SSL_VERIFY_NONE, NULL);
	SSL_set_fd(end.ssl, fd);
	if (SSL_accept(end.ssl) == 1)
		ck_assert_int_le(SSL_read(end.ssl, &byte, 1), 0);	/* nothing was sent */
	end_fini(&end);
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
	rc = tlsctx_fetch_ca(HOST, s.port, c.spki, s.manner == SILENT ? 100 : 3000, &pem, &e);
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
	tlsctx_fetch_ca(HOST, s.port, spki, 1000, &pem, &e);
	pthread_join(s.thread, NULL);
	close(s.listener);	/* nobody has this port now */
	ck_assert_int_eq(tlsctx_fetch_ca(HOST, s.port, spki, 1000, &pem, &e), -ECONNREFUSED);
	ck_assert_ptr_nonnull(strstr(e.text, "Connection refused"));
	ck_assert_int_eq(tlsctx_fetch_ca("no.such.host.invalid", 1, spki, 1000, &pem, &e),
	    -EHOSTUNREACH);
	ck_assert_ptr_null(pem);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("tlsctx");

	signal(SIGPIPE, SIG_IGN);	/* as every program of ours does */
	tcase_add_checked_fixture(tc, make_parties, free_parties);
	KIT_ROWS(tc, who_meets_whom, meetings);
	tcase_add_test(tc, older_tls_is_refused);
	KIT_ROWS(tc, a_long_chain_is_refused, chains);
	tcase_add_test(tc, a_bundle_trusts_all_of_it);
	tcase_add_test(tc, bad_texts_are_named);
	tcase_add_test(tc, what_the_other_side_would_refuse_is_found_at_home);
	KIT_ROWS(tc, a_ca_is_fetched_by_its_fingerprint, contacts);
	tcase_add_test(tc, nobody_there_is_an_error);
	return kit_run("common/tlsctx", tc);
}
