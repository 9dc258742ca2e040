/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_ASK_EVENTS_H
#define LV_CTLD_ASK_EVENTS_H

#include <stdint.h>

#include "common/ip.h"
#include "common/ipc.h"
#include "common/pki.h"
#include "daemons/ctld/backend.h"

/* What has happened, as ipamd publishes it and as it is asked for (proto/ipc/ipam.proto, Events). */

#define IPAM_EVENTS_MAX 100	/* that are asked for at a time */
#define IPAM_EVENT_NETWORK_MAX 64
#define IPAM_EVENT_DETAIL_MAX 256

enum ipam_event_kind {	/* the numbers of the API, too */
	IPAM_EVENT_UNKNOWN,
	IPAM_EVENT_CREATE,
	IPAM_EVENT_ATTACH,
	IPAM_EVENT_CONNECT,
	IPAM_EVENT_LOST,
	IPAM_EVENT_DETACH,
	IPAM_EVENT_RECLAIM,
	IPAM_EVENT_UNREGISTER,
	IPAM_EVENT_NETWORK_CREATE,
	IPAM_EVENT_NETWORK_DELETE,
	IPAM_EVENT_NETWORK_RECREATE,
	IPAM_EVENT_RESTORE,
	IPAM_EVENT_UPDATE,
	IPAM_EVENT_TOKEN_REVOKE,
	IPAM_EVENT_KINDS,
};

struct ipam_event {
	uint64_t revision;
	enum ipam_event_kind kind;
	int64_t time_s;			/* UTC */
	char node[PKI_ID_MAX + 1];	/* "": of no node */
	char network[IPAM_EVENT_NETWORK_MAX];
	char address[IP_TEXT_MAX];	/* "": of none */
	char detail[IPAM_EVENT_DETAIL_MAX];
};

/* Events whose revisions follow each other. */
struct ipam_events {
	struct ipam_event *list;	/* free(3) */
	size_t n;
	uint64_t oldest, newest;	/* of all that ipamd keeps */
};

/* Those after a revision, at most IPAM_EVENTS_MAX of them; backend.h says how it ends. */
void ipam_list_events(struct backend *b, struct call *c, uint64_t after, uint32_t max,
    struct ipam_events *out, backend_next *next);

/* --- without a call --------------------------------------------------------------------------- */

extern const ProtobufCMessageDescriptor *const ipam_request_type, *const ipam_reply_type;
extern const ProtobufCMessageDescriptor *const ipam_events_type;

/* Asks the same; the reply is read with ipam_events_of_reply. As ipc_ask. */
int ipam_ask_events(struct ipc_client *client, uint64_t after, uint32_t max, int64_t timeout_ms,
    ipc_done *done, void *arg);

/* 0, or -REASON_x with the cause; *out is untouched then. */
int ipam_events_of_reply(const ProtobufCMessage *reply, struct ipam_events *out, struct err *e);
int ipam_events_of_message(const ProtobufCMessage *events, struct ipam_events *out, struct err *e);

#endif
