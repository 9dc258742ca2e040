/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "daemons/tunneld/aead_impl.h"

#define NONCE_LEN (AEAD_SALT_LEN + AEAD_IV_LEN)

/*
 * The context is keyed once; a packet sets the nonce only. Keying it again for each packet costs
 * 150 ns, fetching the cipher by name 500 to 900.
 */
struct evp {
	struct aead base;
	EVP_CIPHER_CTX *ctx;
	uint8_t salt[AEAD_SALT_LEN];
};

static const char *const names[] = {
	[AEAD_AES_256_GCM] = "AES-256-GCM",
	[AEAD_CHACHA20_POLY1305] = "ChaCha20-Poly1305",
};

static bool
usable(void)
{
	return true;
}

static void
evp_free(struct aead *a)
{
	struct evp *e = (struct evp *) a;

	EVP_CIPHER_CTX_free(e->ctx);	/* wipes the key */
	secret_wipe(e->salt, sizeof(e->salt));
	free(e);
}

static struct aead *
make(enum aead_alg alg, bool seal, const uint8_t key[AEAD_KEY_LEN],
    const uint8_t salt[AEAD_SALT_LEN])
{
	struct evp *e = calloc(1, sizeof(*e));
	EVP_CIPHER *cipher;
	bool ok;

	if (e == NULL)
		return NULL;
	e->base.impl = &aead_evp;
	memcpy(e->salt, salt, sizeof(e->salt));
	cipher = EVP_CIPHER_fetch(NULL, names[alg], NULL);
	e->ctx = EVP_CIPHER_CTX_new();
	ok = cipher != NULL && e->ctx != NULL &&
	    EVP_CipherInit_ex2(e->ctx, cipher, key, NULL, seal ? 1 : 0, NULL) == 1;
	EVP_CIPHER_free(cipher);
	if (!ok) {
		evp_free(&e->base);
		ERR_clear_error();
		return NULL;
	}
	return &e->base;
}

static int
begin(struct evp *e, const uint8_t iv[AEAD_IV_LEN], const uint8_t *aad, size_t aad_len)
{
	uint8_t nonce[NONCE_LEN];
	int n;

	memcpy(nonce, e->salt, AEAD_SALT_LEN);
	memcpy(nonce + AEAD_SALT_LEN, iv, AEAD_IV_LEN);
	return EVP_CipherInit_ex2(e->ctx, NULL, NULL, nonce, -1, NULL) == 1 &&
	    EVP_CipherUpdate(e->ctx, NULL, &n, aad, (int) aad_len) == 1;
}

static int
evp_seal(struct aead *a, const uint8_t iv[AEAD_IV_LEN], const uint8_t *aad, size_t aad_len,
    const uint8_t *plain, size_t len, uint8_t *cipher_out, uint8_t tag_out[AEAD_TAG_LEN])
{
	struct evp *e = (struct evp *) a;
	int n;

	if (!begin(e, iv, aad, aad_len) ||
	    EVP_CipherUpdate(e->ctx, cipher_out, &n, plain, (int) len) != 1 ||
	    EVP_CipherFinal_ex(e->ctx, cipher_out + n, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(e->ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN, tag_out) != 1) {
		ERR_clear_error();
		return -EIO;
	}
	return 0;
}

static int
evp_open(struct aead *a, const uint8_t iv[AEAD_IV_LEN], const uint8_t *aad, size_t aad_len,
    uint8_t *buf, size_t len, const uint8_t tag[AEAD_TAG_LEN])
{
	struct evp *e = (struct evp *) a;
	int n;

	if (!begin(e, iv, aad, aad_len) ||
	    EVP_CIPHER_CTX_ctrl(e->ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LEN, (void *) tag) != 1 ||
	    EVP_CipherUpdate(e->ctx, buf, &n, buf, (int) len) != 1 ||
	    EVP_CipherFinal_ex(e->ctx, buf + n, &n) != 1) {
		ERR_clear_error();
		return -EBADMSG;
	}
	return 0;
}

const struct aead_impl aead_evp = {
	.name = "openssl",
	.usable = usable,
	.make = make,
	.free = evp_free,
	.seal = evp_seal,
	.open = evp_open,
};
