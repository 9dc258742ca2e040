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

/*
 * Who this end is: certificate and key as a TLS context, and on a node its tokens. Of a node's other
 * certificate, that of the control API, only what its renewal takes: its key stays where it is.
 */
struct identity {
	SSL_CTX *tls;
	char *token, *net_token;	/* node; "" where there is none */
	char *key_pem;			/* node; else NULL */
	char *ca_pem;
	struct pki_cert cert;
	int64_t ca_expire_s;		/* UTC; of the CA that ends first */
	struct pki_cert grpc_cert;	/* node, with grpc_csr */
	char *grpc_csr;			/* PEM; NULL: it cannot be renewed from here */
};

/*
 * Reads the files that the monitor has opened: fds in the order of enum tunneld_file, bit i of mask
 * for file i; `files` says what they are called. conf_token: the token of client.yml where it stands
 * there, else "". Closes no fd. Checks that all belong together and are for this role: -EBADMSG, or
 * -EPERM where others can read a secret; *e names the file. Files of the control API that are no
 * good are left out: the tunnel does not need them.
 */
int identity_load(const struct idfiles *files, const char *conf_token, uint32_t mask, const int *fds,
    struct identity *out, struct err *e);

void identity_free(struct identity *id);	/* wipes; an empty one is fine */

/* What a node renews: its certificate of the control API, or that of the tunnel. NULL: no such. */
const struct pki_cert *identity_cert(const struct identity *id, bool grpc);

/* A request for it anew. *out is the caller's. */
int identity_csr(const struct identity *id, bool grpc, char **out, struct err *e);

/*
 * Would it be a node's identity with these instead: is the certificate of the same node and key, for
 * a node, not at its end, and do both make a TLS context, where the key is here? -EBADMSG with the
 * cause.
 */
int identity_check_renewed(const struct identity *id, bool grpc, const char *cert_pem,
    const char *ca_pem, struct err *e);

/* SHA-256 of the CAs' file: what Welcome tells and a node compares. */
void identity_ca_hash(const struct identity *id, uint8_t out[SECRET_HASH_LEN]);

#define TUNNELD_ALPN "litevpn/1"

#endif
