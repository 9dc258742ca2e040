/* SPDX-License-Identifier: Apache-2.0 */
#include "common/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct digest {
	EVP_MD_CTX *ctx;
};

struct digest *
digest_new(void)
{
	struct digest *d = calloc(1, sizeof(*d));

	if (d == NULL || (d->ctx = EVP_MD_CTX_new()) == NULL ||
	    EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL) != 1) {
		digest_free(d);
		return NULL;
	}
	return d;
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

/* In memory, with an algorithm that is there, these two cannot fail. */
void
digest_add(struct digest *d, const void *bytes, size_t len)
{
	EVP_DigestUpdate(d->ctx, bytes, len);
}

void
digest_end(struct digest *d, uint8_t out[DIGEST_LEN])
{
	EVP_DigestFinal_ex(d->ctx, out, NULL);
}
