/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_PKI_INSIDE_H
#define LV_PKI_INSIDE_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "common/pki.h"

/* What the reading and the signing of certificates share. Only pki.c and pki_ca.c include this. */

/* The request, checked as pki_csr_check says, for X509_REQ_free; NULL and *e. */
X509_REQ *pki_csr_open(const void *csr, size_t len, uint8_t spki_out[PKI_SPKI_LEN], struct err *e);

/* UTC seconds; 0 where it is none. */
int64_t pki_time(const ASN1_TIME *t);

/* The litevpn SAN of a name that is not PKI_NONE. */
#define PKI_URI_MAX 128
void pki_name_uri(const struct pki_name *name, char out[PKI_URI_MAX]);

#endif
