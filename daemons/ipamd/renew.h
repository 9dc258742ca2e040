/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_RENEW_H
#define LV_IPAMD_RENEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/grant.h"
#include "daemons/ipamd/granter.h"
#include "daemons/ipamd/ledger.h"

/*
 * Certificates anew for nodes that have some. They are granted for the keys of the enrollment and
 * for no others. So a renewal needs nobody's word for who asks: who does not have the key has no use
 * for its certificate, whichever daemon, network or stolen certificate he asks by. The price is that
 * a node which needs another key has to enroll again.
 */

struct renew_claim {
	const char *node_id;	/* of any length */
	const uint8_t *grpc_spki, *vpn_spki;
	size_t grpc_spki_len, vpn_spki_len;	/* 0: none of that PKI */
};

struct renewal {
	char node_id[PKI_ID_MAX + 1];
	bool grpc, vpn;		/* which grants there are */
	uint8_t grpc_grant[GRANT_WIRE_LEN], vpn_grant[GRANT_WIRE_LEN];
};

/* NODE_UNKNOWN, FIELD_INVALID, KEY_UNKNOWN: also for a node that did not enroll. */
int renew_grant(struct ledger *l, const struct granter *g, const struct renew_claim *claim,
    struct renewal *out, struct err *e);

#endif
