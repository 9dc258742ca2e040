/* SPDX-License-Identifier: Apache-2.0 */
#include "common/tlsctx.h"

#include <check.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/common/parties.h"
#include "tests/unit/kit.h"

#define ALPN "litevpn/1"
#define HOST PARTIES_HOST

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
		char *longer = text_join(chain, ca_cert);

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
	char *both = text_join(other_ca_cert, ca_cert);
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
	char *cut_bundle = text_join(ca_cert, cut_ca);
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

int
main(void)
{
	TCase *tc = tcase_create("tlsctx");

	tcase_add_checked_fixture(tc, parties_make, parties_free);
	KIT_ROWS(tc, who_meets_whom, meetings);
	tcase_add_test(tc, older_tls_is_refused);
	KIT_ROWS(tc, a_long_chain_is_refused, chains);
	tcase_add_test(tc, a_bundle_trusts_all_of_it);
	tcase_add_test(tc, bad_texts_are_named);
	tcase_add_test(tc, what_the_other_side_would_refuse_is_found_at_home);
	return kit_run("common/tlsctx", tc);
}
