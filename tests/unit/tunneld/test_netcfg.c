/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/netcfg.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/kit.h"
#include "tests/unit/tunneld/netns.h"

/* A namespace with the device tun0, up with an MTU of 1400. */
struct rig {
	struct netcfg *net;
	int fd;
	unsigned ifindex;
};

static bool
rig_init(struct rig *r)
{
	struct err e = { 0 };

	if (!netns_enter())
		return false;
	r->fd = netns_device("tun0");
	ck_assert_msg(netcfg_open(&r->net, &e) == 0, "%s", e.text);
	ck_assert_int_eq(netcfg_index(r->net, "tun0", &r->ifindex), 0);
	ck_assert_int_eq(netcfg_link_up(r->net, r->ifindex, 1400), 0);
	return true;
}

static void
rig_fini(struct rig *r)
{
	netcfg_close(r->net);
	close(r->fd);
}

static int
set_address(struct rig *r, const char *text)
{
	struct ip_prefix p = netns_prefix(text);

	return netcfg_set_address(r->net, r->ifindex, &p);
}

static const char *
addresses(const char *family)
{
	char command[100];

	snprintf(command, sizeof(command),
	    "ip -o %s addr show dev tun0 scope global | awk '{printf \"%%s \", $4}'", family);
	return netns_ask(command);
}

static int
add_route(struct rig *r, const char *to, const char *via)
{
	struct netcfg_hop hop = { .ifindex = r->ifindex };
	struct ip_prefix p = netns_prefix(to);

	if (via != NULL)
		hop.via = netns_addr(via);
	return netcfg_route_add(r->net, &p, &hop);
}

static int
delete_route(struct rig *r, const char *to)
{
	struct netcfg_hop hop = { .ifindex = r->ifindex };
	struct ip_prefix p = netns_prefix(to);

	return netcfg_route_delete(r->net, &p, &hop);
}

/* --- devices ---------------------------------------------------------------------------------- */

START_TEST(devices_have_names_and_numbers)
{
	struct rig r;
	unsigned ifindex = 77;
	char name[16] = "same";

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	ck_assert_int_eq(netcfg_name(r.net, r.ifindex, name), 0);
	ck_assert_str_eq(name, "tun0");
	ck_assert_int_eq(netcfg_index(r.net, "lo", &ifindex), 0);
	ck_assert_uint_eq(ifindex, 1);
	ck_assert_int_eq(netcfg_index(r.net, "nowhere0", &ifindex), -ENODEV);
	ck_assert_uint_eq(ifindex, 1);
	ck_assert_int_eq(netcfg_name(r.net, 999, name), -ENODEV);
	ck_assert_str_eq(name, "tun0");
	rig_fini(&r);
}
END_TEST

START_TEST(the_longest_name_fits)
{
	struct rig r;
	unsigned ifindex;
	char name[16];
	int fd;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	fd = netns_device("fifteen-letters");
	ck_assert_int_eq(netcfg_index(r.net, "fifteen-letters", &ifindex), 0);
	ck_assert_int_eq(netcfg_name(r.net, ifindex, name), 0);
	ck_assert_str_eq(name, "fifteen-letters");
	close(fd);
	rig_fini(&r);
}
END_TEST

START_TEST(the_link_comes_up_with_its_mtu)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	ck_assert_ptr_nonnull(strstr(netns_ask("ip -o link show dev tun0"), "mtu 1400 "));
	ck_assert_ptr_nonnull(strstr(netns_ask("ip -o link show dev tun0"), ",UP,"));
	ck_assert_int_eq(netcfg_link_up(r.net, r.ifindex, 1280), 0);	/* once more */
	ck_assert_ptr_nonnull(strstr(netns_ask("ip -o link show dev tun0"), "mtu 1280 "));
	ck_assert_int_eq(netcfg_link_up(r.net, r.ifindex, 1), -EINVAL);
	ck_assert_int_eq(netcfg_link_up(r.net, 999, 1400), -ENODEV);
	rig_fini(&r);
}
END_TEST

START_TEST(a_device_is_deleted)
{
	struct rig r;
	unsigned ifindex;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	ck_assert_int_eq(netcfg_link_delete(r.net, r.ifindex), 0);
	ck_assert_int_eq(netcfg_index(r.net, "tun0", &ifindex), -ENODEV);
	ck_assert_int_eq(netcfg_link_delete(r.net, r.ifindex), -ENODEV);
	rig_fini(&r);
}
END_TEST

/* --- addresses -------------------------------------------------------------------------------- */

START_TEST(an_address_replaces_the_others)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	ck_assert_int_eq(set_address(&r, "10.1.1.3/24"), 0);
	ck_assert_str_eq(addresses("-4"), "10.1.1.3/24");
	ck_assert_int_eq(set_address(&r, "10.1.1.3/24"), 0);	/* the same again */
	ck_assert_str_eq(addresses("-4"), "10.1.1.3/24");
	ck_assert_int_eq(set_address(&r, "10.1.1.3/16"), 0);	/* only its length is another */
	ck_assert_str_eq(addresses("-4"), "10.1.1.3/16");
	netns_do("ip addr add 10.9.9.9/24 dev tun0 && ip addr add 10.1.2.2/16 dev tun0");
	ck_assert_int_eq(set_address(&r, "10.1.1.4/16"), 0);
	ck_assert_str_eq(addresses("-4"), "10.1.1.4/16");
	netns_do("ip addr add 10.1.1.5/16 dev tun0");	/* goes with the other one, if that goes */
	ck_assert_int_eq(set_address(&r, "10.1.1.5/16"), 0);
	ck_assert_str_eq(addresses("-4"), "10.1.1.5/16");
	rig_fini(&r);
}
END_TEST

START_TEST(families_do_not_touch_each_other)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	ck_assert_int_eq(set_address(&r, "10.1.1.3/24"), 0);
	ck_assert_int_eq(set_address(&r, "fd00::3/64"), 0);
	ck_assert_str_eq(addresses("-4"), "10.1.1.3/24");
	ck_assert_str_eq(addresses("-6"), "fd00::3/64");
	ck_assert_int_eq(set_address(&r, "fd00::4/112"), 0);
	ck_assert_str_eq(addresses("-6"), "fd00::4/112");
	ck_assert_str_eq(addresses("-4"), "10.1.1.3/24");
	/* Used at once: nobody waits for duplicates to be detected. */
	ck_assert_ptr_null(strstr(netns_ask("ip -6 addr show dev tun0"), "tentative"));
	ck_assert_ptr_nonnull(strstr(netns_ask("ip -6 addr show dev tun0"), "fe80::"));
	rig_fini(&r);
}
END_TEST

/* --- routes ----------------------------------------------------------------------------------- */

START_TEST(routes_come_and_go)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	ck_assert_int_eq(set_address(&r, "10.1.1.3/24"), 0);
	ck_assert_int_eq(add_route(&r, "192.168.77.1/16", NULL), 0);	/* the host bits go */
	ck_assert_int_eq(add_route(&r, "192.168.0.0/16", NULL), 0);	/* it is there already */
	ck_assert_int_eq(add_route(&r, "203.0.113.9/32", "10.1.1.1"), 0);
	ck_assert_int_eq(add_route(&r, "0.0.0.0/1", NULL), 0);
	ck_assert_str_eq(netns_ask("ip route show proto static"),
	    "0.0.0.0/1 dev tun0 scope link \n192.168.0.0/16 dev tun0 scope link \n"
	    "203.0.113.9 via 10.1.1.1 dev tun0");
	ck_assert_int_eq(delete_route(&r, "192.168.0.0/16"), 0);
	ck_assert_int_eq(delete_route(&r, "192.168.0.0/16"), 0);	/* not there: fine */
	ck_assert_str_eq(netns_ask("ip route show 192.168.0.0/16"), "");
	ck_assert_int_eq(add_route(&r, "198.51.100.0/24", "172.16.0.1"), -ENETUNREACH);
	rig_fini(&r);
}
END_TEST

START_TEST(ipv6_routes_come_and_go)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	ck_assert_int_eq(set_address(&r, "fd00::3/64"), 0);
	ck_assert_int_eq(add_route(&r, "2001:db8::/32", NULL), 0);
	ck_assert_int_eq(add_route(&r, "2001:db8::/32", NULL), 0);
	ck_assert_int_eq(add_route(&r, "2001:db9::1/128", "fd00::1"), 0);
	ck_assert_str_eq(netns_ask("ip -6 route show proto static"),
	    "2001:db8::/32 dev tun0 metric 1024 pref medium\n"
	    "2001:db9::1 via fd00::1 dev tun0 metric 1024 pref medium");
	ck_assert_int_eq(delete_route(&r, "2001:db8::/32"), 0);
	ck_assert_int_eq(delete_route(&r, "2001:db8::/32"), 0);
	ck_assert_str_eq(netns_ask("ip -6 route show 2001:db8::/32"), "");
	rig_fini(&r);
}
END_TEST

/* A machine's own route to the same place is neither taken away, nor deleted with ours. */
static const struct {
	const char *family, *address, *to, *own, *inside;
} owns[] = {
	{ "-4", "10.1.1.3/24", "192.168.0.0/16", "192.168.0.0/16 dev eth0", "192.168.1.1" },
	{ "-6", "fd00::3/64", "2001:db8::/32", "2001:db8::/32 dev eth0", "2001:db8::1" },
};

START_TEST(a_route_of_the_machines_own_stays)
{
	char add[100], show[100], before[300];
	struct ip_addr inside = netns_addr(owns[_i].inside);
	struct netcfg_hop hop;
	unsigned eth0;
	struct rig r;
	int fd;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	fd = netns_device("eth0");
	snprintf(add, sizeof(add), "ip link set eth0 up && ip %s route add %s", owns[_i].family,
	    owns[_i].own);
	snprintf(show, sizeof(show), "ip %s route show %s dev eth0", owns[_i].family, owns[_i].to);
	netns_do(add);
	strncpy(before, netns_ask(show), sizeof(before) - 1);
	ck_assert_str_ne(before, "");
	ck_assert_int_eq(set_address(&r, owns[_i].address), 0);
	ck_assert_int_eq(add_route(&r, owns[_i].to, NULL), 0);
	ck_assert_str_eq(netns_ask(show), before);
	ck_assert_int_eq(netcfg_index(r.net, "eth0", &eth0), 0);
	ck_assert_int_eq(netcfg_route_get(r.net, &inside, &hop), 0);
	ck_assert_uint_eq(hop.ifindex, eth0);
	ck_assert_int_eq(delete_route(&r, owns[_i].to), 0);
	ck_assert_str_eq(netns_ask(show), before);
	close(fd);
	rig_fini(&r);
}
END_TEST

START_TEST(the_kernel_says_where_packets_go)
{
	struct ip_addr far = netns_addr("203.0.113.9"), near = netns_addr("10.1.1.9");
	struct ip_addr six = netns_addr("2001:db8::9"), via = netns_addr("10.1.1.1");
	struct netcfg_hop hop = { .ifindex = 77 };
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	ck_assert_int_eq(netcfg_route_get(r.net, &far, &hop), -ENETUNREACH);
	ck_assert_int_lt(netcfg_route_get(r.net, &six, &hop), 0);
	ck_assert_uint_eq(hop.ifindex, 77);
	ck_assert_int_eq(set_address(&r, "10.1.1.3/24"), 0);
	ck_assert_int_eq(netcfg_route_get(r.net, &near, &hop), 0);
	ck_assert_uint_eq(hop.ifindex, r.ifindex);
	ck_assert_uint_eq(hop.via.family, 0);
	netns_do("ip route add default via 10.1.1.1");
	ck_assert_int_eq(netcfg_route_get(r.net, &far, &hop), 0);
	ck_assert_uint_eq(hop.ifindex, r.ifindex);
	ck_assert(ip_equal(&hop.via, &via));
	netns_do("ip addr add fd00::3/64 dev tun0 nodad && ip -6 route add default via fd00::1");
	ck_assert_int_eq(netcfg_route_get(r.net, &six, &hop), 0);
	via = netns_addr("fd00::1");
	ck_assert(ip_equal(&hop.via, &via));
	rig_fini(&r);
}
END_TEST

START_TEST(nobody_else_may)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	ck_assert_int_eq(setuid(65534), 0);
	ck_assert_int_eq(netcfg_link_up(r.net, r.ifindex, 1400), -EPERM);
	ck_assert_int_eq(set_address(&r, "10.1.1.3/24"), -EPERM);
	ck_assert_int_eq(add_route(&r, "192.168.0.0/16", NULL), -EPERM);
	ck_assert_int_eq(netcfg_link_delete(r.net, r.ifindex), -EPERM);
	rig_fini(&r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("netcfg");

	tcase_add_test(tc, devices_have_names_and_numbers);
	tcase_add_test(tc, the_longest_name_fits);
	tcase_add_test(tc, the_link_comes_up_with_its_mtu);
	tcase_add_test(tc, a_device_is_deleted);
	tcase_add_test(tc, an_address_replaces_the_others);
	tcase_add_test(tc, families_do_not_touch_each_other);
	tcase_add_test(tc, routes_come_and_go);
	tcase_add_test(tc, ipv6_routes_come_and_go);
	KIT_ROWS(tc, a_route_of_the_machines_own_stays, owns);
	tcase_add_test(tc, the_kernel_says_where_packets_go);
	tcase_add_test(tc, nobody_else_may);
	return kit_run("tunneld/netcfg", tc);
}
