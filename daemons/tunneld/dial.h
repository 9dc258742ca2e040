/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_DIAL_H
#define TUNNELD_DIAL_H

#include <stdint.h>

#include "common/ev.h"
#include "common/ip.h"
#include "daemons/tunneld/conn.h"
#include "daemons/tunneld/identity.h"
#include "daemons/tunneld/monitor_msg.h"

/*
 * From a server's name to a TLS connection with it: looks the name up and tries its addresses one
 * after the other until a handshake is done. The monitor is asked for the way to each of them
 * first: a tunnel that has died may catch what should bring it back. One server at a time.
 */
struct dial;

struct dial_parts {	/* all borrowed for the dial's life */
	struct ev *ev;
	struct conn_env *conns;
	const struct identity *identity;
	uint16_t port;
	void (*ask_way)(void *arg, const struct ip_addr *server);	/* dial_way is the answer */
	void *arg;
	/* TLS stands. consumes: conn, whose owner the callee becomes (conn_give). */
	void (*ready)(void *owner, struct conn *conn);
	/* No address would do; `why` is of the last one. */
	void (*failed)(void *owner, const char *why);
	void *owner;
};

int dial_new(const struct dial_parts *parts, struct dial **out);
void dial_free(struct dial *d);		/* NULL is fine */

/*
 * Begins with a name or an address, borrowed for the dial's life. One of `ready` and `failed`
 * follows, once, perhaps from inside; neither after dial_end. Each address but the last has a few
 * seconds; the whole has no deadline here. Where the name service fails, the addresses of the name
 * are tried that it had when it was last reached.
 */
void dial_begin(struct dial *d, const char *host);

/* The monitor's answer. Where it has found no way the address is tried all the same. */
void dial_way(struct dial *d, const struct monitor_way_done *way);

/* Gives up what is under way; nothing is fine. */
void dial_end(struct dial *d);

/* The address that was tried last: the connection's, once that is ready. None before the first. */
const struct ip_addr *dial_addr(const struct dial *d);

#endif
