/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_CODEC_H
#define LV_IPAMD_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/ipc.h"
#include "common/metric.h"
#include "daemons/ipamd/events.h"
#include "daemons/ipamd/granter.h"
#include "daemons/ipamd/lease.h"
#include "daemons/ipamd/ledger.h"
#include "daemons/ipamd/network.h"
#include "daemons/ipamd/node.h"
#include "daemons/ipamd/renew.h"
#include "daemons/ipamd/request.h"
#include "daemons/ipamd/reserve.h"
#include "daemons/ipamd/token.h"
#include "daemons/ipamd/upkeep.h"

/*
 * The messages of ipamd's socket (proto/ipc/ipam.proto), which no other file knows: a request
 * becomes a call of lease, session, node, token, reserve or network, its result waits as a struct
 * answer for the commit, and becomes a reply. A request with an id that was answered before is
 * answered so again.
 */

extern const ProtobufCMessageDescriptor *const codec_request_type, *const codec_reply_type;

/* Who asks: the bits of struct ipc_peer.id; a user who runs all daemons has both. */
enum codec_peer { PEER_TUNNELD = 1, PEER_CTLD = 2 };

struct counts;

/* What operations work on; borrowed. */
struct codec_env {
	struct ledger *ledger;
	const struct granter *granter;
	const struct counts *counts;
	struct upkeep *upkeep;
};

struct codec_method;	/* one kind of request */

struct codec_gone {
	char **ids;
	size_t n;
};

struct codec_deleted {
	char id[PKI_ID_MAX + 1];
	uint64_t epoch;
};

struct answer {
	struct ipc_call *call;
	const struct codec_method *method;	/* NULL: not a request that is known */
	struct request request;
	bool validate_only;		/* what was done is to be undone */
	bool firm;			/* once it has changed something it is not refused any more */
	struct store_reply *before;	/* it was asked before: the answer that it got; else NULL */
	struct ledger *keep_in;		/* while its reply is made to be kept; else NULL */
	int kept;			/* what became of that */
	int rc;
	struct err err;		/* its text is empty where the reason says it all */
	union {			/* filled when rc is 0; see the method */
		struct lease lease;
		struct codec_gone gone;
		struct token_view token;
		struct token_page tokens;
		struct token_node redeemed;
		struct renewal renewal;
		struct node_noted node;
		struct node_page page;
		struct codec_deleted deleted;
		struct node_info info;
		struct lease_victims victims;
		struct reserve_view address;
		struct reserve_page addresses;
		struct network_view network;
		struct network_list networks;
		struct event_page events;
		const struct hotcopy_part *part;
		struct metrics stats;
	};
};

/*
 * Looks at a request: fills a->method, a->validate_only, a->firm. ROLE_REQUIRED where `peer` may not ask it, PROTOCOL_ERROR
 * where it is none.
 */
int codec_admit(const ProtobufCMessage *request, unsigned peer, struct answer *a);

/*
 * Does what an admitted request of `peer` asks for, or finds that it was done; fills the result.
 * Belongs into a ledger_request (ledger_request_firm where a->firm is set), which is to be refused
 * all the same where a->validate_only is set.
 */
int codec_perform(const struct codec_env *env, const ProtobufCMessage *request, unsigned peer,
    struct answer *a);

/* Logs what was done and sends the answer; wipes and frees the result. consumes: a->call */
void codec_reply(const struct codec_env *env, struct answer *a);

/* "attach", for logs. */
const char *codec_name(const struct answer *a);

#endif
