/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/uplink.h"

#include <sys/socket.h>

#include "common/log.h"

void
uplink_init(struct uplink *u, struct worker *worker)
{
	*u = (struct uplink){ worker, { UPLINK_NONE, UPLINK_NONE } };
}

static int
open_socket(struct uplink *u, int family, unsigned *out)
{
	struct ip_addr any = { .family = (uint8_t) family };
	struct err e = { 0 };
	int fd = udp_open(&any, 0, &e);

	if (fd < 0) {
		log_warn("udp_unavailable", "error=%s", LOG_Q(e.text));
		return fd;
	}
	return worker_add_udp(u->worker, fd, out);
}

void
uplink_take(struct uplink *u, struct session *s, const struct ip_addr *addr, uint16_t port)
{
	unsigned *number = &u->sockets[addr->family == AF_INET6];
	struct udp_end end = { .local = { 0 } };

	if (s->tx.aead == NULL ||
	    (*number == UPLINK_NONE && open_socket(u, addr->family, number) < 0))
		return;
	end.socket = *number;
	end.peer_len = ip_to_sockaddr(addr, port, &end.peer);
	session_set_end(s, &end);
}
