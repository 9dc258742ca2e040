/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_ICMP_BIG_H
#define TUNNELD_ICMP_BIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a sender is told whose packet is too big for the way: ICMP "fragmentation needed" (RFC 1191,
 * 4) or ICMPv6 "packet too big" (RFC 4443, 3.2). Pure.
 */
#define ICMP_BIG_MAX 1280	/* as much of the packet as an answer may carry */

/* Must it pass whole or not at all, and could its sender make it shorter than this? */
bool icmp_big_may_refuse(const uint8_t *pkt, size_t len);

/*
 * The answer to a packet that ippkt_parse accepted, as it is to be sent to its source: it comes from
 * the destination, an address which is not the sender's own. mtu: the longest that passes.
 * Returns its length, or 0 for packets that nothing is answered to: errors of ICMP, fragments but
 * the first, groups (RFC 1122, 3.2.2; RFC 4443, 2.4).
 */
size_t icmp_big_make(const uint8_t *pkt, size_t len, unsigned mtu, uint8_t out[ICMP_BIG_MAX]);

#endif
