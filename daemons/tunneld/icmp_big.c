/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/icmp_big.h"

#include <netinet/in.h>
#include <string.h>

#include "daemons/tunneld/cksum.h"
#include "daemons/tunneld/mtu.h"
#include "daemons/tunneld/offload.h"

#define ICMP_HEAD 8
#define ICMP_CKSUM 2
#define TTL 64
#define IPV4_ANSWER_MAX 576	/* RFC 1812, 4.3.2.3 */

enum { ICMP4_ECHO = 8, ICMP4_ECHO_REPLY = 0, ICMP4_UNREACHABLE = 3, ICMP4_FRAGMENTATION = 4 };
enum { ICMP6_TOO_BIG = 2, ICMP6_ERRORS = 0x80 };	/* types below that are errors */

static bool
is_ipv6(const uint8_t *pkt)
{
	return pkt[0] >> 4 == 6;
}

bool
icmp_big_may_refuse(const uint8_t *pkt, size_t len)
{
	if (is_ipv6(pkt))
		return len > MTU_LEAST_IPV6;
	return (pkt[6] & 0x40) != 0 && len > MTU_LEAST_IPV4;
}

/* Not every type of message that is no error is known: only echoes are sure to be none. */
static bool
may_answer_v4(const uint8_t *pkt, size_t len)
{
	size_t head = (size_t) (pkt[0] & 15) * 4;
	bool fragment = (offload_get16(pkt + 6) & 0x1fff) != 0;

	if (fragment || pkt[12] == 0 || pkt[12] >= 224 || pkt[16] >= 224)
		return false;
	return pkt[9] != IPPROTO_ICMP ||
	    (len > head && (pkt[head] == ICMP4_ECHO || pkt[head] == ICMP4_ECHO_REPLY));
}

static bool
may_answer_v6(const uint8_t *pkt, size_t len)
{
	static const uint8_t none[16];

	if (pkt[8] == 0xff || pkt[24] == 0xff || memcmp(pkt + 8, none, sizeof(none)) == 0)
		return false;
	return pkt[6] != IPPROTO_ICMPV6 || (len > IPV6_HEAD && (pkt[IPV6_HEAD] & ICMP6_ERRORS) != 0);
}

static void
put_cksum(uint8_t *at, uint64_t sum)
{
	uint16_t cksum = (uint16_t) ~cksum_fold(sum);

	memcpy(at, &cksum, sizeof(cksum));
}

static size_t
make_v4(const uint8_t *pkt, size_t len, unsigned mtu, uint8_t *out)
{
	size_t most = IPV4_ANSWER_MAX - IPV4_HEAD - ICMP_HEAD, part = len < most ? len : most;
	size_t total = IPV4_HEAD + ICMP_HEAD + part;
	uint8_t *icmp = out + IPV4_HEAD;

	memset(out, 0, IPV4_HEAD + ICMP_HEAD);
	out[0] = 0x45;
	offload_put16(out + 2, total);
	out[8] = TTL;
	out[9] = IPPROTO_ICMP;
	memcpy(out + 12, pkt + 16, 4);
	memcpy(out + 16, pkt + 12, 4);
	cksum_put_ipv4(out);
	icmp[0] = ICMP4_UNREACHABLE;
	icmp[1] = ICMP4_FRAGMENTATION;
	offload_put16(icmp + 6, mtu);
	memcpy(icmp + ICMP_HEAD, pkt, part);
	put_cksum(icmp + ICMP_CKSUM, cksum_add(0, icmp, ICMP_HEAD + part));
	return total;
}

static size_t
make_v6(const uint8_t *pkt, size_t len, unsigned mtu, uint8_t *out)
{
	size_t most = ICMP_BIG_MAX - IPV6_HEAD - ICMP_HEAD, part = len < most ? len : most;
	uint8_t *icmp = out + IPV6_HEAD;

	memset(out, 0, IPV6_HEAD + ICMP_HEAD);
	out[0] = 0x60;
	offload_put16(out + 4, ICMP_HEAD + part);
	out[6] = IPPROTO_ICMPV6;
	out[7] = TTL;
	memcpy(out + 8, pkt + 24, 16);
	memcpy(out + 24, pkt + 8, 16);
	icmp[0] = ICMP6_TOO_BIG;
	offload_put32(icmp + 4, mtu);
	memcpy(icmp + ICMP_HEAD, pkt, part);
	put_cksum(icmp + ICMP_CKSUM, cksum_add(cksum_pseudo(out, IPPROTO_ICMPV6, ICMP_HEAD + part),
	    icmp, ICMP_HEAD + part));
	return IPV6_HEAD + ICMP_HEAD + part;
}

size_t
icmp_big_make(const uint8_t *pkt, size_t len, unsigned mtu, uint8_t out[ICMP_BIG_MAX])
{
	if (is_ipv6(pkt))
		return may_answer_v6(pkt, len) ? make_v6(pkt, len, mtu, out) : 0;
	return may_answer_v4(pkt, len) ? make_v4(pkt, len, mtu, out) : 0;
}
