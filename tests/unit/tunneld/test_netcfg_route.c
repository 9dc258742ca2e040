/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/netcfg_route.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/kit.h"
#include "tests/unit/tunneld/netns.h"

/*
 * A machine with two links and a tunnel:
 *
 *     eth0 198.51.100.9/24, 2001:db8:1::9/64    eth1 192.0.2.9/24
 *     tun0 10.1.1.3/24, fd00::3/64
 */
struct rig {
	struct netcfg *net;
	int fds[3];
	unsigned tun0;
};

#define SERVER "203.0.113.7"
#define SERVER6 "2001:db8:9::7"

static bool
rig_init(struct rig *r)
{
	static const char *const devices[] = { "eth0", "eth1", "tun0" };
	struct err e = { 0 };

	if (!netns_enter())
		return false;
	for (int i = 0; i < 3; i++)
		r->fds[i] = netns_device(devices[i]);
	netns_do("ip link set lo up && ip link set eth0 up && ip link set eth1 up && "
	    "ip link set tun0 up && "
	    "ip addr add 198.51.100.9/24 dev eth0 && ip addr add 192.0.2.9/24 dev eth1 && "
	    "ip addr add 2001:db8:1::9/64 dev eth0 nodad && "
	    "ip addr add 10.1.1.3/24 dev tun0 && ip addr add fd00::3/64 dev tun0 nodad");
	ck_assert_msg(netcfg_open(&r->net, &e) == 0, "%s", e.text);
	ck_assert_int_eq(netcfg_index(r->net, "tun0", &r->tun0), 0);
	return true;
}

static void
rig_fini(struct rig *r)
{
	netcfg_close(r->net);
	for (int i = 0; i < 3; i++)
		close(r->fds[i]);
}

/* --- routes of ours --------------------------------------------------------------------------- */

static int
add(struct rig *r, const char *to, const char *via)
{
	struct netcfg_hop hop = { .ifindex = r->tun0 };
	struct ip_prefix p = netns_prefix(to);

	if (via != NULL)
		hop.via = netns_addr(via);
	return netcfg_route_add(r->net, &p, &hop);
}

static int
delete(struct rig *r, const char *to)
{
	struct netcfg_hop hop = { .ifindex = r->tun0 };
	struct ip_prefix p = netns_prefix(to);

	return netcfg_route_delete(r->net, &p, &hop);
}

START_TEST(routes_come_and_go)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	ck_assert_int_eq(add(&r, "192.168.77.1/16", NULL), 0);	/* the host bits go */
	ck_assert_int_eq(add(&r, "192.168.0.0/16", NULL), 0);	/* it is there already */
	ck_assert_int_eq(add(&r, "203.0.113.9/32", "10.1.1.1"), 0);
	ck_assert_int_eq(add(&r, "0.0.0.0/1", NULL), 0);
	ck_assert_str_eq(netns_ask("ip route show proto 108"),
	    "0.0.0.0/1 dev tun0 scope link \n192.168.0.0/16 dev tun0 scope link \n"
	    "203.0.113.9 via 10.1.1.1 dev tun0");
	ck_assert_int_eq(delete(&r, "192.168.0.0/16"), 0);
	ck_assert_int_eq(delete(&r, "192.168.0.0/16"), 0);	/* not there: fine */
	ck_assert_str_eq(netns_ask("ip route show 192.168.0.0/16"), "");
	ck_assert_int_eq(add(&r, "100.64.0.0/10", "172.16.0.1"), -ENETUNREACH);
	rig_fini(&r);
}
END_TEST

START_TEST(ipv6_routes_come_and_go)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	ck_assert_int_eq(add(&r, "2001:db8::/32", NULL), 0);
	ck_assert_int_eq(add(&r, "2001:db8::/32", NULL), 0);
	ck_assert_int_eq(add(&r, "2001:db9::1/128", "fd00::1"), 0);
	ck_assert_str_eq(netns_ask("ip -6 route show proto 108"),
	    "2001:db8::/32 dev tun0 metric 1024 pref medium\n"
	    "2001:db9::1 via fd00::1 dev tun0 metric 1024 pref medium");
	ck_assert_int_eq(delete(&r, "2001:db8::/32"), 0);
	ck_assert_int_eq(delete(&r, "2001:db8::/32"), 0);
	ck_assert_str_eq(netns_ask("ip -6 route show 2001:db8::/32"), "");
	rig_fini(&r);
}
END_TEST

START_TEST(nobody_else_may)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	ck_assert_int_eq(setuid(65534), 0);
	ck_assert_int_eq(add(&r, "192.168.0.0/16", NULL), -EPERM);
	ck_assert_int_eq(delete(&r, "10.1.1.0/24"), -EPERM);
	rig_fini(&r);
}
END_TEST

/* A machine's own route to the same place is neither taken away, nor deleted with ours. */
static const struct {
	const char *family, *to, *own;
} owns[] = {
	{ "-4", "192.168.0.0/16", "192.168.0.0/16 dev eth0" },
	{ "-4", "192.168.0.0/16", "192.168.0.0/16 dev eth0 proto static" },
	{ "-4", "192.168.0.0/16", "192.168.0.0/16 dev tun0 proto static" },	/* just as ours */
	{ "-6", "2001:db8::/32", "2001:db8::/32 dev eth0" },
	{ "-6", "2001:db8::/32", "2001:db8::/32 dev tun0 proto static" },
};

START_TEST(a_route_of_the_machines_own_stays)
{
	char command[100], show[100], before[300] = "";
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	snprintf(command, sizeof(command), "ip %s route add %s", owns[_i].family, owns[_i].own);
	netns_do(command);
	snprintf(show, sizeof(show), "ip %s route show %s", owns[_i].family, owns[_i].to);
	strncpy(before, netns_ask(show), sizeof(before) - 1);
	ck_assert_str_ne(before, "");
	ck_assert_int_eq(add(&r, owns[_i].to, NULL), 0);
	ck_assert_ptr_eq(strstr(netns_ask(show), before), netns_ask(show));	/* first as well */
	ck_assert_int_eq(delete(&r, owns[_i].to), 0);
	ck_assert_str_eq(netns_ask(show), before);
	ck_assert_int_eq(delete(&r, owns[_i].to), 0);	/* none of ours is there */
	ck_assert_str_eq(netns_ask(show), before);
	rig_fini(&r);
}
END_TEST

/* --- the way outside -------------------------------------------------------------------------- */

#define DEFAULT "ip route add default via 198.51.100.1"
#define DEFAULT6 "ip -6 route add default via 2001:db8:1::1"
#define VIA "via 198.51.100.1 dev eth0"

#define ROUTES "ip route show; ip -6 route show"

/* "via ADDRESS dev DEVICE onlink", without what is not there; or the error's name. */
static const char *
outside(struct rig *r, const char *addr, struct netcfg_hop *hop)
{
	static char text[120];
	struct ip_addr a = netns_addr(addr);
	char device[16] = "";
	int rc = netcfg_route_outside(r->net, &a, r->tun0, hop);

	if (rc < 0)
		return err_name(rc);
	if (hop->ifindex == 0)
		return "own";
	ck_assert_int_eq(netcfg_name(r->net, hop->ifindex, device), 0);
	snprintf(text, sizeof(text), "%s%s%sdev %s%s", hop->via.family == 0 ? "" : "via ",
	    hop->via.family == 0 ? "" : IP_TEXT(&hop->via), hop->via.family == 0 ? "" : " ",
	    device, hop->onlink ? " onlink" : "");
	return text;
}

static const struct {
	const char *routes, *addr, *way;
} ways[] = {
	{ "true", SERVER, "ENETUNREACH" },
	{ "true", SERVER6, "ENETUNREACH" },
	{ "true", "198.51.100.77", "dev eth0" },
	{ "true", "10.1.1.1", "ENETUNREACH" },		/* that is the tunnel */
	{ "true", "198.51.100.9", "own" },
	{ "true", "127.0.0.1", "own" },
	{ "true", "2001:db8:1::9", "own" },
	{ DEFAULT, SERVER, VIA },
	{ DEFAULT, "192.0.2.77", "dev eth1" },
	{ DEFAULT6, SERVER6, "via 2001:db8:1::1 dev eth0" },
	{ DEFAULT6, SERVER, "ENETUNREACH" },
	/* Past the tunnel, whoever has made the routes into it. */
	{ DEFAULT " && ip route add 0.0.0.0/1 dev tun0 proto 108 && "
	    "ip route add 128.0.0.0/1 dev tun0 proto 108", SERVER, VIA },
	{ DEFAULT " && ip route add 203.0.113.0/24 via 10.1.1.1", SERVER, VIA },
	{ DEFAULT6 " && ip -6 route add 2000::/3 dev tun0 proto 108", SERVER6,
	    "via 2001:db8:1::1 dev eth0" },
	{ "ip route add default dev tun0", SERVER, "ENETUNREACH" },
	/* A pin is what is to be found anew; another network's route of ours is a route. */
	{ DEFAULT " && ip route add " SERVER " via 192.0.2.1 proto 108", SERVER, VIA },
	{ DEFAULT6 " && ip -6 route add " SERVER6 " dev eth1 proto 108", SERVER6,
	    "via 2001:db8:1::1 dev eth0" },
	{ DEFAULT " && ip route add " SERVER " via 192.0.2.1", SERVER, "via 192.0.2.1 dev eth1" },
	{ DEFAULT " && ip route add 203.0.113.0/24 dev eth1 proto 108", SERVER, "dev eth1" },
	/* The longest prefix, then the lowest metric. */
	{ DEFAULT " && ip route add 203.0.0.0/8 via 192.0.2.1 && "
	    "ip route add 203.0.113.0/24 via 192.0.2.2 && ip route add 203.0.0.0/16 dev eth0",
	    SERVER, "via 192.0.2.2 dev eth1" },
	{ DEFAULT " metric 100 && ip route add default via 192.0.2.1 metric 50", SERVER,
	    "via 192.0.2.1 dev eth1" },
	{ DEFAULT " metric 50 && ip route add default via 192.0.2.1 metric 100", SERVER, VIA },
	{ DEFAULT " && ip route add 203.0.113.0/24 via 192.0.2.1 metric 900", SERVER,
	    "via 192.0.2.1 dev eth1" },
	{ DEFAULT " metric 4294967295", SERVER, VIA },
	/* What says "no" is an answer too. */
	{ DEFAULT " && ip route add unreachable 203.0.113.0/24", SERVER, "ENETUNREACH" },
	{ DEFAULT " && ip route add blackhole 203.0.0.0/8", SERVER, "ENETUNREACH" },
	{ DEFAULT " && ip route add unreachable default metric 900", SERVER, VIA },
	/* Not for these packets. */
	{ DEFAULT " && ip route add 203.0.113.0/24 via 192.0.2.1 tos 0x10", SERVER, VIA },
	{ DEFAULT " table 77", SERVER, "ENETUNREACH" },
	{ DEFAULT6 " && ip -6 route add 2001:db8:9::/48 from 2001:db8:1::5 dev eth1", SERVER6,
	    "via 2001:db8:1::1 dev eth0" },
	/* Several paths, some of them dead. */
	{ "ip route add default nexthop via 198.51.100.1 nexthop via 192.0.2.1", SERVER, VIA },
	{ "ip route add default nexthop via 10.1.1.1 nexthop via 192.0.2.1", SERVER,
	    "via 192.0.2.1 dev eth1" },
	{ "ip route add default nexthop via 198.51.100.1 nexthop via 192.0.2.1 && "
	    "ip link set eth0 down", SERVER, "via 192.0.2.1 dev eth1" },
	{ DEFAULT " metric 50 && ip route add default via 192.0.2.1 metric 100 && "
	    "ip link set eth0 down", SERVER, "via 192.0.2.1 dev eth1" },
	/* Gateways that no other route leads to. */
	{ "ip route add default via 172.31.1.1 dev eth0 onlink", SERVER,
	    "via 172.31.1.1 dev eth0 onlink" },
	{ "ip route add default nexthop via 172.31.1.1 dev eth0 onlink nexthop via 192.0.2.1",
	    SERVER, "via 172.31.1.1 dev eth0 onlink" },
	{ "ip -4 route add default via inet6 fe80::1 dev eth0", SERVER, "via fe80::1 dev eth0" },
	{ "ip -6 route add default via fe80::1 dev eth1", SERVER6, "via fe80::1 dev eth1" },
	{ "ip route add default dev eth1", SERVER, "dev eth1" },
};

/* It can be pinned: the kernel goes that way then. Without the pin all is as before. */
static void
check_pin(struct rig *r, const char *text, const struct netcfg_hop *hop)
{
	struct ip_addr addr = netns_addr(text);
	struct ip_prefix pin = { addr, (uint8_t) ip_bits(&addr) };
	char before[2000] = "", get[100], device[16], by[30];

	netns_do("ip route flush " SERVER " && ip -6 route flush " SERVER6);	/* the old pin */
	strncpy(before, netns_ask(ROUTES), sizeof(before) - 1);
	ck_assert_int_eq(netcfg_route_add(r->net, &pin, hop), 0);
	snprintf(get, sizeof(get), "ip route get %s | grep -o 'dev [a-z0-9]*'", text);
	ck_assert_int_eq(netcfg_name(r->net, hop->ifindex, device), 0);
	snprintf(by, sizeof(by), "dev %s", device);
	ck_assert_str_eq(netns_ask(get), by);
	ck_assert_int_eq(netcfg_route_delete(r->net, &pin, hop), 0);
	ck_assert_str_eq(netns_ask(ROUTES), before);
}

START_TEST(the_way_outside_is_found)
{
	struct netcfg_hop hop = { .ifindex = 0 };
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	netns_do(ways[_i].routes);
	ck_assert_str_eq(outside(&r, ways[_i].addr, &hop), ways[_i].way);
	if (hop.ifindex != 0)
		check_pin(&r, ways[_i].addr, &hop);
	rig_fini(&r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("netcfg_route");

	tcase_add_test(tc, routes_come_and_go);
	tcase_add_test(tc, ipv6_routes_come_and_go);
	tcase_add_test(tc, nobody_else_may);
	KIT_ROWS(tc, a_route_of_the_machines_own_stays, owns);
	KIT_ROWS(tc, the_way_outside_is_found, ways);
	return kit_run("tunneld/netcfg_route", tc);
}
