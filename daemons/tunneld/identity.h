/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_IDENTITY_H
#define TUNNELD_IDENTITY_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/pki.h"
#include "common/secret.h"
#include "daemons/tunneld/idfiles.h"

/* Who this end is: certificate and key as a TLS context, and on a node its tokens. */
struct identity {
	SSL_CTX *tls;
	char *token, *net_token;	/* node; "" where there is none */
	char *key_pem;			/* node; else NULL */
	char *ca_pem;
	struct pki_cert cert;
	int64_t ca_expire_s;		/* UTC; of the CA that ends first */
};

/*
 * Reads the files that the monitor has opened: fds in the order of enum tunneld_file, bit i of mask
 * for file i; `files` says what they are called. conf_token: the token of client.yml where it stands
 * there, else "". Closes no fd. Checks that all belong together and are for this role: -EBADMSG, or
 * -EPERM where others can read a secret; *e names the file.
 */
int identity_load(const struct idfiles *files, const char *conf_token, uint32_t mask, const int *fds,
    struct identity *out, struct err *e);

void identity_free(struct identity *id);	/* wipes; an empty one is fine */

/*
 * Would it be a node's identity with these instead: is the certificate of the same node and key, for
 * a node, not at its end, and do both make a TLS context? -EBADMSG with the cause.
 */
int identity_check_renewed(const struct identity *id, const char *cert_pem, const char *ca_pem,
    struct err *e);

/* SHA-256 of the CAs' file: what Welcome tells and a node compares. */
void identity_ca_hash(const struct identity *id, uint8_t out[SECRET_HASH_LEN]);

#define TUNNELD_ALPN "litevpn/1"

#endif
