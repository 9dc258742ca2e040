/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_AEAD_H
#define TUNNELD_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The two ciphers of the data path behind one interface: AES-256-GCM (RFC 4106) and
 * ChaCha20-Poly1305 (RFC 7634). One keyed context per direction and SA; not to be shared between
 * threads. The numbers are those of proto/tunnel.proto and of the exporter's context.
 */
enum aead_alg { AEAD_AES_256_GCM = 1, AEAD_CHACHA20_POLY1305 = 2 };

#define AEAD_KEY_LEN 32
#define AEAD_SALT_LEN 4
#define AEAD_IV_LEN 8	/* the part that travels; the nonce is salt, then IV */
#define AEAD_TAG_LEN 16

struct aead;

/* key, salt: copied. Returns NULL when out of memory or when the library lacks the cipher. */
struct aead *aead_new(enum aead_alg alg, bool seal, const uint8_t key[AEAD_KEY_LEN],
    const uint8_t salt[AEAD_SALT_LEN]);
void aead_free(struct aead *a);	/* wipes the key; NULL is fine */

/* Encrypts `plain` to cipher_out, which may be the same place, and writes the tag. 0 or -EIO. */
int aead_seal(struct aead *a, const uint8_t iv[AEAD_IV_LEN], const uint8_t *aad, size_t aad_len,
    const uint8_t *plain, size_t len, uint8_t *cipher_out, uint8_t tag_out[AEAD_TAG_LEN]);

/* Decrypts buf in place. 0, or -EBADMSG: not authentic, and buf is rubbish then. */
int aead_open(struct aead *a, const uint8_t iv[AEAD_IV_LEN], const uint8_t *aad, size_t aad_len,
    uint8_t *buf, size_t len, const uint8_t tag[AEAD_TAG_LEN]);

/* Which of the two is the faster here: AES where the processor computes it. */
enum aead_alg aead_preferred(void);

/* Who computes them here: "ipsec-mb" (x86-64 with AES, where configured) or "openssl". */
const char *aead_library(void);

/* "aes-256-gcm"; NULL for a number that is none. */
const char *aead_name(enum aead_alg alg);

#endif
