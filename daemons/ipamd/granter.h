/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_GRANTER_H
#define LV_IPAMD_GRANTER_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/grant.h"
#include "common/secret.h"

/* The key that grants are signed with: made at the first start, kept in two files. */

struct granter {
	uint8_t key[GRANT_KEY_LEN];
};

/*
 * Loads the key from key_path (0600, its raw bytes), or makes one where the file is missing; then
 * sees to it that pub_path (0444, likewise) has its public half. A key file that is damaged or that
 * others can read is an error, never replaced: the signer trusts the public half of it.
 */
int granter_open(struct granter *g, const char *key_path, const char *pub_path, struct err *e);
void granter_close(struct granter *g);	/* wipes it */

struct granter_wish {
	enum grant_pki pki;
	enum grant_subject subject;
	const char *node_id;
	const uint8_t *spki;	/* PKI_SPKI_LEN bytes */
	int64_t not_after;	/* of the certificate; UTC */
	int64_t now_s;
};

/* A grant that is good once and for GRANT_LIFE_S from now. */
int granter_sign(const struct granter *g, const struct granter_wish *wish,
    uint8_t wire_out[GRANT_WIRE_LEN]);

/*
 * A secret that only who has the key can make, and always the same for the same seed (up to
 * GRANTER_SEED_MAX bytes).
 */
#define GRANTER_SEED_MAX 64
void granter_secret(const struct granter *g, const void *seed, size_t len,
    char out[SECRET_TOKEN_LEN + 1]);

#endif
