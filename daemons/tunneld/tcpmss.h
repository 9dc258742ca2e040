/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_TCPMSS_H
#define TUNNELD_TCPMSS_H

#include <stddef.h>
#include <stdint.h>

/*
 * The largest segment that the ends of a TCP connection tell each other in their SYNs (RFC 9293,
 * 3.7.1). Lowered to what passes the tunnel, so that no connection depends on ICMP. Pure.
 */

/*
 * fit: the longest inner packet. pkt: one that ippkt_parse accepted; what is no SYN, or says less,
 * stays as it is. Never adds the option: without it 536 bytes are meant, or IPv6's 1220.
 */
void tcpmss_clamp(uint8_t *pkt, size_t len, unsigned fit);

#endif
