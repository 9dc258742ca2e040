/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/secret.h"

int
pair_make(const struct pki_ca *ca, const struct pki_wish *wish, unsigned days, const char *ca_pem,
    struct pair *out, struct err *e)
{
	struct pki_wish whole = *wish;
	struct pair p = { 0 };
	char *csr = NULL, *leaf = NULL;
	int rc;

	whole.not_after = clock_utc_s() + (int64_t) days * 86400;
	if ((rc = pki_key_new(&p.key_pem, e)) < 0 ||
	    (rc = pki_csr_new(p.key_pem, wish->common_name, &csr, e)) < 0 ||
	    (rc = pki_issue(ca, csr, strlen(csr), &whole, &leaf, e)) < 0)
		goto out;
	if (asprintf(&p.cert_pem, "%s%s", leaf, ca_pem == NULL ? "" : ca_pem) < 0) {
		p.cert_pem = NULL;
		rc = err_set(e, -ENOMEM, "out of memory");
		goto out;
	}
	*out = p;
	p = (struct pair){ 0 };
out:
	pair_fini(&p);
	free(csr);
	free(leaf);
	return rc;
}

void
pair_fini(struct pair *p)
{
	secret_free(p->key_pem);
	free(p->cert_pem);
	*p = (struct pair){ 0 };
}
