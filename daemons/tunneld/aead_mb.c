/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#ifdef HAVE_IPSEC_MB
#include <errno.h>
#include <intel-ipsec-mb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "daemons/tunneld/aead_impl.h"

/*
 * Intel's ipsec-mb by its direct calls, which keep no state between packets: a third of OpenSSL's
 * time for a packet of AES-GCM, half of it for ChaCha20-Poly1305.
 */
#define NONCE_LEN (AEAD_SALT_LEN + AEAD_IV_LEN)
#define ALIGN 64	/* of the key schedule */

struct mb {
	struct aead base;
	enum aead_alg alg;
	uint8_t salt[AEAD_SALT_LEN];
	uint8_t key[AEAD_KEY_LEN];	/* ChaCha20's */
	struct gcm_key_data gcm __attribute__((aligned(ALIGN)));
};

/* The library's table of functions for this processor: filled once (5 ms), then only read. */
static IMB_MGR *mgr;
static pthread_once_t mgr_once = PTHREAD_ONCE_INIT;

static void
fill_mgr(void)
{
	const uint64_t needed = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;
	IMB_MGR *m = alloc_mb_mgr(0);

	if (m == NULL)
		return;
	if ((m->features & needed) == needed)
		init_mb_mgr_auto(m, NULL);
	if ((m->features & needed) == needed && imb_get_errno(m) == 0)
		mgr = m;
	else
		free_mb_mgr(m);
}

static bool
usable(void)
{
	pthread_once(&mgr_once, fill_mgr);
	return mgr != NULL;
}

static struct aead *
make(enum aead_alg alg, bool seal, const uint8_t key[AEAD_KEY_LEN],
    const uint8_t salt[AEAD_SALT_LEN])
{
	struct mb *m = aligned_alloc(ALIGN, sizeof(*m));

	(void) seal;	/* one schedule serves both directions */
	if (m == NULL)
		return NULL;
	memset(m, 0, sizeof(*m));
	m->base.impl = &aead_mb;
	m->alg = alg;
	memcpy(m->salt, salt, sizeof(m->salt));
	if (alg == AEAD_AES_256_GCM)
		IMB_AES256_GCM_PRE(mgr, key, &m->gcm);
	else
		memcpy(m->key, key, sizeof(m->key));
	return &m->base;
}

static void
mb_free(struct aead *a)
{
	secret_wipe(a, sizeof(struct mb));
	free(a);
}

static void
make_nonce(const struct mb *m, const uint8_t iv[AEAD_IV_LEN], uint8_t nonce[NONCE_LEN])
{
	memcpy(nonce, m->salt, AEAD_SALT_LEN);
	memcpy(nonce + AEAD_SALT_LEN, iv, AEAD_IV_LEN);
}

static int
mb_seal(struct aead *a, const uint8_t iv[AEAD_IV_LEN], const uint8_t *aad, size_t aad_len,
    const uint8_t *plain, size_t len, uint8_t *cipher_out, uint8_t tag_out[AEAD_TAG_LEN])
{
	struct mb *m = (struct mb *) a;
	uint8_t nonce[NONCE_LEN];

	make_nonce(m, iv, nonce);
	if (m->alg == AEAD_AES_256_GCM) {
		struct gcm_context_data ctx;

		IMB_AES256_GCM_ENC(mgr, &m->gcm, &ctx, cipher_out, plain, len, nonce, aad, aad_len,
		    tag_out, AEAD_TAG_LEN);
	} else {
		struct chacha20_poly1305_context_data ctx;

		IMB_CHACHA20_POLY1305_INIT(mgr, m->key, &ctx, nonce, aad, aad_len);
		IMB_CHACHA20_POLY1305_ENC_UPDATE(mgr, m->key, &ctx, cipher_out, plain, len);
		IMB_CHACHA20_POLY1305_ENC_FINALIZE(mgr, &ctx, tag_out, AEAD_TAG_LEN);
	}
	return 0;
}

/* The library does not compare the tag. */
static int
mb_open(struct aead *a, const uint8_t iv[AEAD_IV_LEN], const uint8_t *aad, size_t aad_len,
    uint8_t *buf, size_t len, const uint8_t tag[AEAD_TAG_LEN])
{
	struct mb *m = (struct mb *) a;
	uint8_t nonce[NONCE_LEN], computed[AEAD_TAG_LEN];

	make_nonce(m, iv, nonce);
	if (m->alg == AEAD_AES_256_GCM) {
		struct gcm_context_data ctx;

		IMB_AES256_GCM_DEC(mgr, &m->gcm, &ctx, buf, buf, len, nonce, aad, aad_len,
		    computed, AEAD_TAG_LEN);
	} else {
		struct chacha20_poly1305_context_data ctx;

		IMB_CHACHA20_POLY1305_INIT(mgr, m->key, &ctx, nonce, aad, aad_len);
		IMB_CHACHA20_POLY1305_DEC_UPDATE(mgr, m->key, &ctx, buf, buf, len);
		IMB_CHACHA20_POLY1305_DEC_FINALIZE(mgr, &ctx, computed, AEAD_TAG_LEN);
	}
	return secret_equal(computed, tag, sizeof(computed)) ? 0 : -EBADMSG;
}

const struct aead_impl aead_mb = {
	.name = "ipsec-mb",
	.usable = usable,
	.make = make,
	.free = mb_free,
	.seal = mb_seal,
	.open = mb_open,
};
#endif
