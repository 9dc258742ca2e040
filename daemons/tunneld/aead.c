/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/aead.h"

#include "config.h"
#include "daemons/tunneld/aead_impl.h"

const struct aead_impl *const aead_impls[] = {
#ifdef HAVE_IPSEC_MB
	&aead_mb,
#endif
	&aead_evp,
	NULL,
};

static const struct aead_impl *
choose(void)
{
	const struct aead_impl *const *impl = aead_impls;

	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the last one is usable everywhere */
	while (!(*impl)->usable())
		impl++;
	return *impl;
}

const char *
aead_name(enum aead_alg alg)
{
	static const char *const names[] = {
		[AEAD_AES_256_GCM] = "aes-256-gcm",
		[AEAD_CHACHA20_POLY1305] = "chacha20-poly1305",
	};

	return alg == AEAD_AES_256_GCM || alg == AEAD_CHACHA20_POLY1305 ? names[alg] : NULL;
}

const char *
aead_library(void)
{
	return choose()->name;
}

enum aead_alg
aead_preferred(void)
{
#if defined(__x86_64__)
	return __builtin_cpu_supports("aes") ? AEAD_AES_256_GCM : AEAD_CHACHA20_POLY1305;
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRYPTO)
	return AEAD_AES_256_GCM;
#else
	return AEAD_CHACHA20_POLY1305;
#endif
}

struct aead *
aead_new(enum aead_alg alg, bool seal, const uint8_t key[AEAD_KEY_LEN],
    const uint8_t salt[AEAD_SALT_LEN])
{
	return aead_name(alg) == NULL ? NULL : choose()->make(alg, seal, key, salt);
}

void
aead_free(struct aead *a)
{
	if (a != NULL)
		a->impl->free(a);
}

int
aead_seal(struct aead *a, const uint8_t iv[AEAD_IV_LEN], const uint8_t *aad, size_t aad_len,
    const uint8_t *plain, size_t len, uint8_t *cipher_out, uint8_t tag_out[AEAD_TAG_LEN])
{
	return a->impl->seal(a, iv, aad, aad_len, plain, len, cipher_out, tag_out);
}

int
aead_open(struct aead *a, const uint8_t iv[AEAD_IV_LEN], const uint8_t *aad, size_t aad_len,
    uint8_t *buf, size_t len, const uint8_t tag[AEAD_TAG_LEN])
{
	return a->impl->open(a, iv, aad, aad_len, buf, len, tag);
}
