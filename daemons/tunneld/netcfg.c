/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/netcfg.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemons/tunneld/netcfg_talk.h"

/*
 * Of a TCP segment that the TUN hands out: cut into packets of 1400 bytes, with 36 more around each,
 * it stays below the 65507 of a UDP datagram, as 64 KiB would not.
 */
#define GSO_MAX 60800
#define ADDRESSES_MAX 16	/* of one device that are replaced */

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

/* --- devices ---------------------------------------------------------------------------------- */

struct link_answer {
	unsigned ifindex;
	char name[16];
};

static int
read_link(const struct nlmsghdr *nlh, void *arg)
{
	struct link_answer *answer = arg;
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct netcfg_attrs a = netcfg_attrs(nlh, sizeof(*ifi));

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
	struct nlmsghdr *nlh = netcfg_begin(n, RTM_GETLINK, 0, &ifi, sizeof(ifi));
	struct link_answer answer = { 0 };
	int rc;

	mnl_attr_put_strz(nlh, IFLA_IFNAME, device);
	if ((rc = netcfg_talk(n, nlh, read_link, &answer)) < 0)
		return rc;
	*ifindex_out = answer.ifindex;
	return 0;
}

int
netcfg_name(struct netcfg *n, unsigned ifindex, char name_out[16])
{
	struct ifinfomsg ifi = { .ifi_index = (int) ifindex };
	struct nlmsghdr *nlh = netcfg_begin(n, RTM_GETLINK, 0, &ifi, sizeof(ifi));
	struct link_answer answer = { 0 };
	int rc;

	if ((rc = netcfg_talk(n, nlh, read_link, &answer)) < 0)
		return rc;
	memcpy(name_out, answer.name, sizeof(answer.name));
	return 0;
}

struct widest {
	unsigned except, mtu;
};

static void
forget_widest(void *arg)
{
	((struct widest *) arg)->mtu = 0;
}

static int
compare_mtu(const struct nlmsghdr *nlh, void *arg)
{
	struct widest *w = arg;
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct netcfg_attrs a = netcfg_attrs(nlh, sizeof(*ifi));
	unsigned mtu = a.by_type[IFLA_MTU] == NULL ? 0 : mnl_attr_get_u32(a.by_type[IFLA_MTU]);

	if ((ifi->ifi_flags & IFF_UP) != 0 && (ifi->ifi_flags & IFF_LOOPBACK) == 0 &&
	    (unsigned) ifi->ifi_index != w->except && mtu > w->mtu)
		w->mtu = mtu;
	return MNL_CB_OK;
}

int
netcfg_widest(struct netcfg *n, unsigned except, unsigned *mtu_out)
{
	struct widest w = { .except = except };
	int rc = netcfg_dump(n, RTM_GETLINK, AF_UNSPEC, forget_widest, compare_mtu, &w);

	if (rc == 0)
		*mtu_out = w.mtu;
	return rc;
}

int
netcfg_link_up(struct netcfg *n, unsigned ifindex, unsigned mtu)
{
	struct ifinfomsg ifi = { .ifi_index = (int) ifindex, .ifi_change = IFF_UP,
		.ifi_flags = IFF_UP };
	struct nlmsghdr *nlh = netcfg_begin(n, RTM_NEWLINK, NLM_F_ACK, &ifi, sizeof(ifi));

	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	/* What a read gives, and ESP around each part of it, is one UDP_SEGMENT send. */
	mnl_attr_put_u32(nlh, IFLA_GSO_MAX_SIZE, GSO_MAX);
	return netcfg_talk(n, nlh, NULL, NULL);
}

int
netcfg_link_delete(struct netcfg *n, unsigned ifindex)
{
	struct ifinfomsg ifi = { .ifi_index = (int) ifindex };

	return netcfg_talk(n, netcfg_begin(n, RTM_DELLINK, NLM_F_ACK, &ifi, sizeof(ifi)), NULL,
	    NULL);
}

/* --- addresses -------------------------------------------------------------------------------- */

struct address_list {
	unsigned ifindex;
	uint8_t family;
	unsigned n;
	struct ip_prefix items[ADDRESSES_MAX];
};

static void
forget_addresses(void *arg)
{
	struct address_list *list = arg;

	list->n = 0;
}

static int
collect_address(const struct nlmsghdr *nlh, void *arg)
{
	struct address_list *list = arg;
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *local;
	struct netcfg_attrs a;

	if (ifa->ifa_index != list->ifindex || ifa->ifa_family != list->family ||
	    ifa->ifa_scope == RT_SCOPE_LINK || list->n == ADDRESSES_MAX)
		return MNL_CB_OK;
	a = netcfg_attrs(nlh, sizeof(*ifa));
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
	struct nlmsghdr *nlh = netcfg_begin(n, type, (uint16_t) (NLM_F_ACK | flags), &ifa,
	    sizeof(ifa));

	netcfg_put_addr(nlh, IFA_LOCAL, &p->addr);
	netcfg_put_addr(nlh, IFA_ADDRESS, &p->addr);
	return netcfg_talk(n, nlh, NULL, NULL);
}

int
netcfg_set_address(struct netcfg *n, unsigned ifindex, const struct ip_prefix *addr)
{
	struct address_list old = { .ifindex = ifindex, .family = addr->addr.family };
	int rc = netcfg_dump(n, RTM_GETADDR, old.family, forget_addresses, collect_address, &old);

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
