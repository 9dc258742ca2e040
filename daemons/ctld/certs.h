/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_CERTS_H
#define LV_CTLD_CERTS_H

#include <stddef.h>

#include "common/pki.h"

/*
 * What stands in the certificates that callers present. A certificate comes with each call, and to
 * read one takes longer (a quarter of a millisecond) than all else that ctld does for the call: so
 * what has been read is remembered, by the whole text. Pure.
 */

#define CERTS_MAX 256		/* remembered; one that is not is read again */
#define CERTS_PEM_MAX 4096	/* bytes; a longer one is read each time */

struct certs;

struct certs *certs_new(void);
void certs_free(struct certs *cs);	/* NULL is fine */

/* As pki_cert_read. */
int certs_read(struct certs *cs, const char *pem, size_t len, struct pki_cert *out, struct err *e);

#endif
