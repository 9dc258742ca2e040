/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/hostcfg.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/kit.h"
#include "tests/unit/tunneld/hostrig.h"

/* --- what is refused -------------------------------------------------------------------------- */

static struct ip_prefix
odd(const char *addr, uint8_t len)
{
	return (struct ip_prefix){ netns_addr(addr), len };
}

#define CHANGE(name, ...)                                                                          \
	static void name(struct monitor_configure *w)                                              \
	{                                                                                          \
		__VA_ARGS__;                                                                       \
	}
#define ROUTE(name, text) CHANGE(name, w->routes[w->nroutes++] = netns_prefix(text))

CHANGE(address_none, w->address = (struct ip_prefix){ .len = 24 })
CHANGE(address_family, w->address.addr.family = 77)
CHANGE(address_any, w->address = netns_prefix("0.0.0.0/24"))
CHANGE(address_loopback, w->address = netns_prefix("127.0.0.2/24"))
CHANGE(address_disguised, w->address = netns_prefix("127.0.0.2/24"); w->address.addr.b[15] = 1)
CHANGE(address_group, w->address = netns_prefix("224.0.0.1/24"))
CHANGE(address_broadcast, w->address = netns_prefix("255.255.255.255/32"))
CHANGE(address_wide, w->address = netns_prefix("10.1.1.3/7"))
CHANGE(address_length, w->address = odd("10.1.1.3", 33))
CHANGE(address_v6_loopback, w->address = netns_prefix("::1/128"))
CHANGE(address_v6_link, w->address = netns_prefix("fe80::1/64"))
CHANGE(address_v6_length, w->address = odd("fd00::1", 129))
CHANGE(mtu_none, w->mtu = 0)
CHANGE(mtu_small, w->mtu = 575)
CHANGE(mtu_large, w->mtu = 9001)
CHANGE(mtu_huge, w->mtu = UINT32_MAX)
CHANGE(routes_many, w->nroutes = CONTROL_ROUTES_MAX + 1)
CHANGE(routes_huge, w->nroutes = UINT32_MAX)
CHANGE(route_none, w->nroutes = 1)
CHANGE(route_length, w->routes[w->nroutes++] = odd("192.168.0.0", 33))
ROUTE(route_default, "0.0.0.0/0")
ROUTE(route_low_half, "0.0.0.0/1")
ROUTE(route_high_half, "128.0.0.0/1")
ROUTE(route_wide, "16.0.0.0/4")
ROUTE(route_loopback, "127.0.0.0/8")
ROUTE(route_around_loopback, "126.0.0.0/7")
ROUTE(route_in_loopback, "127.0.0.53/32")
CHANGE(route_disguised, w->routes[w->nroutes] = netns_prefix("127.0.0.53/32");
    w->routes[w->nroutes++].addr.b[15] = 1)
ROUTE(route_link, "169.254.169.254/32")
ROUTE(route_around_link, "169.0.0.0/8")
ROUTE(route_group, "224.0.0.0/4")
ROUTE(route_broadcast, "255.255.255.255/32")
ROUTE(route_any, "0.0.0.0/32")
ROUTE(route_v6_default, "::/0")
ROUTE(route_v6_half, "8000::/1")
ROUTE(route_v6_global, "2000::/3")
ROUTE(route_v6_loopback, "::1/128")
ROUTE(route_v6_mapped, "::ffff:0:0/96")
ROUTE(route_v6_link, "fe80::/64")
ROUTE(route_v6_group, "ff02::/16")

/* Bytes behind an IPv4 address make it unlike those that are compared with it. */
CHANGE(address_padded, w->address = netns_prefix("127.0.0.2/24"); w->address.addr.b[15] = 1)
CHANGE(route_padded, w->routes[0] = netns_prefix("127.0.0.0/8"); w->routes[0].addr.b[4] = 1;
    w->nroutes = 1)
CHANGE(server_family, w->server.family = 77)
CHANGE(server_none, w->server.family = 0)

static void (*const refusals[])(struct monitor_configure *w) = {
	address_padded, route_padded, server_family, server_none,
	address_none, address_family, address_any, address_loopback, address_group,
	address_broadcast, address_wide, address_length, address_v6_loopback, address_v6_link,
	address_v6_length, address_disguised, route_disguised, mtu_none, mtu_small, mtu_large,
	mtu_huge, routes_many, routes_huge, route_none, route_length, route_default,
	route_low_half, route_high_half, route_wide, route_loopback, route_around_loopback,
	route_in_loopback, route_link, route_around_link, route_group, route_broadcast, route_any,
	route_v6_default, route_v6_half, route_v6_global, route_v6_loopback, route_v6_mapped,
	route_v6_link, route_v6_group,
};

START_TEST(what_no_server_may_ask_changes_nothing)
{
	struct monitor_configure good;
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	r.conf.redirect_gateway = true;
	good = r.want;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		r.want = good;
		refusals[i](&r.want);
		r.err.text[0] = '\0';
		ck_assert_msg(hostrig_apply(&r) == -EINVAL, "row %zu is not refused", i);
		ck_assert_str_ne(r.err.text, "");
	}
	ck_assert_str_eq(netns_ask("ip addr show dev tun0 | grep -c inet; true"), "0");
	ck_assert_str_eq(netns_ask("ip -o link show dev tun0 | grep -c ,UP; true"), "0");
	ck_assert_str_eq(hostrig_routes("eth0"), ETH_ROUTES);
	ck_assert_uint_eq(r.journal.nroutes, 0);
	hostrig_fini(&r);
}
END_TEST

/* --- address, MTU, routes --------------------------------------------------------------------- */

START_TEST(the_device_gets_what_is_pushed)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	hostrig_push(&r, "192.168.0.0/16");
	hostrig_push(&r, "172.16.5.5/32");
	hostrig_must_apply(&r);
	hostrig_must_apply(&r);		/* each new session says it again */
	ck_assert_str_eq(hostrig_routes("tun0"),
	    "10.1.1.0/24 proto kernel scope link src 10.1.1.3\n"
	    "172.16.5.5 proto 108 scope link\n192.168.0.0/16 proto 108 scope link");
	ck_assert_ptr_nonnull(strstr(netns_ask("ip -o link show dev tun0"), "mtu 1400 "));
	/* Nothing outside of the device is touched. */
	ck_assert_str_eq(hostrig_routes("eth0"), ETH_ROUTES);
	ck_assert_uint_eq(r.journal.nroutes, 0);
	hostrig_fini(&r);
}
END_TEST

START_TEST(what_is_not_pushed_any_more_goes)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	hostrig_push(&r, "192.168.0.0/16");
	hostrig_push(&r, "172.16.0.0/12");
	hostrig_must_apply(&r);
	r.want.nroutes = 0;
	hostrig_push(&r, "172.16.0.0/12");
	hostrig_push(&r, "100.64.0.0/10");
	r.want.address = netns_prefix("10.1.2.4/24");	/* the network was made anew */
	r.want.mtu = 1300;
	hostrig_must_apply(&r);
	ck_assert_str_eq(hostrig_routes("tun0"),
	    "10.1.2.0/24 proto kernel scope link src 10.1.2.4\n"
	    "100.64.0.0/10 proto 108 scope link\n172.16.0.0/12 proto 108 scope link");
	ck_assert_ptr_nonnull(strstr(netns_ask("ip -o link show dev tun0"), "mtu 1300 "));
	hostrig_fini(&r);
}
END_TEST

START_TEST(ipv6_is_configured)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	r.want.address = netns_prefix("fd00::3/64");
	hostrig_push(&r, "fd00:9::/32");
	hostrig_push(&r, "192.168.0.0/16");
	hostrig_must_apply(&r);
	ck_assert_ptr_nonnull(strstr(netns_ask("ip addr show dev tun0"), "fd00::3/64"));
	ck_assert_ptr_nonnull(strstr(netns_ask("ip -6 route show dev tun0"), "fd00:9::/32 "));
	hostrig_fini(&r);
}
END_TEST

static const struct {
	bool accept;
	int64_t mtu;
	const char *routes, *link;
} choices[] = {
	{ true, 0, "192.168.0.0/16 scope link", "mtu 1400 " },
	{ false, 0, "", "mtu 1400 " },
	{ true, 1200, "192.168.0.0/16 scope link", "mtu 1200 " },
	{ true, 1500, "192.168.0.0/16 scope link", "mtu 1400 " },
};

START_TEST(the_node_has_its_say)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	hostrig_push(&r, "192.168.0.0/16");
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		r.conf.accept_routes = choices[i].accept;
		r.conf.mtu = choices[i].mtu;
		hostrig_must_apply(&r);
		ck_assert_str_eq(netns_ask("ip route show dev tun0 proto 108"),
		    choices[i].routes);
		ck_assert_ptr_nonnull(strstr(netns_ask("ip -o link show dev tun0"),
		    choices[i].link));
	}
	hostrig_fini(&r);
}
END_TEST

START_TEST(routes_of_the_machines_own_stay)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	hostrig_push(&r, "198.51.100.0/24");	/* the network that the node itself is in */
	hostrig_must_apply(&r);
	ck_assert_str_eq(netns_ask("ip -o route get 198.51.100.77 | cut -d' ' -f3"), "eth0");
	close(r.tun);
	r.tun = -1;
	ck_assert_str_eq(hostrig_routes("eth0"), ETH_ROUTES);
	hostrig_fini(&r);
}
END_TEST

START_TEST(a_failure_is_told_and_can_be_mended)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	hostrig_push(&r, "192.168.0.0/16");
	hostrig_push(&r, "fd00:9::/32");	/* cannot be set: */
	netns_do("sysctl -q net.ipv6.conf.tun0.disable_ipv6=1");
	ck_assert_int_lt(hostrig_apply(&r), 0);
	ck_assert_ptr_nonnull(strstr(r.err.text, "fd00:9::/32"));
	r.want.nroutes = 0;
	hostrig_push(&r, "172.16.0.0/12");
	hostrig_must_apply(&r);		/* what was set half way does not stay */
	ck_assert_str_eq(hostrig_routes("tun0"),
	    "10.1.1.0/24 proto kernel scope link src 10.1.1.3\n"
	    "172.16.0.0/12 proto 108 scope link");
	hostrig_fini(&r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("hostcfg");

	tcase_add_test(tc, what_no_server_may_ask_changes_nothing);
	tcase_add_test(tc, the_device_gets_what_is_pushed);
	tcase_add_test(tc, what_is_not_pushed_any_more_goes);
	tcase_add_test(tc, ipv6_is_configured);
	tcase_add_test(tc, the_node_has_its_say);
	tcase_add_test(tc, routes_of_the_machines_own_stay);
	tcase_add_test(tc, a_failure_is_told_and_can_be_mended);
	return kit_run("tunneld/hostcfg", tc);
}
