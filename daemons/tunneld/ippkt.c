/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/ippkt.h"

#include "daemons/tunneld/esp.h"

#define V4_HEADER 20
#define V6_HEADER 40

static size_t
be16(const uint8_t *p)
{
	return (size_t) p[0] << 8 | p[1];
}

bool
ippkt_parse(const uint8_t *pkt, size_t len, struct ippkt *out)
{
	if (len >= V4_HEADER && pkt[0] >> 4 == 4) {
		size_t header = (size_t) (pkt[0] & 15) * 4;

		if (header < V4_HEADER || header > len || be16(pkt + 2) != len)
			return false;
		out->src = ip_from_bytes(AF_INET, pkt + 12);
		out->dst = ip_from_bytes(AF_INET, pkt + 16);
		return true;
	}
	if (len >= V6_HEADER && pkt[0] >> 4 == 6) {
		if (V6_HEADER + be16(pkt + 4) != len)
			return false;
		out->src = ip_from_bytes(AF_INET6, pkt + 8);
		out->dst = ip_from_bytes(AF_INET6, pkt + 24);
		return true;
	}
	return false;
}

uint8_t
ippkt_next_header(const uint8_t *pkt)
{
	return pkt[0] >> 4 == 6 ? ESP_NEXT_IPV6 : ESP_NEXT_IPV4;
}
