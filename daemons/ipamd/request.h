/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_REQUEST_H
#define LV_IPAMD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/secret.h"
#include "daemons/ipamd/granter.h"
#include "daemons/ipamd/ledger.h"

/*
 * Requests that may be asked twice: whoever gives one an id and asks again, because the answer was
 * lost, gets the same answer, and nothing is done a second time. Answers are kept for
 * REPLY_LIFE_S (sweep.h), secrets are not: what an answer says of them is made again out of the id,
 * a salt that is kept, and the granter's key.
 */

#define REQUEST_ID_MAX 128	/* a UUID has 36; ctld says before it whose it is */

struct request {
	bool named;		/* it has an id */
	uint8_t digest[SECRET_HASH_LEN], body[SECRET_HASH_LEN];
	uint8_t salt[STORE_SALT_LEN];
	const struct granter *granter;	/* borrowed */
};

/*
 * id: "" for none; of any length. asker: whose ids they are. bytes: all that was asked.
 * FIELD_INVALID.
 */
int request_init(struct request *r, const struct granter *g, unsigned asker, const char *id,
    const void *bytes, size_t len, struct err *e);

/*
 * The answer that it got before: 1 with *out, or 0 where there is none. FIELD_INVALID: something
 * else was asked by that id.
 */
int request_find(struct ledger *l, struct request *r, struct store_reply *out, struct err *e);

/* Keeps its answer, without secrets, in the same ledger_request. -EMSGSIZE over STORE_REPLY_MAX. */
int request_keep(struct ledger *l, const struct request *r, const void *bytes, size_t len);

/* A new secret for what was asked, and the one that was made for the answer that it got before. */
void request_secret(struct request *r, char out[SECRET_TOKEN_LEN + 1]);
void request_same_secret(const struct request *r, char out[SECRET_TOKEN_LEN + 1]);

#endif
