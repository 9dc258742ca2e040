/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/tcpmss.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "daemons/tunneld/cksum.h"
#include "daemons/tunneld/mtu.h"
#include "daemons/tunneld/offload.h"

enum { SYN = 0x02 };
enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_MSS = 2, OPTION_MSS_LEN = 4 };

/* Where the TCP header of a SYN begins; 0: it is none. Headers between IPv6 and TCP are rare. */
static size_t
find_syn(const uint8_t *pkt, size_t len)
{
	bool v6 = pkt[0] >> 4 == 6;
	size_t head = v6 ? IPV6_HEAD : (size_t) (pkt[0] & 15) * 4;

	if (pkt[v6 ? 6 : 9] != IPPROTO_TCP || len < head + TCP_HEAD ||
	    (pkt[head + TCP_FLAGS] & SYN) == 0)
		return 0;
	return v6 || (offload_get16(pkt + 6) & 0x1fff) == 0 ? head : 0;
}

/* RFC 1624, 3: the checksum of all that is not touched stays what it was, right or wrong. */
static void
replace(uint8_t *tcp, uint8_t *field, unsigned value)
{
	uint16_t sum = offload_get16(tcp + TCP_CKSUM), old = offload_get16(field);
	/* At an odd place its bytes count crosswise. */
	bool odd = ((field - tcp) & 1) != 0;
	uint32_t was = odd ? (uint32_t) (old >> 8 | (old & 0xff) << 8) : old;
	uint32_t is = odd ? (value >> 8 | (value & 0xff) << 8) : value;
	uint32_t acc = (uint16_t) ~sum + (uint32_t) (uint16_t) ~was + is;

	acc = (acc >> 16) + (acc & 0xffff);
	acc = (acc >> 16) + (acc & 0xffff);
	offload_put16(tcp + TCP_CKSUM, (uint16_t) ~acc);
	offload_put16(field, value);
}

static void
clamp_options(uint8_t *tcp, uint8_t *opt, const uint8_t *end, unsigned mss)
{
	while (opt < end && *opt != OPTION_END) {
		if (*opt == OPTION_NOP) {
			opt++;
			continue;
		}
		if (end - opt < 2 || opt[1] < 2 || opt[1] > end - opt)
			return;
		if (*opt == OPTION_MSS && opt[1] == OPTION_MSS_LEN) {
			if (offload_get16(opt + 2) > mss)
				replace(tcp, opt + 2, mss);
			return;
		}
		opt += opt[1];
	}
}

void
tcpmss_clamp(uint8_t *pkt, size_t len, unsigned fit)
{
	size_t at = find_syn(pkt, len), head;
	bool v6 = pkt[0] >> 4 == 6;
	uint8_t *tcp = pkt + at;

	if (at == 0)
		return;
	head = (size_t) (tcp[12] >> 4) * 4;
	if (head < TCP_HEAD || at + head > len)
		return;
	clamp_options(tcp, tcp + TCP_HEAD, tcp + head,
	    mtu_of(fit, v6) - (v6 ? IPV6_HEAD : IPV4_HEAD) - TCP_HEAD);
}
