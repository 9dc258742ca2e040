/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/hostcfg.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/netns.h"

/*
 * A node in a namespace of its own:
 *
 *     tun0 (tunnel) NODE eth0 198.51.100.9/24 --- 198.51.100.1 (default) --- 203.0.113.7 (server)
 */
#define SERVER "203.0.113.7"

struct rig {
	struct netcfg *net;
	struct journal journal;
	struct conf_client conf;
	struct hostcfg host;
	struct monitor_configure want;
	struct err err;
	int tun, eth;
};

static bool
rig_init(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	log_set_level(LOG_LV_ERR);
	if (!netns_enter())
		return false;
	r->tun = netns_device("tun0");
	r->eth = netns_device("eth0");
	netns_do("ip link set eth0 up && ip addr add 198.51.100.9/24 dev eth0 && "
	    "ip route add default via 198.51.100.1");
	ck_assert_int_eq(netcfg_open(&r->net, &r->err), 0);
	unlink(KIT_PATH("journal"));
	ck_assert_int_eq(journal_open(KIT_PATH("journal"), &r->journal, &r->err), 0);
	r->conf = (struct conf_client){ .accept_routes = true, .device = (char *) "tun0" };
	r->host = (struct hostcfg){ .net = r->net, .journal = &r->journal, .conf = &r->conf };
	ck_assert_int_eq(netcfg_index(r->net, "tun0", &r->host.ifindex), 0);
	r->want = (struct monitor_configure){ .address = netns_prefix("10.1.1.3/24"), .mtu = 1400,
		.server = netns_addr(SERVER) };
	return true;
}

static void
rig_fini(struct rig *r)
{
	journal_close(&r->journal);
	netcfg_close(r->net);
	close(r->tun);
	close(r->eth);
}

static void
push(struct rig *r, const char *route)
{
	r->want.routes[r->want.nroutes++] = netns_prefix(route);
}

static int
apply(struct rig *r)
{
	return hostcfg_apply(&r->host, &r->want, &r->err);
}

static void
must_apply(struct rig *r)
{
	ck_assert_msg(apply(r) == 0, "%s", r->err.text);
}

/* What the main table has by this device. */
static const char *
routes(const char *device)
{
	char command[100];

	snprintf(command, sizeof(command), "ip route show dev %s | sed 's/ *$//'", device);
	return netns_ask(command);
}

#define ETH_ROUTES                                                                                 \
	"default via 198.51.100.1\n198.51.100.0/24 proto kernel scope link src 198.51.100.9"

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

static void (*const refusals[])(struct monitor_configure *w) = {
	address_none, address_family, address_any, address_loopback, address_group,
	address_broadcast, address_wide, address_length, address_v6_loopback, address_v6_link,
	address_v6_length, mtu_none, mtu_small, mtu_large, mtu_huge, routes_many, routes_huge,
	route_none, route_length, route_default, route_low_half, route_high_half, route_wide,
	route_loopback, route_around_loopback, route_in_loopback, route_link, route_around_link,
	route_group, route_broadcast, route_any, route_v6_default, route_v6_half, route_v6_global,
	route_v6_loopback, route_v6_mapped, route_v6_link, route_v6_group,
};

START_TEST(what_no_server_may_ask_changes_nothing)
{
	struct monitor_configure good;
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	r.conf.redirect_gateway = true;
	good = r.want;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		r.want = good;
		refusals[i](&r.want);
		r.err.text[0] = '\0';
		ck_assert_msg(apply(&r) == -EINVAL, "row %zu is not refused", i);
		ck_assert_str_ne(r.err.text, "");
	}
	ck_assert_str_eq(netns_ask("ip addr show dev tun0 | grep -c inet; true"), "0");
	ck_assert_str_eq(netns_ask("ip -o link show dev tun0 | grep -c ,UP; true"), "0");
	ck_assert_str_eq(routes("eth0"), ETH_ROUTES);
	ck_assert_uint_eq(r.journal.nroutes, 0);
	rig_fini(&r);
}
END_TEST

/* --- address, MTU, routes --------------------------------------------------------------------- */

START_TEST(the_device_gets_what_is_pushed)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	push(&r, "192.168.0.0/16");
	push(&r, "172.16.5.5/32");
	must_apply(&r);
	must_apply(&r);		/* each new session says it again */
	ck_assert_str_eq(routes("tun0"), "10.1.1.0/24 proto kernel scope link src 10.1.1.3\n"
	    "172.16.5.5 proto 108 scope link\n192.168.0.0/16 proto 108 scope link");
	ck_assert_ptr_nonnull(strstr(netns_ask("ip -o link show dev tun0"), "mtu 1400 "));
	/* Nothing outside of the device is touched. */
	ck_assert_str_eq(routes("eth0"), ETH_ROUTES);
	ck_assert_uint_eq(r.journal.nroutes, 0);
	rig_fini(&r);
}
END_TEST

START_TEST(what_is_not_pushed_any_more_goes)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	push(&r, "192.168.0.0/16");
	push(&r, "172.16.0.0/12");
	must_apply(&r);
	r.want.nroutes = 0;
	push(&r, "172.16.0.0/12");
	push(&r, "100.64.0.0/10");
	r.want.address = netns_prefix("10.1.2.4/24");	/* the network was made anew */
	r.want.mtu = 1300;
	must_apply(&r);
	ck_assert_str_eq(routes("tun0"), "10.1.2.0/24 proto kernel scope link src 10.1.2.4\n"
	    "100.64.0.0/10 proto 108 scope link\n172.16.0.0/12 proto 108 scope link");
	ck_assert_ptr_nonnull(strstr(netns_ask("ip -o link show dev tun0"), "mtu 1300 "));
	rig_fini(&r);
}
END_TEST

START_TEST(ipv6_is_configured)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	r.want.address = netns_prefix("fd00::3/64");
	push(&r, "fd00:9::/32");
	push(&r, "192.168.0.0/16");
	must_apply(&r);
	ck_assert_ptr_nonnull(strstr(netns_ask("ip addr show dev tun0"), "fd00::3/64"));
	ck_assert_ptr_nonnull(strstr(netns_ask("ip -6 route show dev tun0"), "fd00:9::/32 "));
	rig_fini(&r);
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
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	push(&r, "192.168.0.0/16");
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		r.conf.accept_routes = choices[i].accept;
		r.conf.mtu = choices[i].mtu;
		must_apply(&r);
		ck_assert_str_eq(netns_ask("ip route show dev tun0 proto 108"),
		    choices[i].routes);
		ck_assert_ptr_nonnull(strstr(netns_ask("ip -o link show dev tun0"),
		    choices[i].link));
	}
	rig_fini(&r);
}
END_TEST

START_TEST(routes_of_the_machines_own_stay)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	push(&r, "198.51.100.0/24");	/* the network that the node itself is in */
	must_apply(&r);
	ck_assert_str_eq(netns_ask("ip -o route get 198.51.100.77 | cut -d' ' -f3"), "eth0");
	close(r.tun);
	r.tun = -1;
	ck_assert_str_eq(routes("eth0"), ETH_ROUTES);
	rig_fini(&r);
}
END_TEST

START_TEST(a_failure_is_told_and_can_be_mended)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	push(&r, "192.168.0.0/16");
	push(&r, "fd00:9::/32");	/* cannot be set: */
	netns_do("sysctl -q net.ipv6.conf.tun0.disable_ipv6=1");
	ck_assert_int_lt(apply(&r), 0);
	ck_assert_ptr_nonnull(strstr(r.err.text, "fd00:9::/32"));
	r.want.nroutes = 0;
	push(&r, "172.16.0.0/12");
	must_apply(&r);		/* what was set half way does not stay */
	ck_assert_str_eq(routes("tun0"), "10.1.1.0/24 proto kernel scope link src 10.1.1.3\n"
	    "172.16.0.0/12 proto 108 scope link");
	rig_fini(&r);
}
END_TEST

/* --- the way to the server -------------------------------------------------------------------- */

#define PIN SERVER " via 198.51.100.1 proto 108"

static const char *
way_to_server(void)
{
	return netns_ask("ip -o route get " SERVER " | cut -d' ' -f1-5");
}

START_TEST(everything_but_the_server_goes_through_the_tunnel)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	r.conf.redirect_gateway = true;
	must_apply(&r);
	must_apply(&r);
	ck_assert_str_eq(routes("tun0"), "0.0.0.0/1 proto 108 scope link\n"
	    "10.1.1.0/24 proto kernel scope link src 10.1.1.3\n"
	    "128.0.0.0/1 proto 108 scope link");
	ck_assert_str_eq(way_to_server(), SERVER " via 198.51.100.1 dev eth0");
	ck_assert_str_eq(netns_ask("ip -o route get 192.0.2.1 | cut -d' ' -f1-3"),
	    "192.0.2.1 dev tun0");
	ck_assert_uint_eq(r.journal.nroutes, 1);
	ck_assert_ptr_nonnull(strstr(netns_ask("ip route show default"), "198.51.100.1"));
	hostcfg_undo(&r.host);
	close(r.tun);		/* and the rest goes with the device */
	r.tun = -1;
	ck_assert_str_eq(routes("eth0"), ETH_ROUTES);
	ck_assert_uint_eq(r.journal.nroutes, 0);
	rig_fini(&r);
}
END_TEST

/* A crash: the journal is all that the next tunneld has. */
START_TEST(the_journal_undoes_it_after_a_crash)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	r.conf.redirect_gateway = true;
	must_apply(&r);
	ck_assert_ptr_nonnull(strstr(routes("eth0"), PIN));
	journal_close(&r.journal);
	ck_assert_int_eq(journal_open(KIT_PATH("journal"), &r.journal, &r.err), 0);
	ck_assert_uint_eq(r.journal.nroutes, 1);
	journal_undo_routes(&r.journal, r.net);
	ck_assert_str_eq(routes("eth0"), ETH_ROUTES);
	journal_close(&r.journal);
	ck_assert_int_eq(journal_open(KIT_PATH("journal"), &r.journal, &r.err), 0);
	ck_assert_uint_eq(r.journal.nroutes, 0);
	rig_fini(&r);
}
END_TEST

START_TEST(another_server_is_pinned_instead)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	push(&r, SERVER "/32");
	must_apply(&r);
	ck_assert_ptr_nonnull(strstr(routes("eth0"), PIN));
	r.want.server = netns_addr("203.0.113.8");
	push(&r, "203.0.113.8/32");
	must_apply(&r);
	ck_assert_str_eq(netns_ask("ip route show dev eth0 proto 108"),
	    "203.0.113.8 via 198.51.100.1");
	ck_assert_uint_eq(r.journal.nroutes, 1);
	rig_fini(&r);
}
END_TEST

START_TEST(another_server_is_not_behind_the_tunnel)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	r.conf.redirect_gateway = true;
	must_apply(&r);
	r.want.server = netns_addr("203.0.113.8");
	must_apply(&r);
	ck_assert_str_eq(netns_ask("ip -o route get 203.0.113.8 | cut -d' ' -f1-5"),
	    "203.0.113.8 via 198.51.100.1 dev eth0");
	rig_fini(&r);
}
END_TEST

/* Whatever would lead the tunnel's own packets into it. */
START_TEST(a_pushed_route_does_not_catch_the_server)
{
	static const char *const catches[] = { "203.0.113.0/24", "203.0.113.7/32", "203.0.0.0/8" };
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	for (size_t i = 0; i < sizeof(catches) / sizeof(catches[0]); i++) {
		r.want.nroutes = 0;
		push(&r, catches[i]);
		must_apply(&r);
		ck_assert_str_eq(way_to_server(), SERVER " via 198.51.100.1 dev eth0");
	}
	hostcfg_undo(&r.host);
	ck_assert_str_eq(routes("eth0"), ETH_ROUTES);
	rig_fini(&r);
}
END_TEST

START_TEST(nor_does_the_network_itself)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	r.want.address = netns_prefix("203.0.113.99/24");
	must_apply(&r);
	ck_assert_str_eq(way_to_server(), SERVER " via 198.51.100.1 dev eth0");
	rig_fini(&r);
}
END_TEST

START_TEST(a_server_that_cannot_be_reached_is_told)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	netns_do("ip route del default");
	r.conf.redirect_gateway = true;
	ck_assert_int_eq(apply(&r), -ENETUNREACH);
	ck_assert_ptr_nonnull(strstr(r.err.text, SERVER));
	ck_assert_uint_eq(r.journal.nroutes, 0);
	ck_assert_str_eq(routes("tun0"), "");
	rig_fini(&r);
}
END_TEST

/* The administrator has pinned the server already: that route is not ours to delete. */
START_TEST(a_pin_of_the_machines_own_stays)
{
	struct rig r;
	char before[300] = "";

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	netns_do("ip route add " SERVER " via 198.51.100.1");
	strncpy(before, routes("eth0"), sizeof(before) - 1);
	r.conf.redirect_gateway = true;
	must_apply(&r);
	hostcfg_undo(&r.host);
	ck_assert_str_eq(routes("eth0"), before);
	rig_fini(&r);
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
	tcase_add_test(tc, everything_but_the_server_goes_through_the_tunnel);
	tcase_add_test(tc, the_journal_undoes_it_after_a_crash);
	tcase_add_test(tc, another_server_is_pinned_instead);
	tcase_add_test(tc, another_server_is_not_behind_the_tunnel);
	tcase_add_test(tc, a_pushed_route_does_not_catch_the_server);
	tcase_add_test(tc, nor_does_the_network_itself);
	tcase_add_test(tc, a_server_that_cannot_be_reached_is_told);
	tcase_add_test(tc, a_pin_of_the_machines_own_stays);
	return kit_run("tunneld/hostcfg", tc);
}
