/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/counts.h"

static void
show_certificates(struct ctld *ctld, struct metrics *out)
{
	struct identity_facts facts = identity_facts(ctld->identity);

	metrics_add(out, METRIC_CERTIFICATE_EXPIRY, "grpc", "ca", (double) facts.ca_expire_s);
	metrics_add(out, METRIC_CERTIFICATE_EXPIRY, "grpc", "server",
	    (double) facts.cert_expire_s);
}

void
counts_show(struct ctld *ctld, struct metrics *out)
{
	usage_show(&ctld->usage, "ctld", out);
	show_certificates(ctld, out);
	metrics_add(out, METRIC_SIGNER_UP, "", "", signer_client_trouble(ctld->signer) == NULL);
	backend_show(ctld->backend, out);
	calls_show(ctld->calls, out);
	if (ctld->doors != NULL)
		doors_show(ctld->doors, out);
}
