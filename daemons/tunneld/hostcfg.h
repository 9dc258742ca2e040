/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_HOSTCFG_H
#define TUNNELD_HOSTCFG_H

#include "common/conf_client.h"
#include "common/err.h"
#include "daemons/tunneld/journal.h"
#include "daemons/tunneld/monitor_msg.h"
#include "daemons/tunneld/netcfg.h"

/*
 * What the server says, made real on a node's host: address, MTU and routes of the device. The
 * engine that asks talks to the network, so everything is checked again here against the node's
 * own configuration.
 */
struct hostcfg {
	struct netcfg *net;		/* borrowed */
	struct journal *journal;	/* borrowed */
	const struct conf_client *conf;	/* borrowed */
	unsigned ifindex;		/* of the device */
	struct monitor_configure now;	/* that was tried last; address none: nothing yet */
};

/*
 * Makes it so, replacing what was in force. What is refused (-EINVAL) changes nothing; where the
 * kernel fails half way, the next one takes up from there. *e says what.
 */
int hostcfg_apply(struct hostcfg *h, const struct monitor_configure *want, struct err *e);

/*
 * Before a server is connected to: what is in force would lead the packets to it into the tunnel
 * that they carry? Then they get a route outside of it ("a pin"), by the way that the machine has
 * now, in place of an older pin. There are JOURNAL_ROUTES_MAX; the oldest goes, but never that of
 * the server in use. -ENETUNREACH: there is no way outside, and an older pin stays. *e says what.
 */
int hostcfg_way(struct hostcfg *h, const struct ip_addr *server, struct err *e);

/* Undoes what would outlive the device. */
void hostcfg_undo(struct hostcfg *h);

#endif
