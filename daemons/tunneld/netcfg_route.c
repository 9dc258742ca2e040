/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/netcfg_route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>

#include "daemons/tunneld/netcfg_talk.h"

/* --- ours ------------------------------------------------------------------------------------- */

/* The contents of RTA_VIA, a gateway of another family than the route's. */
struct via {
	uint16_t family;
	uint8_t b[16];
};

static void
put_gateway(struct nlmsghdr *nlh, uint8_t family, const struct ip_addr *addr)
{
	struct via via = { .family = addr->family };

	if (addr->family == family) {
		netcfg_put_addr(nlh, RTA_GATEWAY, addr);
		return;
	}
	memcpy(via.b, addr->b, sizeof(via.b));
	mnl_attr_put(nlh, RTA_VIA, offsetof(struct via, b) + ip_bits(addr) / 8, &via);
}

static struct nlmsghdr *
begin_route(struct netcfg *n, uint16_t type, uint16_t flags, const struct ip_prefix *to,
    const struct netcfg_hop *hop)
{
	struct rtmsg rtm = {
		.rtm_family = to->addr.family,
		.rtm_dst_len = to->len,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = NETCFG_PROTOCOL,
		.rtm_scope = hop->via.family == 0 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
		.rtm_flags = hop->onlink ? RTNH_F_ONLINK : 0,
	};
	struct ip_prefix net = ip_prefix_network(to);
	struct nlmsghdr *nlh;

	if (to->addr.family == AF_INET6)
		rtm.rtm_scope = RT_SCOPE_UNIVERSE;
	nlh = netcfg_begin(n, type, (uint16_t) (NLM_F_ACK | flags), &rtm, sizeof(rtm));
	if (to->len > 0)
		netcfg_put_addr(nlh, RTA_DST, &net.addr);
	if (hop->via.family != 0)
		put_gateway(nlh, to->addr.family, &hop->via);
	mnl_attr_put_u32(nlh, RTA_OIF, hop->ifindex);
	return nlh;
}

int
netcfg_route_add(struct netcfg *n, const struct ip_prefix *to, const struct netcfg_hop *hop)
{
	/* Not NLM_F_REPLACE: that would take a route of the machine's own away, for good. */
	int rc = netcfg_talk(n, begin_route(n, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, to, hop),
	    NULL, NULL);

	return rc == -EEXIST ? 0 : rc;
}

int
netcfg_route_delete(struct netcfg *n, const struct ip_prefix *to, const struct netcfg_hop *hop)
{
	int rc = netcfg_talk(n, begin_route(n, RTM_DELROUTE, 0, to, hop), NULL, NULL);

	return rc == -ESRCH ? 0 : rc;
}

/* --- the machine's own ------------------------------------------------------------------------ */

struct route {
	struct ip_prefix to;	/* family 0: no route */
	uint32_t metric;
	uint8_t type;		/* RTN_ */
	struct netcfg_hop hop;
};

struct lookup {
	const struct ip_addr *addr;
	unsigned except;
	struct route best;
};

/* For every packet to its prefix, in the main table; or an address of the machine itself. */
static bool
is_candidate(const struct rtmsg *rtm, const struct ip_addr *addr)
{
	bool is_pin = rtm->rtm_protocol == NETCFG_PROTOCOL && rtm->rtm_dst_len == ip_bits(addr);
	bool is_own = rtm->rtm_table == RT_TABLE_LOCAL && rtm->rtm_type == RTN_LOCAL;

	return (rtm->rtm_table == RT_TABLE_MAIN || is_own) && !is_pin && rtm->rtm_tos == 0 &&
	    rtm->rtm_src_len == 0 && (rtm->rtm_flags & (RTM_F_CLONED | RTNH_F_DEAD)) == 0;
}

/* From the attributes of a route, or of one of its several paths. */
static struct netcfg_hop
read_hop(unsigned ifindex, uint32_t flags, uint8_t family, const struct netcfg_attrs *a)
{
	const struct nlattr *gateway = a->by_type[RTA_GATEWAY], *via = a->by_type[RTA_VIA];
	struct netcfg_hop hop = { .ifindex = ifindex, .onlink = (flags & RTNH_F_ONLINK) != 0 };

	if (gateway != NULL) {
		hop.via = ip_from_bytes(family, mnl_attr_get_payload(gateway));
	} else if (via != NULL) {
		const struct via *v = mnl_attr_get_payload(via);

		hop.via = ip_from_bytes(v->family, v->b);
	}
	return hop;
}

/* The first path that works and is not by the device `except`; an ifindex of 0 when none is. */
static struct netcfg_hop
first_path(const struct nlattr *paths, uint8_t family, unsigned except)
{
	const struct rtnexthop *nh = mnl_attr_get_payload(paths);
	int left = mnl_attr_get_payload_len(paths);

	for (; RTNH_OK(nh, left); left -= RTNH_ALIGN(nh->rtnh_len), nh = RTNH_NEXT(nh)) {
		struct netcfg_attrs a;

		if ((nh->rtnh_flags & RTNH_F_DEAD) != 0 || (unsigned) nh->rtnh_ifindex == except)
			continue;
		a = netcfg_attrs_in(RTNH_DATA(nh), nh->rtnh_len - RTNH_LENGTH(0));
		return read_hop((unsigned) nh->rtnh_ifindex, nh->rtnh_flags, family, &a);
	}
	return (struct netcfg_hop){ .ifindex = 0 };
}

static struct route
read_route(const struct nlmsghdr *nlh, unsigned except)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct netcfg_attrs a = netcfg_attrs(nlh, sizeof(*rtm));
	const struct nlattr *to = a.by_type[RTA_DST], *metric = a.by_type[RTA_PRIORITY];
	const struct nlattr *paths = a.by_type[RTA_MULTIPATH], *oif = a.by_type[RTA_OIF];
	struct route r = { .to = { { .family = rtm->rtm_family }, rtm->rtm_dst_len },
		.type = rtm->rtm_type };

	if (to != NULL)
		r.to.addr = ip_from_bytes(rtm->rtm_family, mnl_attr_get_payload(to));
	if (metric != NULL)
		r.metric = mnl_attr_get_u32(metric);
	if (paths != NULL)
		r.hop = first_path(paths, rtm->rtm_family, except);
	else if (oif != NULL)
		r.hop = read_hop(mnl_attr_get_u32(oif), rtm->rtm_flags, rtm->rtm_family, &a);
	return r;
}

/* "Unreachable" and its like have no device of their own, and count. */
static bool
leads_past(const struct route *r, unsigned except)
{
	return r->type != RTN_UNICAST || (r->hop.ifindex != 0 && r->hop.ifindex != except);
}

static bool
is_better(const struct route *r, const struct route *than)
{
	if (r->type == RTN_LOCAL || than->type == RTN_LOCAL)
		return r->type == RTN_LOCAL;	/* the table of those is asked first */
	return than->to.addr.family == 0 || r->to.len > than->to.len ||
	    (r->to.len == than->to.len && r->metric < than->metric);
}

static void
forget_route(void *arg)
{
	struct lookup *l = arg;

	l->best = (struct route){ .metric = 0 };
}

static int
consider(const struct nlmsghdr *nlh, void *arg)
{
	struct lookup *l = arg;
	struct route r;

	if (!is_candidate(mnl_nlmsg_get_payload(nlh), l->addr))
		return MNL_CB_OK;
	r = read_route(nlh, l->except);
	if (ip_prefix_contains(&r.to, l->addr) && leads_past(&r, l->except) &&
	    is_better(&r, &l->best))
		l->best = r;
	return MNL_CB_OK;
}

int
netcfg_route_outside(struct netcfg *n, const struct ip_addr *addr, unsigned except,
    struct netcfg_hop *hop_out)
{
	struct lookup l = { .addr = addr, .except = except };
	int rc = netcfg_dump(n, RTM_GETROUTE, addr->family, forget_route, consider, &l);

	if (rc < 0)
		return rc;
	if (l.best.type != RTN_UNICAST && l.best.type != RTN_LOCAL)
		return -ENETUNREACH;
	*hop_out = l.best.type == RTN_LOCAL ? (struct netcfg_hop){ .ifindex = 0 } : l.best.hop;
	return 0;
}
