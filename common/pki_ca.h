/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_PKI_CA_H
#define LV_PKI_CA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/pki.h"

/* A certificate authority, for whoever holds its key. Texts returned through char ** as in pki.h. */

/* Makes a self-signed CA of `days`. */
int pki_ca_new(const char *common_name, unsigned days, char **key_pem_out, char **cert_pem_out,
    struct err *e);

struct pki_ca;	/* a CA certificate with its key, ready to sign */

/*
 * Takes from the text, which may hold several (a rollover), the certificate that the key belongs to,
 * and checks that it is a CA's.
 */
int pki_ca_load(const char *certs_pem, const char *key_pem, struct pki_ca **out, struct err *e);
const char *pki_ca_pem(const struct pki_ca *ca);	/* of that one alone; borrowed */
void pki_ca_free(struct pki_ca *ca);	/* wipes the key; NULL is fine */

struct pki_wish {
	const char *common_name;
	const char *organization;	/* NULL: none */
	struct pki_name name;		/* the litevpn SAN; PKI_NONE: none */
	const char *const *hosts;	/* IP addresses and DNS names for the SAN */
	size_t nhosts;
	const uint8_t *spki;		/* the hash of the only key that it is for; NULL: any */
	bool for_server;		/* serverAuth, else clientAuth; never both */
	int64_t not_after;		/* UTC seconds; cut to the CA's own end */
};

/*
 * Signs a certificate for the public key of a request; takes nothing else from the request. Errors as
 * pki_csr_check; -REASON_GRANT_REFUSED: the request is for another key than wish->spki.
 */
int pki_issue(const struct pki_ca *ca, const void *csr, size_t len, const struct pki_wish *wish,
    char **cert_pem_out, struct err *e);

#endif
