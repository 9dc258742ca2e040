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

int
pair_check_node(const char *pki, const char *node, const char *cert, const char *key,
    const char *ca, struct err *e)
{
	struct pki_cert leaf, root;
	int rc;

	if ((rc = pki_pair_check(cert, key, e)) == 0 &&
	    (rc = pki_cert_read(cert, strlen(cert), &leaf, e)) == 0)
		rc = pki_cert_read(ca, strlen(ca), &root, e);
	if (rc == 0 &&
	    (leaf.name.kind != PKI_NODE || strcmp(leaf.name.id, node) != 0 || !root.is_ca))
		rc = err_set(e, -EBADMSG, "it is not for the node %.64s", node);
	return rc < 0 ? err_prefix(e, "the server's answer: %s certificate", pki) : 0;
}

void
pair_fini(struct pair *p)
{
	secret_free(p->key_pem);
	free(p->cert_pem);
	*p = (struct pair){ 0 };
}
