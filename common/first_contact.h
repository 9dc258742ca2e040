/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_FIRST_CONTACT_H
#define LV_FIRST_CONTACT_H

#include <stdint.h>

#include "common/err.h"
#include "common/pki.h"

/*
 * Looks at a server without trusting it: connects, completes a handshake that verifies nothing and
 * sends nothing, and returns the CA certificate from the chain whose public key has this hash,
 * after checking that the chain and the name `host` verify against it (design: first contact).
 * Blocks up to timeout_ms. *ca_pem_out is the caller's (free). SIGPIPE must be ignored: the server
 * may hang up.
 */
int first_contact(const char *host, uint16_t port, const uint8_t spki[PKI_SPKI_LEN], int timeout_ms,
    char **ca_pem_out, struct err *e);

#endif
