/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/gate.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemons/ctld/attempts.h"
#include "daemons/ctld/certs.h"

struct gate {
	struct certs *certs;
	struct attempts *attempts;
};

struct gate *
gate_new(void)
{
	struct gate *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->certs = certs_new();
	g->attempts = attempts_new();
	if (g->certs != NULL && g->attempts != NULL)
		return g;
	gate_free(g);
	return NULL;
}

void
gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	certs_free(g->certs);
	attempts_free(g->attempts);
	free(g);
}

int
gate_identify(struct gate *g, const struct stream *s, struct caller *out, struct err *e)
{
	struct pki_cert cert;
	char *pem;
	int rc;

	*out = (struct caller){ .role = ROLE_NONE };
	if (stream_listener(s) == LISTENER_ADMIN) {
		out->role = ROLE_ADMIN;
		return 0;
	}
	if ((pem = stream_peer_cert(s)) == NULL)
		return 0;
	if (certs_read(g->certs, pem, strlen(pem), &cert, e) < 0)
		rc = err_set(e, -REASON_CERT_INVALID, "the client certificate cannot be read");
	else
		rc = authz_from_cert(&cert, clock_utc_s(), out, e);
	free(pem);
	return rc;
}

static struct guest_source
source_of(const struct stream *s)
{
	struct ip_addr addr = stream_source(s);

	return guests_source_ip(&addr);
}

int64_t
gate_wait_ms(const struct gate *g, const struct stream *s)
{
	struct guest_source source = source_of(s);

	return attempts_wait_ms(g->attempts, &source, clock_mono_ms());
}

void
gate_failed(struct gate *g, const struct stream *s)
{
	struct guest_source source = source_of(s);

	attempts_failed(g->attempts, &source, clock_mono_ms());
}
