/* SPDX-License-Identifier: Apache-2.0 */
#include "common/tlsctx.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/ip.h"
#include "common/ssl_fail.h"

static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void) buf, (void) size, (void) rwflag, (void) arg;
	return -1;
}

/* PEM_read has failed: because the text has ended, or because a certificate in it is broken? */
static bool
has_ended(void)
{
	unsigned long code = ERR_peek_last_error();

	if (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
		return false;
	ERR_clear_error();
	return true;
}

/* What is wrong with a text that should be PEM. Not OpenSSL's reason: it speaks of ASN.1. */
static int
refuse(const char *path, const char *name, const char *what, struct err *e)
{
	ERR_clear_error();
	return err_set(e, -EBADMSG, "%s: %s", path == NULL ? name : path, what);
}

/* Every certificate of the bundle becomes a trust anchor. */
static int
add_anchors(X509_STORE *store, const struct tlsctx_conf *conf, struct err *e)
{
	BIO *bio = BIO_new_mem_buf(conf->ca_pem, -1);
	X509 *cert;
	int n = 0, rc = 0;

	while (bio != NULL && (cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
		n += X509_STORE_add_cert(store, cert) == 1;
		X509_free(cert);
	}
	if (!has_ended())
		rc = refuse(conf->ca_path, "the CA", "a certificate in it is damaged", e);
	else if (n == 0)
		rc = refuse(conf->ca_path, "the CA", "holds no PEM certificate", e);
	BIO_free(bio);
	return rc;
}

/* The leaf, and what follows it as its chain. */
static int
use_cert(SSL_CTX *ctx, const struct tlsctx_conf *conf, struct err *e)
{
	static const char name[] = "the certificate";
	BIO *bio = BIO_new_mem_buf(conf->cert_pem, -1);
	X509 *cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
	int rc = 0;

	if (cert == NULL)
		rc = refuse(conf->cert_path, name, "holds no PEM certificate, or a damaged one", e);
	else if (SSL_CTX_use_certificate(ctx, cert) != 1)
		rc = refuse(conf->cert_path, name, "its key is of a kind that TLS cannot use", e);
	X509_free(cert);
	while (rc == 0 && (cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
		if (SSL_CTX_add0_chain_cert(ctx, cert) != 1) {
			X509_free(cert);
			rc = refuse(conf->cert_path, name, "its chain cannot be used", e);
		}
	}
	if (rc == 0 && !has_ended())
		rc = refuse(conf->cert_path, name, "a certificate of its chain is damaged", e);
	BIO_free(bio);
	return rc;
}

static int
use_key(SSL_CTX *ctx, const struct tlsctx_conf *conf, struct err *e)
{
	static const char name[] = "the key";
	BIO *bio = BIO_new_mem_buf(conf->key_pem, -1);
	EVP_PKEY *key =
	    bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	int rc = 0;

	if (key == NULL)
		rc = refuse(conf->key_path, name, "holds no PEM key without a passphrase", e);
	else if (SSL_CTX_use_PrivateKey(ctx, key) != 1)
		rc = refuse(conf->key_path, name, "is not the key of the certificate", e);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return rc;
}

/* Server: the client must offer our protocol, whose name the context carries. */
static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen, const unsigned char *in,
    unsigned int inlen, void *arg)
{
	const char *ours = arg;
	size_t len = strlen(ours);

	(void) ssl;
	for (unsigned i = 0; i < inlen && in[i] < inlen - i; i += in[i] + 1u) {
		if (in[i] == len && memcmp(in + i + 1, ours, len) == 0) {
			*out = in + i + 1;
			*outlen = in[i];
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Server: OpenSSL asks choose_alpn only where the client offers something; the rest ends here. */
static int
require_alpn(SSL *ssl, int *alert, void *arg)
{
	const unsigned char *ext;
	size_t len;

	(void) arg;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &ext,
	    &len) == 1)
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = TLS1_AD_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

static int
set_alpn(SSL_CTX *ctx, const struct tlsctx_conf *conf)
{
	unsigned char wire[64];
	size_t len = strlen(conf->alpn);

	if (conf->server) {
		SSL_CTX_set_client_hello_cb(ctx, require_alpn, NULL);
		SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, (void *) conf->alpn);
		return 1;
	}
	if (len >= sizeof(wire))
		return 0;
	wire[0] = (unsigned char) len;
	memcpy(wire + 1, conf->alpn, len);
	return SSL_CTX_set_alpn_protos(ctx, wire, (unsigned) len + 1) == 0; /* sic: 0 is success */
}

/* Seconds until the certificate ends; 0: it has, or cannot be read. */
static long
seconds_left(const X509 *cert)
{
	int days = 0, seconds = 0;

	if (cert == NULL || ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)) != 1 ||
	    days < 0 || seconds < 0)
		return 0;
	return (long) days * 24 * 3600 + seconds;
}

/* Before a ticket is written: it must not outlive the certificate that it stands for. */
static int
limit_ticket(SSL *ssl, void *arg)
{
	long left = seconds_left(SSL_get0_peer_certificate(ssl));

	(void) arg;
	SSL_SESSION_set_timeout(SSL_get_session(ssl),
	    left < TLSCTX_TICKET_LIFE_S ? left : TLSCTX_TICKET_LIFE_S);
	return 1;
}

static void
set_tickets(SSL_CTX *ctx, const struct tlsctx_conf *conf)
{
	unsigned char id[SHA256_DIGEST_LENGTH];

	SSL_CTX_set_timeout(ctx, TLSCTX_TICKET_LIFE_S);
	SSL_CTX_set_max_early_data(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (!conf->server)
		return;
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);	/* none that holds the session */
	SSL_CTX_set_num_tickets(ctx, 1);	/* its client keeps the last one */
	SSL_CTX_set_session_ticket_cb(ctx, limit_ticket, NULL, NULL);
	/* Tickets of sessions under another CA bundle must not open this one. */
	SHA256((const unsigned char *) conf->ca_pem, strlen(conf->ca_pem), id);
	SSL_CTX_set_session_id_context(ctx, id, sizeof(id));
}

static void
set_rules(SSL_CTX *ctx, const struct tlsctx_conf *conf)
{
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	    SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
	    SSL_OP_CIPHER_SERVER_PREFERENCE);
	set_tickets(ctx, conf);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_verify_depth(ctx, 3);
	SSL_CTX_set_max_cert_list(ctx, TLSCTX_CHAIN_MAX);
	/* EKU: a server talks to clientAuth only, a client to serverAuth only. */
	SSL_CTX_set_purpose(ctx, conf->server ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER);
}

int
tlsctx_new(const struct tlsctx_conf *conf, SSL_CTX **out, struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(conf->server ? TLS_server_method() : TLS_client_method());
	int rc;

	if (ctx == NULL)
		return ssl_fail(e, -ENOMEM, "TLS");
	set_rules(ctx, conf);
	rc = add_anchors(SSL_CTX_get_cert_store(ctx), conf, e);
	if (rc == 0 && conf->cert_pem != NULL && (rc = use_cert(ctx, conf, e)) == 0)
		rc = use_key(ctx, conf, e);
	if (rc == 0 && conf->alpn != NULL && !set_alpn(ctx, conf))
		rc = ssl_fail(e, -EINVAL, "ALPN");
	if (rc < 0) {
		SSL_CTX_free(ctx);
		return rc;
	}
	*out = ctx;
	return 0;
}

/* Do our own anchors vouch for the certificate? 0, or why not (X509_STORE_CTX_get_error(3)). */
static int
verify_own(SSL_CTX *ctx, X509 *cert)
{
	X509_STORE_CTX *vc = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = NULL;
	int why = X509_V_ERR_OUT_OF_MEM;

	SSL_CTX_get0_chain_certs(ctx, &chain);
	if (vc != NULL &&
	    X509_STORE_CTX_init(vc, SSL_CTX_get_cert_store(ctx), cert, chain) == 1) {
		X509_STORE_CTX_set_purpose(vc, X509_PURPOSE_SSL_SERVER);
		X509_STORE_CTX_set_flags(vc, X509_V_FLAG_NO_CHECK_TIME);
		why = X509_verify_cert(vc) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(vc);
	}
	X509_STORE_CTX_free(vc);
	ERR_clear_error();
	return why;
}

int
tlsctx_check_own(SSL_CTX *ctx, const struct tlsctx_conf *conf, struct err *e)
{
	const char *path = conf->cert_path == NULL ? "the certificate" : conf->cert_path;
	X509 *cert = SSL_CTX_get0_certificate(ctx);
	uint32_t usage = X509_get_extended_key_usage(cert);
	int why;

	if (usage == UINT32_MAX || (usage & (conf->server ? XKU_SSL_SERVER : XKU_SSL_CLIENT)) == 0)
		return err_set(e, -EBADMSG, "%s: its extended key usage is not %s", path,
		    conf->server ? "serverAuth" : "clientAuth");
	if (conf->server && (why = verify_own(ctx, cert)) != X509_V_OK)
		return err_set(e, -EBADMSG, "%s: was not issued by %s (%s)", path,
		    conf->ca_path == NULL ? "the CA" : conf->ca_path,
		    X509_verify_cert_error_string(why));
	return 0;
}

void
tlsctx_free(SSL_CTX *ctx)
{
	SSL_CTX_free(ctx);
}

/*
 * What openssl.cnf would say (config(5), SSL_CONF_cmd(3)). As protocol options, not as a minimum
 * version: the latter is overwritten by a library that sets its own.
 */
static const char rules_for_all[] =
	"litevpn = modules\n"
	"[modules]\n"
	"ssl_conf = ssl\n"
	"[ssl]\n"
	"system_default = rules\n"
	"[rules]\n"
	"Protocol = -TLSv1, -TLSv1.1, -TLSv1.2\n";

int
tlsctx_require_tls13(struct err *e)
{
	CONF *conf = NCONF_new(NULL);
	BIO *bio = BIO_new_mem_buf(rules_for_all, -1);
	int ok;

	/* The system's file first: read later, it would replace ours. */
	ok = conf != NULL && bio != NULL && OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL) == 1 &&
	    NCONF_load_bio(conf, bio, NULL) == 1 && CONF_modules_load(conf, "litevpn", 0) == 1;
	BIO_free(bio);
	NCONF_free(conf);
	return ok ? 0 : ssl_fail(e, -EINVAL, "OpenSSL's settings");
}

int
tlsctx_expect_host(SSL *ssl, const char *host, struct err *e)
{
	struct ip_addr a;
	int ok;

	if (ip_parse(host, &a) == 0) {
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
	} else {
		SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
		ok = SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
	}
	return ok == 1 ? 0 : ssl_fail(e, -EINVAL, "the server's name cannot be used");
}

void
tlsctx_explain(const SSL *ssl, char *buf, size_t size)
{
	long verify = SSL_get_verify_result(ssl);
	unsigned long code = ERR_peek_last_error();
	const char *why = code == 0 ? NULL : ERR_reason_error_string(code);

	if (verify != X509_V_OK)
		snprintf(buf, size, "peer certificate: %s", X509_verify_cert_error_string(verify));
	else if (why != NULL)
		snprintf(buf, size, "%s", why);
	else
		snprintf(buf, size, "the connection was closed");
	ERR_clear_error();
}
