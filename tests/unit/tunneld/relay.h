/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_RELAY_H
#define LV_TEST_RELAY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ev.h"
#include "daemons/tunneld/udp.h"

/* Passes datagrams between a node and its server, one at a time, as a network does: or does not. */

#define RELAY_WAYS 3	/* the addresses at which the server may see the node */

struct datagram {
	uint8_t bytes[2048];
	size_t len;
};

struct relay {
	struct ev *ev;
	int front, back[RELAY_WAYS];	/* towards the node, towards the server */
	struct ev_io front_io, back_io[RELAY_WAYS];
	struct sockaddr_in front_addr, node, server;
	unsigned way;		/* back[way] is where the node's datagrams leave */
	bool drop_up, drop_down;	/* what goes to the server, to the node */
	size_t longest;		/* what is longer is dropped, both ways; 0: nothing */
	bool flip;		/* change a bit of what goes to the server */
	struct datagram last;	/* of those to the server, also one that was dropped */
	unsigned ups, downs;	/* datagrams that passed */
	size_t bytes_up[RELAY_WAYS], bytes_down[RELAY_WAYS];	/* that the server got and sent */
};

void relay_init(struct relay *r, struct ev *ev, const struct sockaddr_in *server);
void relay_fini(struct relay *r);

/* One more to the server, by this way. */
void relay_send(struct relay *r, const struct datagram *d, unsigned way);

/* Is this where the server sees that way? */
bool relay_is_at(const struct relay *r, unsigned way, const struct udp_end *end);

#endif
