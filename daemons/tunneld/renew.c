/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/renew.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/pki.h"
#include "common/reason.h"
#include "common/secret.h"

#define ANSWER_MS 30000		/* of the server; as long as it keeps the question */
#define LOOK_MS (3600 * 1000LL)	/* how often the clock is looked at: it may be set */
#define AGAIN_MIN_MS 1000LL	/* after a failure */

struct renew {
	struct renew_parts p;
	bool other_ca;		/* the server has other CAs than this node */
	bool waiting;		/* for an answer, of the server or of the monitor */
	int64_t not_before;	/* of the certificate that it knows of; 0: none */
	struct ev_timer timer;	/* until it is due, or the answer too late */
};

static void on_timer(void *arg);

static void
wake_in(struct renew *r, int64_t ms)
{
	ev_timer_start(r->p.ev, &r->timer, ms < LOOK_MS ? ms : LOOK_MS, on_timer, r);
}

/* --- when ------------------------------------------------------------------------------------- */

static const struct pki_cert *
cert_of(const struct renew *r)
{
	return identity_cert(r->p.identity, r->p.grpc);
}

static int64_t
left_s(const struct renew *r)
{
	const struct pki_cert *cert = cert_of(r);

	return cert == NULL ? 0 : cert->not_after - clock_utc_s();
}

/* Up to a tenth of what is left then: nodes that were enrolled together do not come together. */
static int64_t
due_in_ms(const struct renew *r)
{
	const struct pki_cert *cert = cert_of(r);
	int64_t due, spread;

	if (cert == NULL)
		return INT64_MAX;
	due = pki_renew_at(cert);
	spread = (cert->not_after - due) * 100;
	if (spread > 0)
		due = due * 1000 + (int64_t) cert->spki[0] * spread / 256;
	else
		due *= 1000;
	return due - clock_utc_s() * 1000;
}

static void
plan(struct renew *r)
{
	int64_t ms = r->other_ca ? 0 : due_in_ms(r);

	r->waiting = false;
	wake_in(r, ms < 0 ? 0 : ms);
}

/* Some times before it ends. One that has ended can still be renewed while the session lives. */
static void
fail(struct renew *r, const char *reason, const char *why)
{
	int64_t left_ms = left_s(r) * 1000;
	int64_t again_ms = left_ms > 0 ? left_ms / 10 : LOOK_MS / 60;

	log_warn("certificate_not_renewed", "pki=%s reason=%s error=%s left_s=%" PRId64,
	    r->p.grpc ? "grpc" : "vpn", LOG_Q(reason), LOG_Q(why), left_ms / 1000);
	r->waiting = false;
	wake_in(r, again_ms < AGAIN_MIN_MS ? AGAIN_MIN_MS : again_ms);
}

static void
note(struct renew *r)
{
	const struct pki_cert *cert = cert_of(r);

	r->not_before = cert == NULL ? 0 : cert->not_before;
}

/* --- asking ----------------------------------------------------------------------------------- */

static void
ask(struct renew *r)
{
	struct err e;
	char *csr;

	if (identity_csr(r->p.identity, r->p.grpc, &csr, &e) < 0) {
		fail(r, "CSR", e.text);
		return;
	}
	r->waiting = r->p.ask(r->p.arg, r->p.grpc, csr);
	if (r->waiting)
		wake_in(r, ANSWER_MS);
	free(csr);	/* without a connection: renew_connected tries again */
}

static void
on_timer(void *arg)
{
	struct renew *r = arg;

	if (r->waiting)
		fail(r, "DEADLINE", "no answer in time");
	else if (r->other_ca || due_in_ms(r) <= 0)
		ask(r);
	else
		plan(r);
}

void
renew_connected(struct renew *r, const uint8_t *ca_hash)
{
	uint8_t mine[SECRET_HASH_LEN];

	identity_ca_hash(r->p.identity, mine);
	r->other_ca = ca_hash != NULL && memcmp(ca_hash, mine, sizeof(mine)) != 0;
	plan(r);
}

/* --- the answer ------------------------------------------------------------------------------- */

void
renew_answer(struct renew *r, const struct control_cert *cert)
{
	struct err e;

	if (!r->waiting)
		return;
	if (cert->reason[0] != '\0') {
		r->other_ca = false;	/* not again on this connection; in time it is */
		fail(r, cert->reason, cert->message);
	} else if (identity_check_renewed(r->p.identity, r->p.grpc, cert->certificate, cert->ca,
	    &e) < 0) {
		fail(r, "CERT_INVALID", e.text);
	} else {
		r->p.store(r->p.arg, cert);
	}
}

void
renew_stored(struct renew *r, int rc, const char *why)
{
	if (rc < 0 && r->waiting)
		fail(r, err_name(rc), why);
}

void
renew_changed(struct renew *r)
{
	const struct pki_cert *cert = cert_of(r);
	bool same = cert != NULL && cert->not_before == r->not_before;

	if (r->waiting && same)
		return;		/* its answer is still to come */
	r->other_ca = false;
	note(r);
	if (cert != NULL && !same)
		log_notice("certificate", "pki=%s node=%s left_s=%" PRId64,
		    r->p.grpc ? "grpc" : "vpn", LOG_Q(cert->name.id),
		    left_s(r));
	plan(r);
}

/* --- life ------------------------------------------------------------------------------------- */

int
renew_new(const struct renew_parts *parts, struct renew **out)
{
	struct renew *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return -ENOMEM;
	r->p = *parts;
	note(r);
	plan(r);
	*out = r;
	return 0;
}

void
renew_free(struct renew *r)
{
	if (r == NULL)
		return;
	ev_timer_stop(r->p.ev, &r->timer);
	free(r);
}
