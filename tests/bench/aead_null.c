/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemons/tunneld/aead.h"

/*
 * A "cipher" that copies: takes the place of aead.c in $(BUILD)/bench/tunneld, and shows what the
 * data path would do if encryption cost nothing. It is in no other program and cannot be configured.
 */
struct aead {
	bool seal;
};

const char *
aead_name(enum aead_alg alg)
{
	return alg == AEAD_AES_256_GCM || alg == AEAD_CHACHA20_POLY1305 ? "null" : NULL;
}

const char *
aead_library(void)
{
	return "null";
}

enum aead_alg
aead_preferred(void)
{
	return AEAD_AES_256_GCM;
}

struct aead *
aead_new(enum aead_alg alg, bool seal, const uint8_t key[AEAD_KEY_LEN],
    const uint8_t salt[AEAD_SALT_LEN])
{
	struct aead *a = calloc(1, sizeof(*a));

	(void) alg, (void) key, (void) salt;
	if (a != NULL)
		a->seal = seal;
	return a;
}

void
aead_free(struct aead *a)
{
	free(a);
}

int
aead_seal(struct aead *a, const uint8_t iv[AEAD_IV_LEN], const uint8_t *aad, size_t aad_len,
    const uint8_t *plain, size_t len, uint8_t *cipher_out, uint8_t tag_out[AEAD_TAG_LEN])
{
	(void) iv, (void) aad, (void) aad_len;
	memmove(cipher_out, plain, len);
	memset(tag_out, 0, AEAD_TAG_LEN);
	return a->seal ? 0 : -EIO;
}

int
aead_open(struct aead *a, const uint8_t iv[AEAD_IV_LEN], const uint8_t *aad, size_t aad_len,
    uint8_t *buf, size_t len, const uint8_t tag[AEAD_TAG_LEN])
{
	(void) iv, (void) aad, (void) aad_len, (void) buf, (void) len, (void) tag;
	return a->seal ? -EBADMSG : 0;
}
