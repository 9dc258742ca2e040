/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/uplink.h"

#include "common/log.h"

void
uplink_take(const struct workers *ws, struct session *s, const struct ip_addr *addr, uint16_t port)
{
	struct udp_end end = { .local = { 0 } };

	if (s->carrier->nkeyed == 0)
		return;
	if (workers_socket(ws, addr->family, &end.socket) < 0) {
		log_warn("udp_unavailable", "server=%s", IP_TEXT(addr));
		return;
	}
	end.peer_len = ip_to_sockaddr(addr, port, &end.peer);
	session_set_end(s, &end);
}
