/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/ask_net.h"

#include <stdlib.h>

#include "common/reason.h"
#include "daemons/ctld/ask_ipam_inside.h"

/* The part of ask_net.h that is about addresses. */

_Static_assert((int) IPAM_PROMISED == (int) LITEVPN__IPAM__ADDRESS__KIND__PROMISED &&
    (int) IPAM_BOUND == (int) LITEVPN__IPAM__ADDRESS__KIND__BOUND, "kinds have ipamd's numbers");

static int
read_address(const Litevpn__Ipam__Address *pb, struct ipam_address *out, struct err *e)
{
	struct ipam_address a = {
		.kind = (enum ipam_kind) pb->kind,
		.until_s = pb->until_s,
	};

	if (pb->kind < LITEVPN__IPAM__ADDRESS__KIND__PROMISED ||
	    pb->kind > LITEVPN__IPAM__ADDRESS__KIND__BOUND)
		a.kind = IPAM_KIND_UNKNOWN;
	if (backend_text(a.network, sizeof(a.network), pb->network, e) < 0 ||
	    backend_text(a.address, sizeof(a.address), pb->address, e) < 0 ||
	    backend_text(a.name, sizeof(a.name), pb->name, e) < 0 ||
	    backend_text(a.node_id, sizeof(a.node_id), pb->node_id, e) < 0)
		return e->rc;
	*out = a;
	return 0;
}

static int
decode_address(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply = ipam_open(msg, BODY(ADDRESS), e);

	return reply == NULL ? e->rc : read_address(reply->address, out, e);
}

int
ipam_decode_addresses(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply;
	struct ipam_addresses page = { 0 };

	if ((reply = ipam_open(msg, BODY(ADDRESSES), e)) == NULL)
		return e->rc;
	if (reply->addresses->n_addresses > IPAM_PAGE_MAX)
		return err_set(e, -REASON_INTERNAL, "ipamd sent a page that is too long");
	page.rows = calloc(reply->addresses->n_addresses + 1, sizeof(*page.rows));
	if (page.rows == NULL)
		return err_set(e, -REASON_OVERLOADED, "out of memory");
	page.next = reply->addresses->next;
	for (; page.n < reply->addresses->n_addresses; page.n++) {
		if (read_address(reply->addresses->addresses[page.n], &page.rows[page.n], e) < 0) {
			ipam_addresses_fini(&page);
			return e->rc;
		}
	}
	*(struct ipam_addresses *) out = page;
	return 0;
}

void
ipam_addresses_fini(struct ipam_addresses *addresses)
{
	free(addresses->rows);
	*addresses = (struct ipam_addresses){ 0 };
}

void
ipam_list_addresses(struct backend *b, struct call *c, const char *network, bool kept_only,
    uint32_t page_size, uint64_t after, struct ipam_addresses *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__ListAddresses list = LITEVPN__IPAM__LIST_ADDRESSES__INIT;

	list.network = (char *) network;
	list.kept_only = kept_only;
	list.page_size = page_size;
	list.after = after;
	req.body_case = ASK(LIST_ADDRESSES);
	req.list_addresses = &list;
	ipam_ask(b, c, &req, ipam_decode_addresses, out, next);
}

void
ipam_reserve_address(struct backend *b, struct call *c, const struct ipam_address_wish *wish,
    const struct ipam_once *once, struct ipam_address *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__ReserveAddress reserve = LITEVPN__IPAM__RESERVE_ADDRESS__INIT;

	reserve.network = (char *) wish->network;
	reserve.name = (char *) wish->name;
	reserve.address = (char *) wish->address;
	req.body_case = ASK(RESERVE_ADDRESS);
	req.reserve_address = &reserve;
	ipam_ask_once(b, c, &req, once, decode_address, out, next);
}

void
ipam_release_address(struct backend *b, struct call *c, const struct ipam_address_wish *wish,
    const struct ipam_once *once, struct ipam_address *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__ReleaseAddress release = LITEVPN__IPAM__RELEASE_ADDRESS__INIT;

	release.network = (char *) wish->network;
	release.name = (char *) wish->name;
	release.address = (char *) wish->address;
	req.body_case = ASK(RELEASE_ADDRESS);
	req.release_address = &release;
	ipam_ask_once(b, c, &req, once, decode_address, out, next);
}

/* --- victims ---------------------------------------------------------------------------------- */

static int
read_victims(Litevpn__Ipam__Victim **pb, size_t n, struct ipam_victims *v, struct err *e)
{
	if (n > IPAM_PAGE_MAX)
		return err_set(e, -REASON_INTERNAL, "ipamd sent too many victims");
	if ((v->rows = calloc(n + 1, sizeof(*v->rows))) == NULL)
		return err_set(e, -REASON_OVERLOADED, "out of memory");
	for (; v->n < n; v->n++) {
		struct ipam_victim *row = &v->rows[v->n];

		row->idle_s = pb[v->n]->idle_s;
		row->eligible = pb[v->n]->eligible;
		if (pb[v->n]->node == NULL)
			err_set(e, -REASON_INTERNAL, "ipamd sent a victim that is no node");
		else if (ipam_read_node(pb[v->n]->node, &row->node, e) == 0)
			continue;
		ipam_victims_fini(v);
		return e->rc;
	}
	return 0;
}

int
ipam_decode_victims(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply = ipam_open(msg, BODY(VICTIMS), e);
	struct ipam_victims v = { 0 };

	if (reply == NULL ||
	    read_victims(reply->victims->victims, reply->victims->n_victims, &v, e) < 0)
		return e->rc;
	v.refused = reply->victims->refused;
	v.synced = reply->victims->synced;
	*(struct ipam_victims *) out = v;
	return 0;
}

static int
decode_reclaimed(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply = ipam_open(msg, BODY(RECLAIMED), e);
	struct ipam_victims v = { 0 };

	if (reply == NULL ||
	    read_victims(reply->reclaimed->victims, reply->reclaimed->n_victims, &v, e) < 0)
		return e->rc;
	v.count = reply->reclaimed->count;
	*(struct ipam_victims *) out = v;
	return 0;
}

void
ipam_victims_fini(struct ipam_victims *victims)
{
	free(victims->rows);
	*victims = (struct ipam_victims){ 0 };
}

void
ipam_list_victims(struct backend *b, struct call *c, const char *network, uint32_t max,
    struct ipam_victims *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__ListVictims list = LITEVPN__IPAM__LIST_VICTIMS__INIT;

	list.network = (char *) network;
	list.max = max;
	req.body_case = ASK(LIST_VICTIMS);
	req.list_victims = &list;
	ipam_ask(b, c, &req, ipam_decode_victims, out, next);
}

void
ipam_reclaim(struct backend *b, struct call *c, const char *network, uint32_t count,
    int64_t min_idle_s, const struct ipam_once *once, struct ipam_victims *out,
    backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__Reclaim reclaim = LITEVPN__IPAM__RECLAIM__INIT;

	reclaim.network = (char *) network;
	reclaim.count = count;
	reclaim.min_idle_s = min_idle_s;
	req.body_case = ASK(RECLAIM);
	req.reclaim = &reclaim;
	ipam_ask_once(b, c, &req, once, decode_reclaimed, out, next);
}
