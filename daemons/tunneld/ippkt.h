/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_IPPKT_H
#define TUNNELD_IPPKT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ip.h"

/* What the data path asks about an inner packet. Pure. */
struct ippkt {
	struct ip_addr src, dst;
};

/*
 * Reads addresses from an IPv4 or IPv6 header. False when the packet is not one, or when its own
 * length is not `len`: what is behind it would leak.
 */
bool ippkt_parse(const uint8_t *pkt, size_t len, struct ippkt *out);

/* 4 (ESP_NEXT_IPV4) or 41 (ESP_NEXT_IPV6) for a packet that ippkt_parse accepted. */
uint8_t ippkt_next_header(const uint8_t *pkt);

#endif
