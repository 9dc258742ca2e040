/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_PKI_H
#define LV_PKI_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/*
 * Keys, requests and certificates (RFC 5280), as PEM or DER bytes; who signs them is in pki_ca.h.
 * Keys are ECDSA P-256. Texts returned through char ** are the caller's: free a certificate with
 * free(3), a key with secret_free.
 *
 * Who a certificate speaks of stands in one URI subject alternative name:
 *   litevpn://node/ID       a node
 *   litevpn://role/ROLE     an administrator: admin, operator or viewer
 */

#define PKI_ID_MAX 64		/* a node's id or a role, without its NUL */
#define PKI_SPKI_LEN 32		/* SHA-256 of a SubjectPublicKeyInfo */
#define PKI_FINGERPRINT_MAX 72	/* "sha256:" and 64 hex digits and a NUL */

enum pki_subject { PKI_NONE, PKI_NODE, PKI_ROLE };

struct pki_name {
	enum pki_subject kind;		/* PKI_NONE: no litevpn SAN */
	char id[PKI_ID_MAX + 1];
};

struct pki_cert {	/* what is asked about a certificate */
	struct pki_name name;
	int64_t not_before, not_after;	/* UTC seconds */
	uint8_t spki[PKI_SPKI_LEN];
	bool is_ca, for_server, for_client;	/* basicConstraints; extendedKeyUsage */
};

/* Makes a key. */
int pki_key_new(char **key_pem_out, struct err *e);

/* Makes a PKCS#10 request for the key, signed by it. */
int pki_csr_new(const char *key_pem, const char *common_name, char **csr_pem_out, struct err *e);

/*
 * Checks a request from outside, PEM or DER: it parses, is signed by its own key, and that key is
 * ECDSA P-256 or P-384 or Ed25519. Fills the hash of its public key; nothing else of it counts.
 * -REASON_CSR_INVALID with the cause in *e.
 */
int pki_csr_check(const void *csr, size_t len, uint8_t spki_out[PKI_SPKI_LEN], struct err *e);

/*
 * Reads the first certificate of a PEM text, or one in DER. -EBADMSG when it is none, and when its
 * litevpn name is not one that we give, or not the only one.
 */
int pki_cert_read(const void *cert, size_t len, struct pki_cert *out, struct err *e);

/* The same of one that a library has read already: reading it takes OpenSSL 3.0 about 0.2 ms. */
int pki_cert_look(X509 *cert, struct pki_cert *out, struct err *e);

/* Clocks of nodes run behind: a certificate is good from so long before it was made. */
#define PKI_BACKDATE_S 300

/* When it should be renewed: when a third of its life is left. UTC seconds. */
int64_t pki_renew_at(const struct pki_cert *cert);

/* When the first of a text's certificates ends; UTC seconds. -EBADMSG: there is none. */
int pki_first_end(const char *certs_pem, int64_t *out, struct err *e);

/* Do the certificate and the key belong together? 0 or an error that says so. */
int pki_pair_check(const char *cert_pem, const char *key_pem, struct err *e);

/* "sha256:..." of a CA's public key: what `token create` prints and `client enroll` compares. */
void pki_fingerprint(const uint8_t spki[PKI_SPKI_LEN], char out[PKI_FINGERPRINT_MAX]);
int pki_fingerprint_parse(const char *text, uint8_t spki_out[PKI_SPKI_LEN]);	/* 0, -EINVAL */

/* Can it be a node's id: letters, digits and "._-", 1 to PKI_ID_MAX of them. */
bool pki_id_is_good(const char *id);

#endif
