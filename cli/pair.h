/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_PAIR_H
#define LV_CLI_PAIR_H

#include "common/pki_ca.h"

/* A new key with its certificate, PEM. */
struct pair {
	char *key_pem;
	char *cert_pem;
};

/*
 * Makes a pair that `ca` signs for `days`. wish: but for its not_after. With ca_pem the CA's
 * certificate stands after the leaf: a server shows both, so that a client that knows only the
 * fingerprint can find it.
 */
int pair_make(const struct pki_ca *ca, const struct pki_wish *wish, unsigned days,
    const char *ca_pem, struct pair *out, struct err *e);

/*
 * Is what a server has made for us good: a certificate of this node for our key, and a CA to go
 * with it. pki: "grpc", "vpn", for the error text.
 */
int pair_check_node(const char *pki, const char *node, const char *cert, const char *key,
    const char *ca, struct err *e);

void pair_fini(struct pair *p);	/* wipes the key */

#endif
