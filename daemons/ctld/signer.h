/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_SIGNER_H
#define LV_CTLD_SIGNER_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/grant.h"

/*
 * What the signer does with a request: it distrusts who asks. From the certificate request it takes
 * the public key only; subject, name, life and the PKI stand in ipamd's grant, each good once.
 */

struct signer;

struct signer_pki {
	const char *dir;	/* where it is, for error texts */
	const char *ca_pem;	/* may hold several; the first is the one that signs */
	const char *key_pem;
};

/* Nothing of the texts is kept but the CA certificates. */
int signer_new(const struct signer_pki *grpc, const struct signer_pki *vpn, struct signer **out,
    struct err *e);
void signer_free(struct signer *s);	/* wipes the keys; NULL is fine */

struct signer_request {
	const void *grant;
	size_t grant_len;
	const void *csr;
	size_t csr_len;
};

/*
 * Signs. cert_pem_out: the leaf with the CA after it, the caller's (free); ca_pem_out: borrowed
 * from the signer. -REASON_GRANT_REFUSED, -REASON_CSR_INVALID, -REASON_OVERLOADED or another error
 * with the cause in *e. grant_key: ipamd's public one. now: UTC seconds.
 */
int signer_sign(struct signer *s, const uint8_t grant_key[GRANT_KEY_LEN],
    const struct signer_request *req, int64_t now, char **cert_pem_out, const char **ca_pem_out,
    struct err *e);

#endif
