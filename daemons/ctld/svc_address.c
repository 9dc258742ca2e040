/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/svc.h"

#include <stdlib.h>
#include <string.h>

#include "common/ip.h"
#include "daemons/ctld/ask_net.h"
#include "daemons/ctld/ctld.h"
#include "daemons/ctld/fields.h"
#include "daemons/ctld/moments.h"
#include "daemons/ctld/names.h"
#include "daemons/ctld/network_view.h"
#include "daemons/ctld/node_view.h"
#include "litevpn/v1/address.pb-c.h"

#define COUNT_MAX 1000
#define IDLE_MAX_S (10 * 365 * 86400)	/* longer than any server has run */

/* --- an address as the API shows it ----------------------------------------------------------- */

_Static_assert((int) IPAM_PROMISED == (int) LITEVPN__V1__ADDRESS_INFO__KIND__PROMISED &&
    (int) IPAM_BOUND == (int) LITEVPN__V1__ADDRESS_INFO__KIND__BOUND, "kinds have the API's numbers");

struct address_view {
	Litevpn__V1__AddressInfo info;	/* points into the other fields, and what it was made of */
	Google__Protobuf__Timestamp expire_time;
	char network[NAMES_MAX], node[NAMES_MAX];
};

static void
view_init(struct address_view *v, const struct ipam_address *a)
{
	Litevpn__V1__AddressInfo *pb = &v->info;

	litevpn__v1__address_info__init(pb);
	pb->network = (char *) names_format("networks", a->network, v->network);
	pb->address = (char *) a->address;
	pb->kind = (Litevpn__V1__AddressInfo__Kind) a->kind;
	pb->display_name = (char *) a->name;
	if (a->node_id[0] != '\0')
		pb->node = (char *) names_format("nodes", a->node_id, v->node);
	pb->expire_time = moments_time(&v->expire_time, a->until_s);
}

/* --- ListAddresses ---------------------------------------------------------------------------- */

static void
end_list(void *state)
{
	ipam_addresses_fini(state);
}

static void
reply_list(struct call *c, const struct err *e)
{
	Litevpn__V1__ListAddressesResponse reply = LITEVPN__V1__LIST_ADDRESSES_RESPONSE__INIT;
	const struct ipam_addresses *page = call_state_get(c);
	struct address_view *views = calloc(page->n + 1, sizeof(*views));
	Litevpn__V1__AddressInfo **list = calloc(page->n + 1, sizeof(*list));
	char token[NAMES_PAGE_TOKEN_MAX];

	if (e->rc < 0) {
		call_fail_err(c, e);
	} else if (views == NULL || list == NULL) {
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
	} else {
		for (size_t i = 0; i < page->n; i++) {
			view_init(&views[i], &page->rows[i]);
			list[i] = &views[i].info;
		}
		reply.n_addresses = page->n;
		reply.addresses = list;
		if (page->next != 0)
			reply.next_page_token = (char *) names_page_token(page->next, token);
		call_reply(c, &reply.base);
	}
	free(views);
	free(list);
}

void
address_list(struct call *c)
{
	const Litevpn__V1__ListAddressesRequest *req = call_request(c);
	char network[PKI_ID_MAX + 1];
	struct ipam_addresses *list;
	struct fields_page page;

	if (fields_page(c, req->page_size, req->page_token, &page) &&
	    fields_network(c, "network", req->network, network) &&
	    (list = call_state(c, sizeof(*list), end_list)) != NULL)
		ipam_list_addresses(call_ctld(c)->backend, c, network, req->kept_only, page.size,
		    page.after, list, reply_list);
}

/* --- ReserveAddress, ReleaseAddress ----------------------------------------------------------- */

static bool
check_address(struct call *c, const char *address)
{
	struct ip_addr ignored;

	if (address[0] == '\0' || ip_parse(address, &ignored) == 0)
		return true;
	call_fail_field(c, "address", "must be an IP address");
	return false;
}

static void
reply_reserved(struct call *c, const struct err *e)
{
	struct address_view v;

	if (e->rc < 0) {
		call_fail_err(c, e);
		return;
	}
	view_init(&v, call_state_get(c));
	call_about(c, v.info.address);
	call_reply(c, &v.info.base);
}

void
address_reserve(struct call *c)
{
	const Litevpn__V1__ReserveAddressRequest *req = call_request(c);
	char network[PKI_ID_MAX + 1];
	struct ipam_address_wish wish = { network, req->display_name, req->address };
	struct ipam_address *a;
	struct ipam_once once;

	if (req->display_name[0] == '\0')
		call_fail_field(c, "display_name", "must be given");
	else if (fields_network(c, "network", req->network, network) &&
	    check_address(c, req->address) &&
	    fields_once(c, req->request_id, req->validate_only, &once) &&
	    (a = call_state(c, sizeof(*a), NULL)) != NULL)
		ipam_reserve_address(call_ctld(c)->backend, c, &wish, &once, a, reply_reserved);
}

/* ipamd tells what the address was kept for; here is what it is now. */
static void
reply_released(struct call *c, const struct err *e)
{
	const struct ipam_address *a = call_state_get(c);
	struct address_view v;

	if (e->rc < 0) {
		call_fail_err(c, e);
		return;
	}
	view_init(&v, a);
	v.info.kind = a->node_id[0] == '\0' ? LITEVPN__V1__ADDRESS_INFO__KIND__FREE
					    : LITEVPN__V1__ADDRESS_INFO__KIND__BOUND;
	v.info.display_name = (char *) "";
	v.info.expire_time = NULL;
	call_about(c, v.info.address);
	call_reply(c, &v.info.base);
}

void
address_release(struct call *c)
{
	const Litevpn__V1__ReleaseAddressRequest *req = call_request(c);
	char network[PKI_ID_MAX + 1];
	struct ipam_address_wish wish = { network, req->display_name, req->address };
	struct ipam_address *a;
	struct ipam_once once;

	if ((req->display_name[0] == '\0') == (req->address[0] == '\0'))
		call_fail_field(c, "address", "either this or display_name must be given");
	else if (fields_network(c, "network", req->network, network) &&
	    check_address(c, req->address) &&
	    fields_once(c, req->request_id, req->validate_only, &once) &&
	    (a = call_state(c, sizeof(*a), NULL)) != NULL)
		ipam_release_address(call_ctld(c)->backend, c, &wish, &once, a, reply_released);
}

/* --- GetUsage --------------------------------------------------------------------------------- */

struct usages {
	char network[PKI_ID_MAX + 1];	/* "": all */
	struct ipam_networks networks;
};

static void
end_usage(void *state)
{
	struct usages *u = state;

	ipam_networks_fini(&u->networks);
}

static void
reply_usage(struct call *c, const struct err *e)
{
	Litevpn__V1__GetUsageResponse reply = LITEVPN__V1__GET_USAGE_RESPONSE__INIT;
	const struct usages *u = call_state_get(c);
	struct network_view *views = calloc(u->networks.n + 1, sizeof(*views));
	Litevpn__V1__NetworkUsage *list[IPAM_NETWORKS_MAX];

	for (size_t i = 0; views != NULL && i < u->networks.n; i++) {
		if (u->network[0] != '\0' && strcmp(u->network, u->networks.rows[i].name) != 0)
			continue;
		network_view_init(&views[i], &u->networks.rows[i]);
		list[reply.n_usages++] = &views[i].usage;
	}
	reply.usages = list;
	if (e->rc < 0)
		call_fail_err(c, e);
	else if (views == NULL)
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
	else if (reply.n_usages == 0)
		call_fail(c, &(struct status){ .reason = REASON_NETWORK_UNKNOWN });
	else
		call_reply(c, &reply.base);
	free(views);
}

void
address_get_usage(struct call *c)
{
	const Litevpn__V1__GetUsageRequest *req = call_request(c);
	char network[PKI_ID_MAX + 1];
	struct usages *u;

	if (!fields_network(c, "network", req->network, network) ||
	    (u = call_state(c, sizeof(*u), end_usage)) == NULL)
		return;
	memcpy(u->network, network, sizeof(u->network));
	ipam_list_networks(call_ctld(c)->backend, c, &u->networks, reply_usage);
}

/* --- ReclaimAddresses ------------------------------------------------------------------------- */

struct reclaim {
	int64_t min_idle_s;
	struct ipam_victims victims;
};

static void
end_reclaim(void *state)
{
	struct reclaim *r = state;

	ipam_victims_fini(&r->victims);
}

struct victim_view {
	Litevpn__V1__Victim info;
	Google__Protobuf__Duration idle;
	struct node_view node;
};

static void
victim_init(struct victim_view *v, const struct ipam_victim *row)
{
	litevpn__v1__victim__init(&v->info);
	node_view_init(&v->node, &row->node, NULL);
	v->info.node = &v->node.info;
	v->info.idle = moments_span(&v->idle, row->idle_s * 1000000);
	v->info.eligible = row->eligible;
}

/* Of a dry run: those who would go; nobody behind one whose time has not come would. */
static void
judge(struct reclaim *r)
{
	struct ipam_victims *v = &r->victims;

	v->count = 0;
	for (size_t i = 0; i < v->n; i++) {
		v->rows[i].eligible &= v->synced && v->rows[i].idle_s >= r->min_idle_s &&
		    v->count == i;
		v->count += v->rows[i].eligible;
	}
}

static void
reply_victims(struct call *c, struct reclaim *r)
{
	Litevpn__V1__ReclaimAddressesResponse reply = LITEVPN__V1__RECLAIM_ADDRESSES_RESPONSE__INIT;
	const struct ipam_victims *v = &r->victims;
	struct victim_view *views = calloc(v->n + 1, sizeof(*views));
	Litevpn__V1__Victim **list = calloc(v->n + 1, sizeof(*list));

	if (views == NULL || list == NULL) {
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
	} else {
		for (size_t i = 0; i < v->n; i++) {
			victim_init(&views[i], &v->rows[i]);
			list[i] = &views[i].info;
		}
		reply.n_victims = v->n;
		reply.victims = list;
		reply.reclaimed = v->count;
		reply.automatic_off = v->refused;
		call_reply(c, &reply.base);
	}
	free(views);
	free(list);
}

static void
on_reclaimed(struct call *c, const struct err *e)
{
	if (e->rc < 0)
		call_fail_err(c, e);
	else
		reply_victims(c, call_state_get(c));
}

static void
on_victims(struct call *c, const struct err *e)
{
	if (e->rc == 0)
		judge(call_state_get(c));
	on_reclaimed(c, e);
}

/* Which field is wrong; NULL: none. *why_out tells what would be right. */
static const char *
find_mistake(const Litevpn__V1__ReclaimAddressesRequest *req, const char **why_out)
{
	*why_out = "must be from 1 to 1000";
	if (req->count < 0 || req->count > COUNT_MAX || (req->count == 0 && !req->validate_only))
		return "count";
	*why_out = "must be from 0 to 10 years";
	if (req->min_idle != NULL && (req->min_idle->seconds < 0 || req->min_idle->nanos < 0 ||
	    req->min_idle->seconds > IDLE_MAX_S))
		return "min_idle";
	return NULL;
}

void
address_reclaim(struct call *c)
{
	const Litevpn__V1__ReclaimAddressesRequest *req = call_request(c);
	struct backend *b = call_ctld(c)->backend;
	const char *why, *wrong = find_mistake(req, &why);
	char network[PKI_ID_MAX + 1];
	struct ipam_once once;
	struct reclaim *r;

	if (wrong != NULL)
		call_fail_field(c, wrong, why);
	if (wrong != NULL || !fields_network(c, "network", req->network, network) ||
	    !fields_once(c, req->request_id, req->validate_only, &once) ||
	    (r = call_state(c, sizeof(*r), end_reclaim)) == NULL)
		return;
	/* Whole seconds are what is known of it. */
	r->min_idle_s = req->min_idle == NULL ? 0
	    : req->min_idle->seconds + (req->min_idle->nanos > 0);
	if (req->validate_only)
		ipam_list_victims(b, c, network, (uint32_t) req->count, &r->victims, on_victims);
	else
		ipam_reclaim(b, c, network, (uint32_t) req->count, r->min_idle_s, &once,
		    &r->victims, on_reclaimed);
}
