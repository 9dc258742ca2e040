/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_FIELDS_H
#define LV_CTLD_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/pki.h"
#include "daemons/ctld/ask_ipam.h"
#include "daemons/ctld/call.h"

/*
 * Fields that many requests have (AIP-122, 155, 158, 163). Each function reads one: true, or the
 * call has failed with FIELD_INVALID and the output is untouched.
 */

/* name: "COLLECTION/ID", required. The call is about that. */
bool fields_name(struct call *c, const char *collection, const char *name,
    char id_out[PKI_ID_MAX + 1]);

/* "networks/ID"; "" stays so. */
bool fields_network(struct call *c, const char *field, const char *name,
    char id_out[PKI_ID_MAX + 1]);

/* page_size and page_token. */
#define FIELDS_PAGE_DEFAULT 100
struct fields_page {
	uint32_t size;
	uint64_t after;
};
bool fields_page(struct call *c, int32_t page_size, const char *page_token,
    struct fields_page *out);

/*
 * request_id and validate_only. Callers are told apart by their key: nobody gets another one's
 * answer, with its secret, for having guessed its id.
 */
#define FIELDS_REQUEST_ID_MAX 64
bool fields_once(struct call *c, const char *request_id, bool validate_only,
    struct ipam_once *out);

#endif
