/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/renewals.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/ipc.h"
#include "common/log.h"
#include "common/pki.h"
#include "common/reason.h"
#include "ipc/tunneld.pb-c.h"

#define WAIT_MS 20000		/* tunneld answers then, also with none */
#define TAKE_MS (WAIT_MS + 5000)
#define PUT_MS 5000
#define SIGN_MS 10000
#define AGAIN_MS 1000		/* after a failure */

struct renewals {
	struct ev *ev;
	struct ipc_client *tunneld;
	struct signer_client *signer;
	bool asking;
	struct ev_timer again;
	LIST_HEAD(, renewal) list;
};

struct renewal {	/* at the signer */
	struct renewals *all;
	char node_id[PKI_ID_MAX + 1];
	uint64_t epoch;
	bool grpc;
	LIST_ENTRY(renewal) link;
};

static void take(void *arg);

/* --- back to tunneld -------------------------------------------------------------------------- */

static void
on_put(void *arg, int rc, const ProtobufCMessage *msg)
{
	const Litevpn__Tunneld__Reply *reply = (const Litevpn__Tunneld__Reply *) msg;

	(void) arg;
	if (rc < 0 || reply->result != 0)	/* the node asks again */
		log_debug("certificate_lost", "error=%s",
		    rc < 0 ? err_name(rc) : reason_name(reply->result));
}

/* The answer to `of`. cert: NULL where there is none, and *e says why. */
static void
put(struct renewals *r, const Litevpn__Tunneld__CertRequest *of, const struct err *e,
    const struct signed_cert *cert)
{
	Litevpn__Tunneld__Request req = LITEVPN__TUNNELD__REQUEST__INIT;
	Litevpn__Tunneld__PutCertificate m = LITEVPN__TUNNELD__PUT_CERTIFICATE__INIT;
	int rc;

	m.node_id = of->node_id;
	m.epoch = of->epoch;
	m.grpc = of->grpc;
	if (e->rc == 0) {
		m.certificate = cert->certificate;
		m.ca = cert->ca;
	} else {
		m.result = (int32_t) reason_of(e->rc, REASON_INTERNAL);
		m.detail = (char *) e->text;
	}
	log_info("certificate_renewed", "node=%s pki=%s result=%s", LOG_Q(m.node_id),
	    m.grpc ? "grpc" : "vpn", e->rc == 0 ? "OK" : reason_name(m.result));
	req.body_case = LITEVPN__TUNNELD__REQUEST__BODY_PUT_CERTIFICATE;
	req.put_certificate = &m;
	if ((rc = ipc_ask(r->tunneld, &req.base, PUT_MS, on_put, r)) < 0)
		log_debug("certificate_lost", "error=%s", err_name(rc));
}

/* --- the signer ------------------------------------------------------------------------------- */

static void
on_signed(void *arg, const struct err *e, const struct signed_cert *cert)
{
	Litevpn__Tunneld__CertRequest of = LITEVPN__TUNNELD__CERT_REQUEST__INIT;
	struct renewal *n = arg;

	of.node_id = n->node_id;
	of.epoch = n->epoch;
	of.grpc = n->grpc;
	LIST_REMOVE(n, link);
	put(n->all, &of, e, cert);
	free(n);
}

/* What tunneld says of a node is taken as it is: the grant alone counts, and goes to the signer. */
static void
sign(struct renewals *r, const Litevpn__Tunneld__CertRequest *m)
{
	struct renewal *n = calloc(1, sizeof(*n));
	char *csr = strndup((const char *) m->csr.data, m->csr.len);
	struct err e = { 0 };

	if (n == NULL || csr == NULL || strlen(m->node_id) >= sizeof(n->node_id)) {
		err_set(&e, -REASON_OVERLOADED, "out of memory");
	} else {
		memcpy(n->node_id, m->node_id, strlen(m->node_id));
		n->epoch = m->epoch;
		n->grpc = m->grpc;
		n->all = r;
		signer_client_sign_here(r->signer, m->grant.data, m->grant.len, csr, SIGN_MS,
		    on_signed, n, &e);
	}
	free(csr);
	if (e.rc < 0) {
		free(n);
		put(r, m, &e, NULL);
	} else {
		LIST_INSERT_HEAD(&r->list, n, link);
	}
}

/* --- from tunneld ----------------------------------------------------------------------------- */

static void
on_taken(void *arg, int rc, const ProtobufCMessage *msg)
{
	const Litevpn__Tunneld__Reply *reply = (const Litevpn__Tunneld__Reply *) msg;
	struct renewals *r = arg;

	r->asking = false;
	if (rc < 0 || reply->body_case != LITEVPN__TUNNELD__REPLY__BODY_CERT_REQUESTS) {
		ev_timer_start(r->ev, &r->again, AGAIN_MS, take, r);
		return;
	}
	for (size_t i = 0; i < reply->cert_requests->n_requests; i++)
		sign(r, reply->cert_requests->requests[i]);
	take(r);
}

static void
take(void *arg)
{
	Litevpn__Tunneld__Request req = LITEVPN__TUNNELD__REQUEST__INIT;
	Litevpn__Tunneld__TakeCertRequests m = LITEVPN__TUNNELD__TAKE_CERT_REQUESTS__INIT;
	struct renewals *r = arg;

	if (r->asking || !ipc_client_is_up(r->tunneld))	/* on_up comes here again */
		return;
	m.wait_ms = WAIT_MS;
	req.body_case = LITEVPN__TUNNELD__REQUEST__BODY_TAKE_CERT_REQUESTS;
	req.take_cert_requests = &m;
	r->asking = ipc_ask(r->tunneld, &req.base, TAKE_MS, on_taken, r) == 0;
	if (!r->asking)
		ev_timer_start(r->ev, &r->again, AGAIN_MS, take, r);
}

/* --- life ------------------------------------------------------------------------------------- */

int
renewals_new(struct ev *ev, const char *path, uid_t uid, struct signer_client *signer,
    struct renewals **out, struct err *e)
{
	struct renewals *r = calloc(1, sizeof(*r));
	const struct ipc_client_conf conf = {
		.path = path,
		.uid = uid,
		.request = &litevpn__tunneld__request__descriptor,
		.reply = &litevpn__tunneld__reply__descriptor,
		.up = take,
		.arg = r,
	};
	int rc;

	if (r == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	r->ev = ev;
	r->signer = signer;
	LIST_INIT(&r->list);
	if ((rc = ipc_client_new(ev, &conf, &r->tunneld, e)) < 0) {
		free(r);
		return rc;
	}
	*out = r;
	return 0;
}

void
renewals_free(struct renewals *r)
{
	struct renewal *n;

	if (r == NULL)
		return;
	ev_timer_stop(r->ev, &r->again);
	ipc_client_free(r->tunneld);
	while ((n = LIST_FIRST(&r->list)) != NULL) {
		LIST_REMOVE(n, link);
		free(n);
	}
	free(r);
}
