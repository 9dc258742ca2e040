/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/cksum.h"

#include <netinet/in.h>
#include <string.h>

/*
 * 32 bytes at a time, in whatever vector registers there are: 1400 bytes take some 40 ns, or 20 where
 * the processor at hand has longer ones than the one that the compiler must expect. (The choice is
 * made while the program is being loaded, too early for a sanitizer.)
 */
typedef uint64_t vec __attribute__((vector_size(32)));
#define LOW ((uint64_t) 0xffffffff)
#if defined(__x86_64__) && !defined(LV_SANITIZE)
#define FITTED __attribute__((target_clones("avx2", "default")))
#else
#define FITTED
#endif

FITTED uint64_t
cksum_add(uint64_t sum, const uint8_t *p, size_t len)
{
	const vec low = { LOW, LOW, LOW, LOW };
	vec acc = { 0 }, v;
	uint32_t word = 0;

	/* Halves of 64 bits are added apart: nothing overflows before 2^31 rounds. */
	for (; len >= sizeof(v); p += sizeof(v), len -= sizeof(v)) {
		memcpy(&v, p, sizeof(v));
		acc += (v & low) + (v >> 32);
	}
	sum += acc[0] + acc[1] + acc[2] + acc[3];
	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum += word;
	}
	word = 0;
	memcpy(&word, p, len);
	return sum + word;
}

uint64_t
cksum_pseudo(const uint8_t *ip, uint8_t protocol, size_t l4_len)
{
	uint64_t sum = ip[0] >> 4 == 6 ? cksum_add(0, ip + 8, 32) : cksum_add(0, ip + 12, 8);

	return sum + htonl(protocol) + htonl((uint32_t) l4_len);
}

uint16_t
cksum_fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & LOW);
	sum = (sum >> 32) + (sum & LOW);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t) sum;
}

void
cksum_put_ipv4(uint8_t *ip)
{
	uint16_t sum;

	memset(ip + 10, 0, sizeof(sum));
	sum = (uint16_t) ~cksum_fold(cksum_add(0, ip, (size_t) (ip[0] & 15) * 4));
	memcpy(ip + 10, &sum, sizeof(sum));
}
