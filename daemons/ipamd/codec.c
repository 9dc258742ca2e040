/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "common/secret.h"
#include "daemons/ipamd/codec_methods.h"

const ProtobufCMessageDescriptor *const codec_request_type = &litevpn__ipam__request__descriptor;
const ProtobufCMessageDescriptor *const codec_reply_type = &litevpn__ipam__reply__descriptor;

/* --- who may ask what ------------------------------------------------------------------------- */

struct codec_method {	/* see codec_methods.h; NULL: there is nothing to do */
	Litevpn__Ipam__Request__BodyCase body;
	unsigned peers;		/* who may ask it */
	bool once;		/* with an id it is done once */
	bool firm;		/* it is not refused any more once it has changed something */
	const char *name;
	int (*perform)(const struct codec_env *env, const Litevpn__Ipam__Request *req,
	    struct answer *a);
	void (*log)(const struct answer *a);
	void (*reply)(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r);
	void (*release)(struct answer *a);
	char **(*secret)(Litevpn__Ipam__Reply *r);
};

#define ON(name) .body = LITEVPN__IPAM__REQUEST__BODY_##name
#define TUNNELD .peers = PEER_TUNNELD
#define CTLD .peers = PEER_CTLD
#define BOTH .peers = PEER_TUNNELD | PEER_CTLD
#define ONCE .once = true
#define FIRM .firm = true
#define DOES(function) .name = #function, .perform = codec_##function
#define LOG(function) .log = codec_##function
#define REPLY(function) .reply = codec_##function
#define RELEASE(function) .release = codec_##function
#define SECRET(function) .secret = codec_##function

static const struct codec_method methods[] = {
	{ ON(ATTACH), TUNNELD, FIRM, DOES(attach), LOG(log_attached), REPLY(attached) },
	{ ON(REPORT), TUNNELD, FIRM, DOES(report), REPLY(reported) },
	{ ON(SYNC), TUNNELD, DOES(sync), REPLY(synced), RELEASE(release_gone) },
	{ ON(CREATE_TOKEN), CTLD, ONCE, DOES(create_token), LOG(log_created),
	    REPLY(told_token), SECRET(token_secret) },
	{ ON(GET_TOKEN), CTLD, FIRM, DOES(get_token), REPLY(told_token) },
	{ ON(LIST_TOKENS), CTLD, FIRM, DOES(list_tokens), REPLY(listed_tokens),
	    RELEASE(release_tokens) },
	{ ON(DELETE_TOKEN), CTLD, ONCE, DOES(delete_token), LOG(log_revoked),
	    REPLY(told_token) },
	{ ON(REDEEM), CTLD, DOES(redeem), LOG(log_redeemed), REPLY(redeemed) },
	{ ON(RENEW), BOTH, FIRM, DOES(renew), LOG(log_renewed), REPLY(renewed) },
	{ ON(GET_NODE), CTLD, FIRM, DOES(get_node), REPLY(got_node), RELEASE(release_node) },
	{ ON(GET_NODES), CTLD, FIRM, DOES(get_nodes), REPLY(listed_nodes), RELEASE(release_page) },
	{ ON(LIST_NODES), CTLD, FIRM, DOES(list_nodes), REPLY(listed_nodes), RELEASE(release_page) },
	{ ON(UPDATE_NODE), CTLD, ONCE, DOES(update_node), LOG(log_updated), REPLY(got_node),
	    RELEASE(release_node) },
	{ ON(DELETE_NODE), CTLD, ONCE, DOES(delete_node), LOG(log_deleted), REPLY(deleted) },
	{ ON(GET_INFO), CTLD, FIRM, DOES(get_info), REPLY(got_info) },
	{ ON(LIST_VICTIMS), CTLD, FIRM, DOES(list_victims), REPLY(listed_victims),
	    RELEASE(release_victims) },
	{ ON(RECLAIM), CTLD, ONCE, DOES(reclaim), LOG(log_reclaimed), REPLY(reclaimed),
	    RELEASE(release_victims) },
	{ ON(RESERVE_ADDRESS), CTLD, ONCE, DOES(reserve_address), LOG(log_reserved),
	    REPLY(told_address) },
	{ ON(RELEASE_ADDRESS), CTLD, ONCE, DOES(release_address), LOG(log_released),
	    REPLY(told_address) },
	{ ON(LIST_ADDRESSES), CTLD, FIRM, DOES(list_addresses), REPLY(listed_addresses),
	    RELEASE(release_addresses) },
	{ ON(CREATE_NETWORK), CTLD, ONCE, DOES(create_network), LOG(log_network_created),
	    REPLY(told_network), SECRET(network_secret) },
	{ ON(RECREATE_NETWORK), CTLD, ONCE, DOES(recreate_network), LOG(log_network_recreated),
	    REPLY(told_network) },
	{ ON(DELETE_NETWORK), CTLD, ONCE, DOES(delete_network), LOG(log_network_deleted),
	    REPLY(deleted_network) },
	{ ON(SET_NET_TOKEN), CTLD, ONCE, DOES(set_net_token), LOG(log_net_token),
	    REPLY(told_network), SECRET(network_secret) },
	{ ON(GET_NETWORK), BOTH, FIRM, DOES(get_network), REPLY(told_network) },
	{ ON(LIST_NETWORKS), BOTH, FIRM, DOES(list_networks), REPLY(listed_networks),
	    RELEASE(release_networks) },
	{ ON(RELOAD), CTLD, DOES(reload), REPLY(upkept) },
	{ ON(SET_LOG_LEVEL), CTLD, DOES(set_log_level), REPLY(upkept) },
	{ ON(READ_BACKUP), CTLD, DOES(read_backup), REPLY(backup_part) },
	{ ON(LIST_EVENTS), BOTH, FIRM, DOES(list_events), REPLY(listed_events),
	    RELEASE(release_events) },
	{ ON(GET_STATS), CTLD, FIRM, DOES(get_stats), REPLY(got_stats), RELEASE(release_stats) },
};

int
codec_admit(const ProtobufCMessage *request, unsigned peer, struct answer *a)
{
	const Litevpn__Ipam__Request *req = (const Litevpn__Ipam__Request *) request;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (methods[i].body != req->body_case)
			continue;
		a->method = &methods[i];
		a->validate_only = req->validate_only;
		a->firm = methods[i].firm && !a->validate_only;
		return (methods[i].peers & peer) != 0 ? 0 : -REASON_ROLE_REQUIRED;
	}
	return -REASON_PROTOCOL_ERROR;
}

/* --- once ------------------------------------------------------------------------------------- */

/* The message as bytes that the caller wipes and frees. */
static uint8_t *
pack(const ProtobufCMessage *m, size_t *len_out)
{
	uint8_t *bytes = malloc(protobuf_c_message_get_packed_size(m) + 1);

	if (bytes != NULL)
		*len_out = protobuf_c_message_pack(m, bytes);
	return bytes;
}

static int
recognise(const struct codec_env *env, const Litevpn__Ipam__Request *req, unsigned peer,
    struct answer *a)
{
	const char *id = a->method->once && !a->validate_only ? req->request_id : "";
	uint8_t *bytes = NULL;
	size_t len = 0;
	int rc;

	if (id[0] != '\0' && (bytes = pack(&req->base, &len)) == NULL)
		return -ENOMEM;
	rc = request_init(&a->request, env->granter, peer, id, bytes, len, &a->err);
	free(bytes);
	if (rc < 0 || !a->request.named)
		return rc;
	if ((a->before = malloc(sizeof(*a->before))) == NULL)
		return -ENOMEM;
	rc = request_find(env->ledger, &a->request, a->before, &a->err);
	if (rc != 1) {
		free(a->before);
		a->before = NULL;
	}
	return rc;
}

/* What would have come of a request is told without its secret. */
static void
tell(struct answer *a, Litevpn__Ipam__Reply *r)
{
	char **secret = NULL, *made = NULL;

	if (a->validate_only && a->method->secret != NULL)
		secret = a->method->secret(r);
	if (secret != NULL) {
		made = *secret;
		*secret = (char *) "";
	}
	ipc_reply(a->call, &r->base);
	if (secret != NULL)
		*secret = made;
}

/* The answer of a request that was just done is kept with it, without its secret. */
static int
keep(const struct codec_env *env, struct answer *a)
{
	Litevpn__Ipam__Reply r = LITEVPN__IPAM__REPLY__INIT;
	int rc;

	a->keep_in = env->ledger;
	a->method->reply(env, a, &r);
	rc = a->kept;
	a->keep_in = NULL;
	return rc;
}

static int
keep_bytes(struct answer *a, Litevpn__Ipam__Reply *r)
{
	char **secret = a->method->secret == NULL ? NULL : a->method->secret(r);
	char *shown = NULL;
	uint8_t *bytes;
	size_t len;
	int rc;

	if (secret != NULL) {
		shown = *secret;
		*secret = (char *) "";
	}
	bytes = pack(&r->base, &len);
	rc = bytes == NULL ? -ENOMEM : request_keep(a->keep_in, &a->request, bytes, len);
	free(bytes);
	if (secret != NULL)
		*secret = shown;
	return rc;
}

void
codec_put(struct answer *a, Litevpn__Ipam__Reply *r)
{
	if (a->keep_in != NULL)
		a->kept = keep_bytes(a, r);
	else
		tell(a, r);
}

/* As it was answered before. What we packed ourselves can be read again, or the disk is wrong. */
static void
repeat(struct answer *a, Litevpn__Ipam__Reply *failed)
{
	Litevpn__Ipam__Reply *r = litevpn__ipam__reply__unpack(NULL, a->before->len,
	    a->before->bytes);
	char made[SECRET_TOKEN_LEN + 1], **secret = NULL, *empty;

	if (r == NULL) {
		failed->result = REASON_INTERNAL;
		ipc_reply(a->call, &failed->base);
		return;
	}
	if (a->method->secret != NULL && (secret = a->method->secret(r)) != NULL) {
		request_same_secret(&a->request, made);
		empty = *secret;
		*secret = made;
	}
	ipc_reply(a->call, &r->base);
	if (secret != NULL)
		*secret = empty;
	secret_wipe(made, sizeof(made));
	litevpn__ipam__reply__free_unpacked(r, NULL);
}

/* --- doing and answering ---------------------------------------------------------------------- */

int
codec_perform(const struct codec_env *env, const ProtobufCMessage *request, unsigned peer,
    struct answer *a)
{
	const Litevpn__Ipam__Request *req = (const Litevpn__Ipam__Request *) request;
	int rc = recognise(env, req, peer, a);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	if ((rc = a->method->perform(env, req, a)) < 0 || !a->request.named)
		return rc;
	return keep(env, a);
}

static void
refuse(struct answer *a, Litevpn__Ipam__Reply *r)
{
	r->result = (int32_t) reason_of(a->rc, REASON_INTERNAL);
	r->detail = a->err.text[0] != '\0' && a->err.rc == a->rc ? a->err.text
	    : (char *) reason_text(r->result);
	ipc_reply(a->call, &r->base);
}

static void
succeed(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	if (a->before != NULL) {
		repeat(a, r);
		return;
	}
	if (a->method->log != NULL && !a->validate_only)
		a->method->log(a);
	a->method->reply(env, a, r);
}

void
codec_reply(const struct codec_env *env, struct answer *a)
{
	Litevpn__Ipam__Reply r = LITEVPN__IPAM__REPLY__INIT;

	if (a->rc == 0)
		succeed(env, a, &r);
	else
		refuse(a, &r);
	if (a->method != NULL && a->method->release != NULL)
		a->method->release(a);
	free(a->before);
	secret_wipe(a, sizeof(*a));
}

const char *
codec_name(const struct answer *a)
{
	return a->method == NULL ? "none" : a->method->name;
}
