/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/ask_events.h"

#include <stdlib.h>

#include "common/reason.h"
#include "ipc/ipam.pb-c.h"

#define SAME(kind) ((int) IPAM_EVENT_##kind == (int) LITEVPN__IPAM__EVENT__KIND__##kind)
_Static_assert(SAME(CREATE) && SAME(ATTACH) && SAME(CONNECT) && SAME(LOST) && SAME(DETACH) &&
    SAME(RECLAIM) && SAME(UNREGISTER) && SAME(NETWORK_CREATE) && SAME(NETWORK_DELETE) &&
    SAME(NETWORK_RECREATE) && SAME(RESTORE) && SAME(UPDATE) && SAME(TOKEN_REVOKE),
    "the kinds have ipamd's numbers");

const ProtobufCMessageDescriptor *const ipam_request_type = &litevpn__ipam__request__descriptor;
const ProtobufCMessageDescriptor *const ipam_reply_type = &litevpn__ipam__reply__descriptor;
const ProtobufCMessageDescriptor *const ipam_events_type = &litevpn__ipam__events__descriptor;

/* --- reading ---------------------------------------------------------------------------------- */

static int
read_event(const Litevpn__Ipam__Event *pb, struct ipam_event *ev, struct err *e)
{
	ev->revision = pb->revision;
	ev->time_s = pb->time_s;
	ev->kind = (enum ipam_event_kind) pb->kind;
	if ((int) pb->kind < 0 || (int) pb->kind >= IPAM_EVENT_KINDS)
		ev->kind = IPAM_EVENT_UNKNOWN;	/* of a newer ipamd: told without its kind */
	if (backend_text(ev->node, sizeof(ev->node), pb->node_id, e) < 0 ||
	    backend_text(ev->network, sizeof(ev->network), pb->network, e) < 0 ||
	    backend_text(ev->address, sizeof(ev->address), pb->address, e) < 0)
		return e->rc;
	return backend_text(ev->detail, sizeof(ev->detail), pb->detail, e);
}

int
ipam_events_of_message(const ProtobufCMessage *msg, struct ipam_events *out, struct err *e)
{
	const Litevpn__Ipam__Events *pb = (const Litevpn__Ipam__Events *) msg;
	struct ipam_events events = { .oldest = pb->oldest, .newest = pb->newest };

	if ((events.list = calloc(pb->n_events + 1, sizeof(*events.list))) == NULL)
		return err_set(e, -REASON_OVERLOADED, "out of memory");
	for (; events.n < pb->n_events; events.n++) {
		struct ipam_event *ev = &events.list[events.n];

		if (read_event(pb->events[events.n], ev, e) == 0 && ev->revision != 0 &&
		    (events.n == 0 || ev->revision == ev[-1].revision + 1))
			continue;
		free(events.list);
		return err_set(e, -REASON_INTERNAL, "ipamd sent events that cannot be right");
	}
	*out = events;
	return 0;
}

int
ipam_events_of_reply(const ProtobufCMessage *msg, struct ipam_events *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply = (const Litevpn__Ipam__Reply *) msg;

	if (backend_result(reply->result, reply->detail, e) < 0)
		return e->rc;
	if (reply->body_case != LITEVPN__IPAM__REPLY__BODY_EVENTS)
		return err_set(e, -REASON_INTERNAL, "ipamd did not answer what was asked");
	return ipam_events_of_message(&reply->events->base, out, e);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void
init_request(Litevpn__Ipam__Request *req, Litevpn__Ipam__ListEvents *list, uint64_t after,
    uint32_t max)
{
	litevpn__ipam__request__init(req);
	litevpn__ipam__list_events__init(list);
	list->after = after;
	list->max = max;
	req->body_case = LITEVPN__IPAM__REQUEST__BODY_LIST_EVENTS;
	req->list_events = list;
}

static int
decode_events(const ProtobufCMessage *reply, void *out, struct err *e)
{
	return ipam_events_of_reply(reply, out, e);
}

void
ipam_list_events(struct backend *b, struct call *c, uint64_t after, uint32_t max,
    struct ipam_events *out, backend_next *next)
{
	Litevpn__Ipam__Request req;
	Litevpn__Ipam__ListEvents list;

	init_request(&req, &list, after, max);
	backend_ask(b, BACKEND_IPAMD, c, &req.base, decode_events, out, next);
}

int
ipam_ask_events(struct ipc_client *client, uint64_t after, uint32_t max, int64_t timeout_ms,
    ipc_done *done, void *arg)
{
	Litevpn__Ipam__Request req;
	Litevpn__Ipam__ListEvents list;

	init_request(&req, &list, after, max);
	return ipc_ask(client, &req.base, timeout_ms, done, arg);
}
