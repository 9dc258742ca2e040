/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/hostcfg.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/kit.h"
#include "tests/unit/tunneld/hostrig.h"

/* --- when the device is configured ------------------------------------------------------------ */

#define PIN SERVER " via 198.51.100.1 proto 108"

static const char *
way_to_server(void)
{
	return netns_ask("ip -o route get " SERVER " | cut -d' ' -f1-5");
}

START_TEST(everything_but_the_server_goes_through_the_tunnel)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	r.conf.redirect_gateway = true;
	hostrig_must_apply(&r);
	hostrig_must_apply(&r);
	ck_assert_str_eq(hostrig_routes("tun0"), "0.0.0.0/1 proto 108 scope link\n"
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
	ck_assert_str_eq(hostrig_routes("eth0"), ETH_ROUTES);
	ck_assert_uint_eq(r.journal.nroutes, 0);
	hostrig_fini(&r);
}
END_TEST

/* A crash: the journal is all that the next tunneld has. */
START_TEST(the_journal_undoes_it_after_a_crash)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	r.conf.redirect_gateway = true;
	hostrig_must_apply(&r);
	ck_assert_ptr_nonnull(strstr(hostrig_routes("eth0"), PIN));
	journal_close(&r.journal);
	ck_assert_int_eq(journal_open(KIT_PATH("journal"), &r.journal, &r.err), 0);
	ck_assert_uint_eq(r.journal.nroutes, 1);
	journal_undo_routes(&r.journal, r.net);
	ck_assert_str_eq(hostrig_routes("eth0"), ETH_ROUTES);
	journal_close(&r.journal);
	ck_assert_int_eq(journal_open(KIT_PATH("journal"), &r.journal, &r.err), 0);
	ck_assert_uint_eq(r.journal.nroutes, 0);
	hostrig_fini(&r);
}
END_TEST

START_TEST(another_server_is_pinned_too)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	hostrig_push(&r, SERVER "/32");
	hostrig_must_apply(&r);
	ck_assert_ptr_nonnull(strstr(hostrig_routes("eth0"), PIN));
	r.want.server = netns_addr("203.0.113.8");
	hostrig_push(&r, "203.0.113.8/32");
	hostrig_must_apply(&r);
	/* The old session receives a moment longer. */
	ck_assert_str_eq(netns_ask("ip route show dev eth0 proto 108"),
	    SERVER " via 198.51.100.1 \n203.0.113.8 via 198.51.100.1");
	ck_assert_uint_eq(r.journal.nroutes, 2);
	hostrig_fini(&r);
}
END_TEST

START_TEST(another_server_is_not_behind_the_tunnel)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	r.conf.redirect_gateway = true;
	hostrig_must_apply(&r);
	r.want.server = netns_addr("203.0.113.8");
	hostrig_must_apply(&r);
	ck_assert_str_eq(netns_ask("ip -o route get 203.0.113.8 | cut -d' ' -f1-5"),
	    "203.0.113.8 via 198.51.100.1 dev eth0");
	hostrig_fini(&r);
}
END_TEST

/* Whatever would lead the tunnel's own packets into it. */
START_TEST(a_pushed_route_does_not_catch_the_server)
{
	static const char *const catches[] = { "203.0.113.0/24", "203.0.113.7/32", "203.0.0.0/8" };
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	for (size_t i = 0; i < sizeof(catches) / sizeof(catches[0]); i++) {
		r.want.nroutes = 0;
		hostrig_push(&r, catches[i]);
		hostrig_must_apply(&r);
		ck_assert_str_eq(way_to_server(), SERVER " via 198.51.100.1 dev eth0");
	}
	hostcfg_undo(&r.host);
	ck_assert_str_eq(hostrig_routes("eth0"), ETH_ROUTES);
	hostrig_fini(&r);
}
END_TEST

START_TEST(nor_does_the_network_itself)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	r.want.address = netns_prefix("203.0.113.99/24");
	hostrig_must_apply(&r);
	ck_assert_str_eq(way_to_server(), SERVER " via 198.51.100.1 dev eth0");
	hostrig_fini(&r);
}
END_TEST

START_TEST(a_server_that_cannot_be_reached_is_told)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	netns_do("ip route del default");
	r.conf.redirect_gateway = true;
	ck_assert_int_eq(hostrig_apply(&r), -ENETUNREACH);
	ck_assert_ptr_nonnull(strstr(r.err.text, SERVER));
	ck_assert_uint_eq(r.journal.nroutes, 0);
	ck_assert_str_eq(hostrig_routes("tun0"), "");
	hostrig_fini(&r);
}
END_TEST

/* The administrator has pinned the server already: that route is not ours to delete. */
START_TEST(a_pin_of_the_machines_own_stays)
{
	struct hostrig r;
	char before[300] = "";

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	netns_do("ip route add " SERVER " via 198.51.100.1");
	strncpy(before, hostrig_routes("eth0"), sizeof(before) - 1);
	r.conf.redirect_gateway = true;
	hostrig_must_apply(&r);
	hostcfg_undo(&r.host);
	ck_assert_str_eq(hostrig_routes("eth0"), before);
	hostrig_fini(&r);
}
END_TEST

/* --- before each attempt ---------------------------------------------------------------------- */

#define PINS "ip route show proto 108 | grep -v tun0 | sed 's/ *$//'; true"
#define PINS6 "ip -6 route show proto 108 | grep -v tun0 | cut -d' ' -f1-5; true"

START_TEST(nobody_needs_a_way_where_nothing_is_caught)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	r.conf.redirect_gateway = true;
	ck_assert_int_eq(hostrig_way(&r, SERVER), 0);	/* nothing is in force yet */
	r.conf.redirect_gateway = false;
	hostrig_push(&r, "203.0.113.0/29");
	hostrig_must_apply(&r);
	ck_assert_int_eq(hostrig_way(&r, "203.0.113.8"), 0);	/* not in it */
	ck_assert_int_eq(hostrig_way(&r, SERVER6), 0);
	ck_assert_str_eq(netns_ask(PINS), SERVER " via 198.51.100.1 dev eth0");
	ck_assert_uint_eq(r.journal.nroutes, 1);
	netns_do("ip route del default");
	ck_assert_int_eq(hostrig_way(&r, "203.0.113.8"), 0);	/* whether there is one or not */
	hostrig_fini(&r);
}
END_TEST

/* The other family is not redirected. */
START_TEST(the_other_family_is_not_pinned)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	r.conf.redirect_gateway = true;
	r.want.server = netns_addr(SERVER6);
	hostrig_must_apply(&r);
	ck_assert_uint_eq(r.journal.nroutes, 0);
	hostrig_fini(&r);
}
END_TEST

START_TEST(a_second_server_gets_its_way)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	r.conf.redirect_gateway = true;
	hostrig_must_apply(&r);
	ck_assert_int_eq(hostrig_way(&r, "203.0.113.8"), 0);
	ck_assert_int_eq(hostrig_way(&r, "203.0.113.8"), 0);
	ck_assert_int_eq(hostrig_way(&r, SERVER), 0);
	ck_assert_str_eq(netns_ask(PINS), SERVER " via 198.51.100.1 dev eth0\n"
	    "203.0.113.8 via 198.51.100.1 dev eth0");
	hostcfg_undo(&r.host);
	ck_assert_str_eq(netns_ask(PINS), "");
	hostrig_fini(&r);
}
END_TEST

/* Where the machine's way leads now, the pin goes; the journal knows of the new one only. */
static const struct {
	const char *change, *pins, *pins6;
} moves[] = {
	{ "ip route replace default via 198.51.100.2 && "
	    "ip -6 route replace default via 2001:db8:1::2",
	    SERVER " via 198.51.100.2 dev eth0", SERVER6 " via 2001:db8:1::2 dev eth0" },
	{ "ip route replace default via 192.0.2.1 && ip -6 route replace default via 2001:db8:2::1",
	    SERVER " via 192.0.2.1 dev eth1", SERVER6 " via 2001:db8:2::1 dev eth1" },
	{ "ip link set eth0 down && ip route add default via 192.0.2.1 && "
	    "ip -6 route add default via 2001:db8:2::1",
	    SERVER " via 192.0.2.1 dev eth1", SERVER6 " via 2001:db8:2::1 dev eth1" },
	/* The pin has gone with the link. */
	{ "ip link set eth0 down && ip link set eth0 up && "
	    "ip route add default via 198.51.100.1 && "
	    "ip addr add 2001:db8:1::9/64 dev eth0 nodad && "
	    "ip -6 route add default via 2001:db8:1::1",
	    SERVER " via 198.51.100.1 dev eth0", SERVER6 " via 2001:db8:1::1 dev eth0" },
	/* The administrator has deleted it. */
	{ "ip route flush " SERVER " && ip -6 route flush " SERVER6,
	    SERVER " via 198.51.100.1 dev eth0", SERVER6 " via 2001:db8:1::1 dev eth0" },
	{ "true", SERVER " via 198.51.100.1 dev eth0", SERVER6 " via 2001:db8:1::1 dev eth0" },
};

static void
add_second_link(struct hostrig *r)
{
	r->more = netns_device("eth1");
	netns_do("ip link set eth1 up && ip addr add 192.0.2.9/24 dev eth1 && "
	    "ip addr add 2001:db8:1::9/64 dev eth0 nodad && "
	    "ip addr add 2001:db8:2::9/64 dev eth1 nodad && "
	    "ip -6 route add default via 2001:db8:1::1");
}

START_TEST(the_pin_follows_the_machine)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	add_second_link(&r);
	r.conf.redirect_gateway = true;
	hostrig_must_apply(&r);
	netns_do(moves[_i].change);
	ck_assert_int_eq(hostrig_way(&r, SERVER), 0);
	ck_assert_str_eq(netns_ask(PINS), moves[_i].pins);
	ck_assert_uint_eq(r.journal.nroutes, 1);
	hostcfg_undo(&r.host);
	ck_assert_str_eq(netns_ask(PINS), "");
	hostrig_fini(&r);
}
END_TEST

START_TEST(so_does_that_of_ipv6)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	add_second_link(&r);
	r.conf.redirect_gateway = true;
	r.want.address = netns_prefix("fd00::3/64");
	r.want.server = netns_addr(SERVER6);
	hostrig_must_apply(&r);
	netns_do(moves[_i].change);
	ck_assert_int_eq(hostrig_way(&r, SERVER6), 0);
	ck_assert_str_eq(netns_ask(PINS6), moves[_i].pins6);
	ck_assert_uint_eq(r.journal.nroutes, 1);
	hostcfg_undo(&r.host);
	ck_assert_str_eq(netns_ask(PINS6), "");
	hostrig_fini(&r);
}
END_TEST

START_TEST(a_new_session_renews_the_pin)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	r.conf.redirect_gateway = true;
	hostrig_must_apply(&r);
	netns_do("ip route replace default via 198.51.100.2");
	hostrig_must_apply(&r);
	ck_assert_str_eq(netns_ask(PINS), SERVER " via 198.51.100.2 dev eth0");
	hostrig_fini(&r);
}
END_TEST

START_TEST(a_pin_that_nobody_needs_any_more_goes)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	hostrig_push(&r, "203.0.113.0/24");
	hostrig_must_apply(&r);
	r.want.nroutes = 0;	/* the server does not push it any more */
	hostrig_must_apply(&r);
	ck_assert_int_eq(hostrig_way(&r, SERVER), 0);
	ck_assert_str_eq(hostrig_routes("eth0"), ETH_ROUTES);
	ck_assert_uint_eq(r.journal.nroutes, 0);
	hostrig_fini(&r);
}
END_TEST

START_TEST(without_a_way_the_pin_stays)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	r.conf.redirect_gateway = true;
	hostrig_must_apply(&r);
	netns_do("ip route del default");
	ck_assert_int_eq(hostrig_way(&r, SERVER), -ENETUNREACH);
	ck_assert_ptr_nonnull(strstr(r.err.text, SERVER));
	ck_assert_str_eq(netns_ask(PINS), SERVER " via 198.51.100.1 dev eth0");
	ck_assert_int_eq(hostrig_way(&r, "203.0.113.8"), -ENETUNREACH);
	ck_assert_uint_eq(r.journal.nroutes, 1);
	hostrig_fini(&r);
}
END_TEST

/* 203.0.113.7 is in use; of the others the oldest has to go each time. */
START_TEST(there_are_so_many_pins_and_no_more)
{
	char server[IP_TEXT_MAX];
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	r.conf.redirect_gateway = true;
	hostrig_must_apply(&r);
	for (int i = 11; i < 20; i++) {
		snprintf(server, sizeof(server), "203.0.113.%d", i);
		ck_assert_int_eq(hostrig_way(&r, server), 0);
		ck_assert_uint_le(r.journal.nroutes, JOURNAL_ROUTES_MAX);
	}
	ck_assert_str_eq(netns_ask(PINS), SERVER " via 198.51.100.1 dev eth0\n"
	    "203.0.113.17 via 198.51.100.1 dev eth0\n203.0.113.18 via 198.51.100.1 dev eth0\n"
	    "203.0.113.19 via 198.51.100.1 dev eth0");
	/* Also where it moves while all are taken. */
	netns_do("ip route replace default via 198.51.100.2");
	ck_assert_int_eq(hostrig_way(&r, SERVER), 0);
	ck_assert_ptr_nonnull(strstr(netns_ask(PINS), SERVER " via 198.51.100.2 dev eth0"));
	ck_assert_ptr_null(strstr(netns_ask(PINS), SERVER " via 198.51.100.1"));
	hostcfg_undo(&r.host);
	ck_assert_str_eq(netns_ask(PINS), "");
	hostrig_fini(&r);
}
END_TEST

START_TEST(what_cannot_be_written_down_is_not_done)
{
	struct hostrig r;
	int writable;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	r.conf.redirect_gateway = true;
	hostrig_must_apply(&r);
	writable = r.journal.fd;
	r.journal.fd = open(KIT_PATH("journal"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(hostrig_way(&r, "203.0.113.8"), -EIO);
	ck_assert_str_eq(netns_ask(PINS), SERVER " via 198.51.100.1 dev eth0");
	ck_assert_uint_eq(r.journal.nroutes, 1);
	close(r.journal.fd);
	r.journal.fd = writable;
	hostrig_fini(&r);
}
END_TEST

START_TEST(an_address_of_the_machine_itself_needs_no_pin)
{
	struct hostrig r;

	KIT_SKIP_UNLESS(hostrig_init(&r), NETNS_WHY);
	r.conf.redirect_gateway = true;
	r.want.server = netns_addr("198.51.100.9");
	hostrig_must_apply(&r);
	ck_assert_str_eq(netns_ask(PINS), "");
	ck_assert_uint_eq(r.journal.nroutes, 0);
	hostrig_fini(&r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("hostcfg_way");

	tcase_add_test(tc, everything_but_the_server_goes_through_the_tunnel);
	tcase_add_test(tc, the_journal_undoes_it_after_a_crash);
	tcase_add_test(tc, another_server_is_pinned_too);
	tcase_add_test(tc, another_server_is_not_behind_the_tunnel);
	tcase_add_test(tc, a_pushed_route_does_not_catch_the_server);
	tcase_add_test(tc, nor_does_the_network_itself);
	tcase_add_test(tc, a_server_that_cannot_be_reached_is_told);
	tcase_add_test(tc, a_pin_of_the_machines_own_stays);
	tcase_add_test(tc, nobody_needs_a_way_where_nothing_is_caught);
	tcase_add_test(tc, the_other_family_is_not_pinned);
	tcase_add_test(tc, a_second_server_gets_its_way);
	KIT_ROWS(tc, the_pin_follows_the_machine, moves);
	KIT_ROWS(tc, so_does_that_of_ipv6, moves);
	tcase_add_test(tc, a_new_session_renews_the_pin);
	tcase_add_test(tc, a_pin_that_nobody_needs_any_more_goes);
	tcase_add_test(tc, without_a_way_the_pin_stays);
	tcase_add_test(tc, there_are_so_many_pins_and_no_more);
	tcase_add_test(tc, what_cannot_be_written_down_is_not_done);
	tcase_add_test(tc, an_address_of_the_machine_itself_needs_no_pin);
	return kit_run("tunneld/hostcfg_way", tc);
}
