/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_NAMES_H
#define LV_CTLD_NAMES_H

#include <stdint.h>

#include "common/pki.h"

/* Resource names and page tokens of the API (AIP-122, AIP-158). Pure. */

#define NAMES_MAX (sizeof("networks/") + 256)
#define NAMES_PAGE_TOKEN_MAX (1 + 16 + 1)	/* version, 64 bits in hex, NUL */

/* The ID in "COLLECTION/ID": letters, digits and "._-", at most PKI_ID_MAX. 0 or -EINVAL. */
int names_parse(const char *collection, const char *name, char id_out[PKI_ID_MAX + 1]);

/* "COLLECTION/ID" */
const char *names_format(const char *collection, const char *id, char buf[NAMES_MAX]);

/*
 * The token of the page that goes on there. Clients are to keep it as it is, so it does not look
 * like anything; it says nothing secret.
 */
const char *names_page_token(uint64_t next, char buf[NAMES_PAGE_TOKEN_MAX]);

/* What is in it; 0 for an empty token, the first page. 0 or -EINVAL. */
int names_page_token_parse(const char *token, uint64_t *next_out);

#endif
