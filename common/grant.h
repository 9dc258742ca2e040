/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_GRANT_H
#define LV_GRANT_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/pki.h"

/*
 * A grant: ipamd's permission to sign one certificate, by its Ed25519 key (RFC 8032). It travels
 * through ctld's front, which cannot change it, to the signer, which trusts nothing else.
 */

enum grant_pki { GRANT_PKI_GRPC = 1, GRANT_PKI_VPN = 2 };

/* How the certificate's subject reads; who it is of stands in its litevpn name. */
enum grant_subject {
	GRANT_SUBJECT_NODE,	/* the node's id */
	GRANT_SUBJECT_LITEKUBE,	/* what LiteKube's programs know (proto/litekube/) */
};

struct grant {
	enum grant_pki pki;
	enum grant_subject subject;
	char node_id[PKI_ID_MAX + 1];
	uint8_t spki[PKI_SPKI_LEN];	/* SHA-256 of the request's public key */
	int64_t not_after;		/* of the certificate; UTC seconds */
	uint8_t id[16];			/* random: a grant is good once */
	int64_t expires;		/* of the grant; UTC seconds, at most GRANT_LIFE_S ahead */
};

#define GRANT_LIFE_S 60
#define GRANT_KEY_LEN 32	/* raw, both halves */
#define GRANT_WIRE_LEN 208	/* the fields in fixed places, then the 64 bytes of the signature */

/* A new key pair from the system's random source. */
int grant_key_new(uint8_t private_out[GRANT_KEY_LEN], uint8_t public_out[GRANT_KEY_LEN]);

/* The public half of a private key. */
int grant_key_public(const uint8_t private[GRANT_KEY_LEN], uint8_t public_out[GRANT_KEY_LEN]);

/* Writes the signed form. */
int grant_sign(const struct grant *g, const uint8_t private[GRANT_KEY_LEN],
    uint8_t wire_out[GRANT_WIRE_LEN]);

/*
 * Checks form, signature and time; fills *out. -REASON_GRANT_REFUSED with the cause in *e.
 * now: UTC seconds. That the grant was not used before is the caller's to check.
 */
int grant_verify(const void *wire, size_t len, const uint8_t public[GRANT_KEY_LEN], int64_t now,
    struct grant *out, struct err *e);

#endif
