/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_HOSTRIG_H
#define LV_TEST_HOSTRIG_H

#include "daemons/tunneld/hostcfg.h"
#include "tests/unit/tunneld/netns.h"

/*
 * A node in a namespace of its own:
 *
 *     tun0 (tunnel) NODE eth0 198.51.100.9/24 --- 198.51.100.1 (default) --- 203.0.113.7 (server)
 */
#define SERVER "203.0.113.7"
#define SERVER6 "2001:db8:9::7"

/* What eth0 has, as hostrig_routes says it, before anything is configured. */
#define ETH_ROUTES                                                                                 \
	"default via 198.51.100.1\n198.51.100.0/24 proto kernel scope link src 198.51.100.9"

struct hostrig {
	struct netcfg *net;
	struct journal journal;
	struct conf_client conf;
	struct hostcfg host;
	struct monitor_configure want;	/* 10.1.1.3/24, an MTU of 1400, SERVER */
	struct err err;
	int tun, eth, more;		/* more: a second link, or -1 */
};

/* False where it is not permitted: NETNS_WHY. */
bool hostrig_init(struct hostrig *r);
void hostrig_fini(struct hostrig *r);

/* One more route to be pushed. */
void hostrig_push(struct hostrig *r, const char *route);

int hostrig_apply(struct hostrig *r);
void hostrig_must_apply(struct hostrig *r);

/* As hostcfg_way. */
int hostrig_way(struct hostrig *r, const char *server);

/* What the main table has by this device. Static storage. */
const char *hostrig_routes(const char *device);

#endif
