/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tunneld/hostrig.h"

#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/unit/kit.h"

bool
hostrig_init(struct hostrig *r)
{
	*r = (struct hostrig){ .more = -1 };
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

void
hostrig_fini(struct hostrig *r)
{
	journal_close(&r->journal);
	netcfg_close(r->net);
	close(r->tun);
	close(r->eth);
	close(r->more);
}

void
hostrig_push(struct hostrig *r, const char *route)
{
	r->want.routes[r->want.nroutes++] = netns_prefix(route);
}

int
hostrig_apply(struct hostrig *r)
{
	return hostcfg_apply(&r->host, &r->want, &r->err);
}

void
hostrig_must_apply(struct hostrig *r)
{
	ck_assert_msg(hostrig_apply(r) == 0, "%s", r->err.text);
}

int
hostrig_way(struct hostrig *r, const char *server)
{
	struct ip_addr a = netns_addr(server);

	return hostcfg_way(&r->host, &a, &r->err);
}

const char *
hostrig_routes(const char *device)
{
	char command[100];

	snprintf(command, sizeof(command), "ip route show dev %s | sed 's/ *$//'", device);
	return netns_ask(command);
}
