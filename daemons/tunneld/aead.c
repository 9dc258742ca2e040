/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/aead.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"

#define NONCE_LEN (AEAD_SALT_LEN + AEAD_IV_LEN)

/*
 * The context is keyed once; a packet sets the nonce only. Keying it again for each packet costs
 * 150 ns, fetching the cipher by name 500 to 900.
 */
struct aead {
	EVP_CIPHER_CTX *ctx;
	uint8_t salt[AEAD_SALT_LEN];
};

static const struct {
	const char *openssl, *name;
} algs[] = {
	[AEAD_AES_256_GCM] = { "AES-256-GCM", "aes-256-gcm" },
	[AEAD_CHACHA20_POLY1305] = { "ChaCha20-Poly1305", "chacha20-poly1305" },
};

const char *
aead_name(enum aead_alg alg)
{
	return alg == AEAD_AES_256_GCM || alg == AEAD_CHACHA20_POLY1305 ? algs[alg].name : NULL;
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
	struct aead *a = aead_name(alg) == NULL ? NULL : calloc(1, sizeof(*a));
	EVP_CIPHER *cipher;

	if (a == NULL)
		return NULL;
	memcpy(a->salt, salt, sizeof(a->salt));
	cipher = EVP_CIPHER_fetch(NULL, algs[alg].openssl, NULL);
	a->ctx = EVP_CIPHER_CTX_new();
	if (cipher == NULL || a->ctx == NULL ||
	    EVP_CipherInit_ex2(a->ctx, cipher, key, NULL, seal ? 1 : 0, NULL) != 1) {
		aead_free(a);
		a = NULL;
		ERR_clear_error();
	}
	EVP_CIPHER_free(cipher);
	return a;
}

void
aead_free(struct aead *a)
{
	if (a == NULL)
		return;
	EVP_CIPHER_CTX_free(a->ctx);	/* wipes the key */
	secret_wipe(a->salt, sizeof(a->salt));
	free(a);
}

static int
begin(struct aead *a, const uint8_t iv[AEAD_IV_LEN], const uint8_t *aad, size_t aad_len)
{
	uint8_t nonce[NONCE_LEN];
	int n;

	memcpy(nonce, a->salt, AEAD_SALT_LEN);
	memcpy(nonce + AEAD_SALT_LEN, iv, AEAD_IV_LEN);
	return EVP_CipherInit_ex2(a->ctx, NULL, NULL, nonce, -1, NULL) == 1 &&
	    EVP_CipherUpdate(a->ctx, NULL, &n, aad, (int) aad_len) == 1;
}

int
aead_seal(struct aead *a, const uint8_t iv[AEAD_IV_LEN], const uint8_t *aad, size_t aad_len,
    uint8_t *buf, size_t len, uint8_t tag_out[AEAD_TAG_LEN])
{
	int n;

	if (!begin(a, iv, aad, aad_len) ||
	    EVP_CipherUpdate(a->ctx, buf, &n, buf, (int) len) != 1 ||
	    EVP_CipherFinal_ex(a->ctx, buf + n, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN, tag_out) != 1) {
		ERR_clear_error();
		return -EIO;
	}
	return 0;
}

int
aead_open(struct aead *a, const uint8_t iv[AEAD_IV_LEN], const uint8_t *aad, size_t aad_len,
    uint8_t *buf, size_t len, const uint8_t tag[AEAD_TAG_LEN])
{
	int n;

	if (!begin(a, iv, aad, aad_len) ||
	    EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LEN, (void *) tag) != 1 ||
	    EVP_CipherUpdate(a->ctx, buf, &n, buf, (int) len) != 1 ||
	    EVP_CipherFinal_ex(a->ctx, buf + n, &n) != 1) {
		ERR_clear_error();
		return -EBADMSG;
	}
	return 0;
}
