/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_STATUS_H
#define LV_CTLD_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "common/reason.h"

/*
 * How a refusal is told to a gRPC client: the code and the message that every client shows, and a
 * google.rpc.Status for programs (AIP-193): ErrorInfo always, BadRequest where a field is wrong,
 * RetryInfo where trying again is of use.
 */

#define STATUS_META_MAX 4	/* pairs of ErrorInfo.metadata */
#define STATUS_DOMAIN "litevpn"

struct status_pair {
	const char *key, *value;
};

struct status {
	enum reason reason;
	const char *detail;	/* more exact than the reason's own text; NULL or "": that one */
	const char *field;	/* of the request, that is wrong; NULL: none */
	int64_t retry_ms;	/* when to try again; 0: in a second where that is of use at all */
	struct status_pair meta[STATUS_META_MAX];	/* ends with a NULL key or at the maximum */
};

/* What a person reads; never NULL. Borrows from st. */
const char *status_message(const struct status *st);

/*
 * The google.rpc.Status of it, for the trailer grpc-status-details-bin; free it. Text that is not
 * UTF-8 is left out: strict clients would drop the whole answer. Returns 0 or -ENOMEM.
 */
int status_pack(const struct status *st, uint8_t **buf_out, size_t *len_out);

#endif
