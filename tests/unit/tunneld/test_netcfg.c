/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/netcfg.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemons/tunneld/netcfg_watch.h"
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

/* Not loopback, not what is down, not our own. */
START_TEST(the_widest_link_is_found)
{
	struct rig r;
	unsigned mtu = 1;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	netns_do("ip link set lo up");
	ck_assert_int_eq(netcfg_widest(r.net, 0, &mtu), 0);
	ck_assert_uint_eq(mtu, 1400);
	ck_assert_int_eq(netcfg_widest(r.net, r.ifindex, &mtu), 0);
	ck_assert_uint_eq(mtu, 0);
	netns_do("ip link add v0 mtu 1500 type veth peer name v1 mtu 9000");
	netns_do("ip link set v0 up");
	ck_assert_int_eq(netcfg_widest(r.net, r.ifindex, &mtu), 0);
	ck_assert_uint_eq(mtu, 1500);
	netns_do("ip link set v1 up");
	ck_assert_int_eq(netcfg_widest(r.net, r.ifindex, &mtu), 0);
	ck_assert_uint_eq(mtu, 9000);
	rig_fini(&r);
}
END_TEST

/* Addresses and routes; a link that only comes up is none of them. */
START_TEST(changes_are_seen)
{
	struct rig r;
	struct err e = { 0 };
	int fd;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	fd = netcfg_watch(&e);
	ck_assert_msg(fd >= 0, "%s", e.text);
	ck_assert(!netcfg_watch_drain(fd));
	netns_do("ip addr add 10.1.1.3/24 dev tun0");
	ck_assert(netcfg_watch_drain(fd));
	ck_assert(!netcfg_watch_drain(fd));
	netns_do("ip route add 10.9.0.0/16 dev tun0");
	ck_assert(netcfg_watch_drain(fd));
	netns_do("ip route del 10.9.0.0/16");
	ck_assert(netcfg_watch_drain(fd));
	netns_do("ip link set tun0 txqueuelen 100");
	ck_assert(!netcfg_watch_drain(fd));
	close(fd);
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

START_TEST(nobody_else_may)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	ck_assert_int_eq(setuid(65534), 0);
	ck_assert_int_eq(netcfg_link_up(r.net, r.ifindex, 1400), -EPERM);
	ck_assert_int_eq(set_address(&r, "10.1.1.3/24"), -EPERM);
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
	tcase_add_test(tc, the_widest_link_is_found);
	tcase_add_test(tc, changes_are_seen);
	tcase_add_test(tc, a_device_is_deleted);
	tcase_add_test(tc, an_address_replaces_the_others);
	tcase_add_test(tc, families_do_not_touch_each_other);
	tcase_add_test(tc, nobody_else_may);
	return kit_run("tunneld/netcfg", tc);
}
