/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_AEAD_IMPL_H
#define TUNNELD_AEAD_IMPL_H

#include "daemons/tunneld/aead.h"

/*
 * Who computes the ciphers: a library each. Only aead.c and the tests look in here; what the calls
 * mean is said in aead.h. Each implementation's own struct begins with a struct aead.
 */
struct aead {
	const struct aead_impl *impl;
};

struct aead_impl {
	const char *name;
	bool (*usable)(void);	/* on this processor */
	struct aead *(*make)(enum aead_alg alg, bool seal, const uint8_t key[AEAD_KEY_LEN],
	    const uint8_t salt[AEAD_SALT_LEN]);
	void (*free)(struct aead *a);	/* never NULL */
	int (*seal)(struct aead *a, const uint8_t iv[AEAD_IV_LEN], const uint8_t *aad,
	    size_t aad_len, const uint8_t *plain, size_t len, uint8_t *cipher_out,
	    uint8_t tag_out[AEAD_TAG_LEN]);
	int (*open)(struct aead *a, const uint8_t iv[AEAD_IV_LEN], const uint8_t *aad,
	    size_t aad_len, uint8_t *buf, size_t len, const uint8_t tag[AEAD_TAG_LEN]);
};

extern const struct aead_impl aead_evp;	/* OpenSSL: everywhere */
extern const struct aead_impl aead_mb;	/* ipsec-mb: where it was configured */

/* Those that this program has, the fastest first; ends with NULL. The last one is always usable. */
extern const struct aead_impl *const aead_impls[];

#endif
