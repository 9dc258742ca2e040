/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/netcfg.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUF_SIZE 16384		/* a dump's part (MNL_SOCKET_DUMP_SIZE) fits twice */
#define ADDRESSES_MAX 16	/* of one device that are replaced */

struct netcfg {
	struct mnl_socket *sock;
	unsigned seq;
	char buf[BUF_SIZE];
};

int
netcfg_open(struct netcfg **out, struct err *e)
{
	struct netcfg *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	n->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (n->sock == NULL || mnl_socket_bind(n->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		int rc = err_set(e, -errno, "rtnetlink: %s", strerror(errno));

		netcfg_close(n);
		return rc;
	}
	n->seq = (unsigned) time(NULL);
	*out = n;
	return 0;
}

void
netcfg_close(struct netcfg *n)
{
	if (n == NULL)
		return;
	if (n->sock != NULL)
		mnl_socket_close(n->sock);
	free(n);
}

/* A request in n->buf; the caller adds its attributes. */
static struct nlmsghdr *
begin(struct netcfg *n, uint16_t type, uint16_t flags, const void *header, size_t header_len)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(n->buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t) (NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++n->seq;
	memcpy(mnl_nlmsg_put_extra_header(nlh, header_len), header, header_len);
	return nlh;
}

/* Sends it and hands every answer to cb until the end of them or the acknowledgement. */
static int
talk(struct netcfg *n, const struct nlmsghdr *nlh, mnl_cb_t cb, void *arg)
{
	unsigned portid = mnl_socket_get_portid(n->sock), seq = n->seq;
	ssize_t len;
	int rc;

	if (mnl_socket_sendto(n->sock, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		len = mnl_socket_recvfrom(n->sock, n->buf, sizeof(n->buf));
		if (len < 0)
			return -errno;
		rc = mnl_cb_run(n->buf, (size_t) len, seq, portid, cb, arg);
	} while (rc > MNL_CB_STOP);
	return rc < 0 ? -errno : 0;
}

#define ATTRS_MAX 32	/* enough for the IFLA_, IFA_ and RTA_ numbers that are asked for */

struct attrs {
	const struct nlattr *by_type[ATTRS_MAX];
};

static int
store_attr(const struct nlattr *attr, void *arg)
{
	struct attrs *a = arg;
	uint16_t type = mnl_attr_get_type(attr);

	if (type < ATTRS_MAX)
		a->by_type[type] = attr;
	return MNL_CB_OK;
}

static void
put_addr(struct nlmsghdr *nlh, uint16_t attr, const struct ip_addr *addr)
{
	mnl_attr_put(nlh, attr, ip_bits(addr) / 8, addr->b);
}

struct link_answer {
	unsigned ifindex;
	char name[16];
};

static int
read_link(const struct nlmsghdr *nlh, void *arg)
{
	struct link_answer *answer = arg;
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct attrs a = { 0 };

	mnl_attr_parse(nlh, sizeof(*ifi), store_attr, &a);
	answer->ifindex = (unsigned) ifi->ifi_index;
	if (a.by_type[IFLA_IFNAME] != NULL)
		strncpy(answer->name, mnl_attr_get_str(a.by_type[IFLA_IFNAME]),
		    sizeof(answer->name) - 1);
	return MNL_CB_STOP;
}

int
netcfg_index(struct netcfg *n, const char *device, unsigned *ifindex_out)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nlmsghdr *nlh = begin(n, RTM_GETLINK, 0, &ifi, sizeof(ifi));
	struct link_answer answer = { 0 };
	int rc;

	mnl_attr_put_strz(nlh, IFLA_IFNAME, device);
	if ((rc = talk(n, nlh, read_link, &answer)) < 0)
		return rc;
	*ifindex_out = answer.ifindex;
	return 0;
}

int
netcfg_name(struct netcfg *n, unsigned ifindex, char name_out[16])
{
	struct ifinfomsg ifi = { .ifi_index = (int) ifindex };
	struct link_answer answer = { 0 };
	int rc = talk(n, begin(n, RTM_GETLINK, 0, &ifi, sizeof(ifi)), read_link, &answer);

	if (rc < 0)
		return rc;
	memcpy(name_out, answer.name, sizeof(answer.name));
	return 0;
}

int
netcfg_link_up(struct netcfg *n, unsigned ifindex, unsigned mtu)
{
	struct ifinfomsg ifi = { .ifi_index = (int) ifindex, .ifi_change = IFF_UP,
		.ifi_flags = IFF_UP };
	struct nlmsghdr *nlh = begin(n, RTM_NEWLINK, NLM_F_ACK, &ifi, sizeof(ifi));

	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	return talk(n, nlh, NULL, NULL);
}

int
netcfg_link_delete(struct netcfg *n, unsigned ifindex)
{
	struct ifinfomsg ifi = { .ifi_index = (int) ifindex };

	return talk(n, begin(n, RTM_DELLINK, NLM_F_ACK, &ifi, sizeof(ifi)), NULL, NULL);
}

/* --- addresses -------------------------------------------------------------------------------- */

struct address_list {
	unsigned ifindex;
	uint8_t family;
	unsigned n;
	struct ip_prefix items[ADDRESSES_MAX];
};

static int
collect_address(const struct nlmsghdr *nlh, void *arg)
{
	struct address_list *list = arg;
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *local;
	struct attrs a = { 0 };

	if (ifa->ifa_index != list->ifindex || ifa->ifa_family != list->family ||
	    ifa->ifa_scope == RT_SCOPE_LINK || list->n == ADDRESSES_MAX)
		return MNL_CB_OK;
	mnl_attr_parse(nlh, sizeof(*ifa), store_attr, &a);
	local = a.by_type[IFA_LOCAL] != NULL ? a.by_type[IFA_LOCAL] : a.by_type[IFA_ADDRESS];
	if (local != NULL)
		list->items[list->n++] = (struct ip_prefix){
			ip_from_bytes(ifa->ifa_family, mnl_attr_get_payload(local)),
			ifa->ifa_prefixlen,
		};
	return MNL_CB_OK;
}

static int
change_address(struct netcfg *n, uint16_t type, uint16_t flags, unsigned ifindex,
    const struct ip_prefix *p)
{
	struct ifaddrmsg ifa = {
		.ifa_family = p->addr.family,
		.ifa_prefixlen = p->len,
		.ifa_index = ifindex,
		/* IPv6: no duplicate can be on a point-to-point link, and it would cost seconds. */
		.ifa_flags = p->addr.family == AF_INET6 ? IFA_F_NODAD : 0,
	};
	struct nlmsghdr *nlh = begin(n, type, (uint16_t) (NLM_F_ACK | flags), &ifa, sizeof(ifa));

	put_addr(nlh, IFA_LOCAL, &p->addr);
	put_addr(nlh, IFA_ADDRESS, &p->addr);
	return talk(n, nlh, NULL, NULL);
}

int
netcfg_set_address(struct netcfg *n, unsigned ifindex, const struct ip_prefix *addr)
{
	struct ifaddrmsg ifa = { .ifa_family = addr->addr.family };
	struct address_list old = { .ifindex = ifindex, .family = addr->addr.family };
	int rc;

	rc = talk(n, begin(n, RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa)), collect_address, &old);
	for (unsigned i = 0; rc == 0 && i < old.n; i++) {
		if (ip_equal(&old.items[i].addr, &addr->addr) && old.items[i].len == addr->len)
			continue;
		rc = change_address(n, RTM_DELADDR, 0, ifindex, &old.items[i]);
		if (rc == -EADDRNOTAVAIL)
			rc = 0;	/* a secondary one, which went with its primary */
	}
	/* Also where it was there: it may have been such a secondary one. */
	if (rc == 0)
		rc = change_address(n, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, ifindex, addr);
	return rc;
}

/* --- routes ----------------------------------------------------------------------------------- */

static struct nlmsghdr *
begin_route(struct netcfg *n, uint16_t type, uint16_t flags, const struct ip_prefix *to,
    const struct netcfg_hop *hop)
{
	struct rtmsg rtm = {
		.rtm_family = to->addr.family,
		.rtm_dst_len = to->len,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = hop->via.family == 0 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
	};
	struct ip_prefix net = ip_prefix_network(to);
	struct nlmsghdr *nlh;

	if (to->addr.family == AF_INET6)
		rtm.rtm_scope = RT_SCOPE_UNIVERSE;
	nlh = begin(n, type, flags, &rtm, sizeof(rtm));
	if (to->len > 0)
		put_addr(nlh, RTA_DST, &net.addr);
	if (hop->via.family != 0)
		put_addr(nlh, RTA_GATEWAY, &hop->via);
	mnl_attr_put_u32(nlh, RTA_OIF, hop->ifindex);
	return nlh;
}

int
netcfg_route_add(struct netcfg *n, const struct ip_prefix *to, const struct netcfg_hop *hop)
{
	/* Not NLM_F_REPLACE: that would take a route of the machine's own away, for good. */
	int rc = talk(n, begin_route(n, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND, to,
	    hop), NULL, NULL);

	return rc == -EEXIST ? 0 : rc;
}

int
netcfg_route_delete(struct netcfg *n, const struct ip_prefix *to, const struct netcfg_hop *hop)
{
	int rc = talk(n, begin_route(n, RTM_DELROUTE, NLM_F_ACK, to, hop), NULL, NULL);

	return rc == -ESRCH ? 0 : rc;
}

struct route_answer {
	struct netcfg_hop hop;
	bool found;
};

static int
read_route(const struct nlmsghdr *nlh, void *arg)
{
	struct route_answer *answer = arg;
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct attrs a = { 0 };

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	mnl_attr_parse(nlh, sizeof(*rtm), store_attr, &a);
	if (a.by_type[RTA_GATEWAY] != NULL)
		answer->hop.via = ip_from_bytes(rtm->rtm_family,
		    mnl_attr_get_payload(a.by_type[RTA_GATEWAY]));
	if (a.by_type[RTA_OIF] != NULL)
		answer->hop.ifindex = mnl_attr_get_u32(a.by_type[RTA_OIF]);
	answer->found = answer->hop.ifindex != 0;
	return MNL_CB_STOP;
}

int
netcfg_route_get(struct netcfg *n, const struct ip_addr *addr, struct netcfg_hop *out)
{
	struct rtmsg rtm = { .rtm_family = addr->family, .rtm_dst_len = (uint8_t) ip_bits(addr) };
	struct route_answer answer = { .found = false };
	struct nlmsghdr *nlh = begin(n, RTM_GETROUTE, 0, &rtm, sizeof(rtm));
	int rc;

	put_addr(nlh, RTA_DST, addr);
	if ((rc = talk(n, nlh, read_route, &answer)) < 0)
		return rc;
	if (!answer.found)
		return -ENETUNREACH;
	*out = answer.hop;
	return 0;
}
