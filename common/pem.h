/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_PEM_H
#define LV_PEM_H

#include <openssl/x509.h>
#include <stddef.h>

/*
 * Keys, requests and certificates as text (RFC 7468), and from text or DER for those who know
 * what to do with them. NULL: it is none, or there is no memory; OpenSSL's own errors stay for the
 * caller, also that of an attempt to read DER as PEM.
 */

char *pem_write_key(EVP_PKEY *key);	/* for secret_free */
char *pem_write_cert(X509 *cert);	/* for free(3) */
char *pem_write_csr(X509_REQ *req);	/* likewise */

EVP_PKEY *pem_read_key(const char *pem);	/* without a passphrase */
X509 *pem_read_cert(const void *data, size_t len);	/* the first one of a text */
X509 *pem_next_cert(BIO *bio);
X509_REQ *pem_read_csr(const void *data, size_t len);

#endif
