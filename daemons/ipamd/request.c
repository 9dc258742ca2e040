/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/reason.h"

/* What stands before the id of each asker, so that none meets another's. */
#define ASKER_MAX 16

int
request_init(struct request *r, const struct granter *g, unsigned asker, const char *id,
    const void *bytes, size_t len, struct err *e)
{
	char name[ASKER_MAX + REQUEST_ID_MAX];

	*r = (struct request){ .named = id[0] != '\0', .granter = g };
	if (!r->named)
		return 0;
	if (strlen(id) >= REQUEST_ID_MAX)
		return err_set(e, -REASON_FIELD_INVALID, "request_id: must be shorter than %d "
		    "bytes", REQUEST_ID_MAX);
	snprintf(name, sizeof(name), "%u:%s", asker, id);
	secret_hash(name, r->digest);
	secret_hash_bytes(bytes, len, r->body);
	return 0;
}

int
request_find(struct ledger *l, struct request *r, struct store_reply *out, struct err *e)
{
	int rc = r->named ? store_reply_by_digest(l->store, r->digest, out) : -ENOENT;

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	if (memcmp(out->body, r->body, sizeof(r->body)) != 0)
		return err_set(e, -REASON_FIELD_INVALID, "request_id: was used for another "
		    "request");
	memcpy(r->salt, out->salt, sizeof(r->salt));
	return 1;
}

int
request_keep(struct ledger *l, const struct request *r, const void *bytes, size_t len)
{
	struct store_reply reply = { .len = len, .time_s = l->now_s };

	if (!r->named)
		return 0;
	if (len > sizeof(reply.bytes))
		return -EMSGSIZE;
	memcpy(reply.digest, r->digest, sizeof(reply.digest));
	memcpy(reply.body, r->body, sizeof(reply.body));
	memcpy(reply.salt, r->salt, sizeof(reply.salt));
	memcpy(reply.bytes, bytes, len);
	return store_reply_add(l->store, &reply);
}

void
request_same_secret(const struct request *r, char out[SECRET_TOKEN_LEN + 1])
{
	uint8_t seed[sizeof(r->digest) + sizeof(r->salt)];

	memcpy(seed, r->digest, sizeof(r->digest));
	memcpy(seed + sizeof(r->digest), r->salt, sizeof(r->salt));
	granter_secret(r->granter, seed, sizeof(seed), out);
}

void
request_secret(struct request *r, char out[SECRET_TOKEN_LEN + 1])
{
	if (!r->named) {
		secret_token(out);
		return;
	}
	secret_random(r->salt, sizeof(r->salt));
	request_same_secret(r, out);
}
