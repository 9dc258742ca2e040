/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "common/secret.h"
#include "tunnel.pb-c.h"

#define KEEPALIVE_MIN_MS 1000	/* a server cannot make a node busy by a tiny keepalive */

/* --- reading ---------------------------------------------------------------------------------- */

/* Secrets and ids must fit; texts for people may be cut (utf8_copy). */
static int
copy_exact(char *out, size_t size, const char *in)
{
	if (strlen(in) >= size)
		return -EBADMSG;
	memcpy(out, in, strlen(in) + 1);
	return 0;
}

static int
copy_spis(uint32_t *out, unsigned *n_out, const uint32_t *in, size_t n)
{
	if (n > CONTROL_SPIS_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		if (in[i] <= 255)
			return -EBADMSG;	/* reserved (RFC 4303, 2.1) */
		for (size_t k = 0; k < i; k++) {
			if (in[k] == in[i])
				return -EBADMSG;
		}
		out[i] = in[i];
	}
	*n_out = (unsigned) n;
	return 0;
}

static int
read_hello(const Litevpn__Tunnel__Hello *m, struct control_hello *h)
{
	if (copy_exact(h->node_token, sizeof(h->node_token), m->node_token) < 0 ||
	    copy_exact(h->net_token, sizeof(h->net_token), m->net_token) < 0 ||
	    copy_spis(h->spis, &h->nspis, m->receive_spis, m->n_receive_spis) < 0 ||
	    m->workers == 0 || m->workers > CONTROL_WORKERS_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < m->n_ciphers && h->nciphers < CONTROL_CIPHERS_MAX; i++)
		h->ciphers[h->nciphers++] = (int) m->ciphers[i];
	h->workers = m->workers;
	utf8_copy(h->version, sizeof(h->version), m->version);
	return 0;
}

static int
read_welcome(const Litevpn__Tunnel__Welcome *m, struct control_welcome *w)
{
	if (copy_exact(w->node_id, sizeof(w->node_id), m->node_id) < 0 ||
	    ip_prefix_parse(m->address, &w->address) < 0 ||
	    ip_parse(m->server_address, &w->server_address) < 0 ||
	    copy_spis(w->spis, &w->nspis, m->receive_spis, m->n_receive_spis) < 0 ||
	    m->n_routes > CONTROL_ROUTES_MAX || m->workers == 0 ||
	    m->workers > CONTROL_WORKERS_MAX || m->mtu < 576 || m->mtu > 9000 ||
	    (m->mtu_top != 0 && (m->mtu_top < 576 || m->mtu_top > 9000)) ||
	    m->keepalive_ms < KEEPALIVE_MIN_MS || m->dead_after_ms / 2 < m->keepalive_ms ||
	    m->dead_after_ms > INT32_MAX || m->rekey_ms > INT32_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < m->n_routes; i++) {
		if (ip_prefix_parse(m->routes[i], &w->routes[i]) < 0)
			return -EBADMSG;
	}
	w->nroutes = (unsigned) m->n_routes;
	w->mtu = m->mtu;
	w->mtu_top = m->mtu_top;
	w->cipher = (int) m->cipher;
	w->workers = m->workers;
	w->epoch = m->epoch;
	w->keepalive_ms = m->keepalive_ms;
	w->dead_after_ms = m->dead_after_ms;
	w->rekey_ms = m->rekey_ms;
	utf8_copy(w->version, sizeof(w->version), m->version);
	w->has_ca_hash = m->ca_hash.len == sizeof(w->ca_hash);
	if (w->has_ca_hash)
		memcpy(w->ca_hash, m->ca_hash.data, sizeof(w->ca_hash));
	return 0;
}

/* A PEM text of its own. */
static int
copy_pem(char **out, const void *in, size_t len)
{
	if (len == 0 || len > CONTROL_PEM_MAX || memchr(in, '\0', len) != NULL)
		return -EBADMSG;
	*out = strndup(in, len);
	return *out == NULL ? -ENOMEM : 0;
}

static int
read_cert_reply(const Litevpn__Tunnel__CertReply *m, struct control_cert *c)
{
	int rc;

	c->grpc = m->grpc;
	utf8_copy(c->reason, sizeof(c->reason), m->reason);
	utf8_copy(c->message, sizeof(c->message), m->message);
	if (m->reason[0] != '\0')
		return 0;
	if ((rc = copy_pem(&c->certificate, m->certificate, strlen(m->certificate))) < 0)
		return rc;
	return copy_pem(&c->ca, m->ca, strlen(m->ca));
}

static void
read_refuse(const char *reason, const char *message, uint32_t retry_after_ms,
    struct control_refuse *r)
{
	utf8_copy(r->reason, sizeof(r->reason), reason);
	utf8_copy(r->message, sizeof(r->message), message);
	r->retry_after_ms = retry_after_ms;
}

/* The parser's copies. */
static void
wipe_tokens(Litevpn__Tunnel__Hello *m)
{
	secret_wipe(m->node_token, strlen(m->node_token));
	secret_wipe(m->net_token, strlen(m->net_token));
}

int
control_parse(const uint8_t *body, size_t len, struct control *out)
{
	Litevpn__Tunnel__Control *m = litevpn__tunnel__control__unpack(NULL, len, body);
	struct control c = { .type = CONTROL_OTHER };
	int rc = 0;

	if (m == NULL)
		return -EBADMSG;
	switch (m->body_case) {
	case LITEVPN__TUNNEL__CONTROL__BODY_HELLO:
		c.type = CONTROL_HELLO;
		rc = read_hello(m->hello, &c.hello);
		break;
	case LITEVPN__TUNNEL__CONTROL__BODY_WELCOME:
		c.type = CONTROL_WELCOME;
		rc = read_welcome(m->welcome, &c.welcome);
		break;
	case LITEVPN__TUNNEL__CONTROL__BODY_REFUSE:
		c.type = CONTROL_REFUSE;
		read_refuse(m->refuse->reason, m->refuse->message, m->refuse->retry_after_ms,
		    &c.refuse);
		break;
	case LITEVPN__TUNNEL__CONTROL__BODY_ADD_SPI:
		c.type = CONTROL_ADD_SPI;
		rc = copy_spis(c.add_spi.spis, &c.add_spi.nspis, m->add_spi->receive_spis,
		    m->add_spi->n_receive_spis);
		break;
	case LITEVPN__TUNNEL__CONTROL__BODY_KEEPALIVE:
		c.type = CONTROL_KEEPALIVE;
		break;
	case LITEVPN__TUNNEL__CONTROL__BODY_GOODBYE:
		c.type = CONTROL_GOODBYE;
		read_refuse(m->goodbye->reason, "", 0, &c.refuse);
		break;
	case LITEVPN__TUNNEL__CONTROL__BODY_CERT_REQUEST:
		c.type = CONTROL_CERT_REQUEST;
		c.cert.grpc = m->cert_request->grpc;
		rc = copy_pem(&c.cert.csr, m->cert_request->csr.data, m->cert_request->csr.len);
		break;
	case LITEVPN__TUNNEL__CONTROL__BODY_CERT_REPLY:
		c.type = CONTROL_CERT_REPLY;
		rc = read_cert_reply(m->cert_reply, &c.cert);
		break;
	default:
		break;
	}
	if (m->body_case == LITEVPN__TUNNEL__CONTROL__BODY_HELLO)
		wipe_tokens(m->hello);
	litevpn__tunnel__control__free_unpacked(m, NULL);
	if (rc == 0) {
		*out = c;
		secret_wipe(&c, sizeof(c));	/* its texts are the caller's now */
	} else {
		control_fini(&c);
	}
	return rc;
}

void
control_fini(struct control *c)
{
	if (c->type == CONTROL_CERT_REQUEST || c->type == CONTROL_CERT_REPLY) {
		free(c->cert.csr);
		free(c->cert.certificate);
		free(c->cert.ca);
	}
	secret_wipe(c, sizeof(*c));	/* it may be a Hello, with tokens */
}

/* --- writing: each puts its message into a Control on the stack and packs that ----------------- */

static int
pack(const Litevpn__Tunnel__Control *m, uint8_t *out)
{
	size_t len = litevpn__tunnel__control__get_packed_size(m);

	if (len > CONTROL_BODY_MAX)
		return -EMSGSIZE;
	litevpn__tunnel__control__pack(m, out);
	return (int) len;
}

static int
pack_hello(const struct control_hello *h, uint8_t *out)
{
	Litevpn__Tunnel__Control m = LITEVPN__TUNNEL__CONTROL__INIT;
	Litevpn__Tunnel__Hello hello = LITEVPN__TUNNEL__HELLO__INIT;
	Litevpn__Tunnel__Cipher ciphers[CONTROL_CIPHERS_MAX];

	for (unsigned i = 0; i < h->nciphers; i++)
		ciphers[i] = (Litevpn__Tunnel__Cipher) h->ciphers[i];
	hello.node_token = (char *) h->node_token;
	hello.net_token = (char *) h->net_token;
	hello.n_ciphers = h->nciphers;
	hello.ciphers = ciphers;
	hello.workers = h->workers;
	hello.n_receive_spis = h->nspis;
	hello.receive_spis = (uint32_t *) h->spis;
	hello.version = (char *) h->version;
	m.body_case = LITEVPN__TUNNEL__CONTROL__BODY_HELLO;
	m.hello = &hello;
	return pack(&m, out);
}

static int
pack_welcome(const struct control_welcome *w, uint8_t *out)
{
	Litevpn__Tunnel__Control m = LITEVPN__TUNNEL__CONTROL__INIT;
	Litevpn__Tunnel__Welcome welcome = LITEVPN__TUNNEL__WELCOME__INIT;
	char address[IP_TEXT_MAX], server[IP_TEXT_MAX];
	char texts[CONTROL_ROUTES_MAX][IP_TEXT_MAX];
	char *routes[CONTROL_ROUTES_MAX];

	for (unsigned i = 0; i < w->nroutes; i++)
		routes[i] = (char *) ip_prefix_format(&w->routes[i], texts[i]);
	welcome.node_id = (char *) w->node_id;
	welcome.address = (char *) ip_prefix_format(&w->address, address);
	welcome.server_address = (char *) ip_format(&w->server_address, server);
	welcome.mtu = w->mtu;
	welcome.mtu_top = w->mtu_top;
	welcome.n_routes = w->nroutes;
	welcome.routes = routes;
	welcome.cipher = (Litevpn__Tunnel__Cipher) w->cipher;
	welcome.workers = w->workers;
	welcome.n_receive_spis = w->nspis;
	welcome.receive_spis = (uint32_t *) w->spis;
	welcome.epoch = w->epoch;
	welcome.keepalive_ms = w->keepalive_ms;
	welcome.dead_after_ms = w->dead_after_ms;
	welcome.rekey_ms = w->rekey_ms;
	welcome.version = (char *) w->version;
	if (w->has_ca_hash)
		welcome.ca_hash = (ProtobufCBinaryData){ sizeof(w->ca_hash),
			(uint8_t *) w->ca_hash };
	m.body_case = LITEVPN__TUNNEL__CONTROL__BODY_WELCOME;
	m.welcome = &welcome;
	return pack(&m, out);
}

static int
pack_refuse(const struct control_refuse *r, uint8_t *out)
{
	Litevpn__Tunnel__Control m = LITEVPN__TUNNEL__CONTROL__INIT;
	Litevpn__Tunnel__Refuse refuse = LITEVPN__TUNNEL__REFUSE__INIT;

	refuse.reason = (char *) r->reason;
	refuse.message = (char *) r->message;
	refuse.retry_after_ms = r->retry_after_ms;
	m.body_case = LITEVPN__TUNNEL__CONTROL__BODY_REFUSE;
	m.refuse = &refuse;
	return pack(&m, out);
}

static int
pack_add_spi(const struct control_add_spi *a, uint8_t *out)
{
	Litevpn__Tunnel__Control m = LITEVPN__TUNNEL__CONTROL__INIT;
	Litevpn__Tunnel__AddSpi add = LITEVPN__TUNNEL__ADD_SPI__INIT;

	add.n_receive_spis = a->nspis;
	add.receive_spis = (uint32_t *) a->spis;
	m.body_case = LITEVPN__TUNNEL__CONTROL__BODY_ADD_SPI;
	m.add_spi = &add;
	return pack(&m, out);
}

static int
pack_keepalive(uint8_t *out)
{
	Litevpn__Tunnel__Control m = LITEVPN__TUNNEL__CONTROL__INIT;
	Litevpn__Tunnel__Keepalive keepalive = LITEVPN__TUNNEL__KEEPALIVE__INIT;

	m.body_case = LITEVPN__TUNNEL__CONTROL__BODY_KEEPALIVE;
	m.keepalive = &keepalive;
	return pack(&m, out);
}

static int
pack_goodbye(const struct control_refuse *r, uint8_t *out)
{
	Litevpn__Tunnel__Control m = LITEVPN__TUNNEL__CONTROL__INIT;
	Litevpn__Tunnel__Goodbye goodbye = LITEVPN__TUNNEL__GOODBYE__INIT;

	goodbye.reason = (char *) r->reason;
	m.body_case = LITEVPN__TUNNEL__CONTROL__BODY_GOODBYE;
	m.goodbye = &goodbye;
	return pack(&m, out);
}

static int
pack_cert_request(const struct control_cert *c, uint8_t *out)
{
	Litevpn__Tunnel__Control m = LITEVPN__TUNNEL__CONTROL__INIT;
	Litevpn__Tunnel__CertRequest request = LITEVPN__TUNNEL__CERT_REQUEST__INIT;

	request.csr = (ProtobufCBinaryData){ strlen(c->csr), (uint8_t *) c->csr };
	request.grpc = c->grpc;
	m.body_case = LITEVPN__TUNNEL__CONTROL__BODY_CERT_REQUEST;
	m.cert_request = &request;
	return pack(&m, out);
}

static int
pack_cert_reply(const struct control_cert *c, uint8_t *out)
{
	Litevpn__Tunnel__Control m = LITEVPN__TUNNEL__CONTROL__INIT;
	Litevpn__Tunnel__CertReply reply = LITEVPN__TUNNEL__CERT_REPLY__INIT;

	reply.grpc = c->grpc;
	reply.reason = (char *) c->reason;
	reply.message = (char *) c->message;
	if (c->reason[0] == '\0') {
		reply.certificate = c->certificate;
		reply.ca = c->ca;
	}
	m.body_case = LITEVPN__TUNNEL__CONTROL__BODY_CERT_REPLY;
	m.cert_reply = &reply;
	return pack(&m, out);
}

int
control_pack(const struct control *c, uint8_t *out)
{
	switch (c->type) {
	case CONTROL_HELLO:
		return pack_hello(&c->hello, out);
	case CONTROL_WELCOME:
		return pack_welcome(&c->welcome, out);
	case CONTROL_REFUSE:
		return pack_refuse(&c->refuse, out);
	case CONTROL_ADD_SPI:
		return pack_add_spi(&c->add_spi, out);
	case CONTROL_KEEPALIVE:
		return pack_keepalive(out);
	case CONTROL_GOODBYE:
		return pack_goodbye(&c->refuse, out);
	case CONTROL_CERT_REQUEST:
		return pack_cert_request(&c->cert, out);
	case CONTROL_CERT_REPLY:
		return pack_cert_reply(&c->cert, out);
	case CONTROL_OTHER:
		break;
	}
	return -EMSGSIZE;
}
