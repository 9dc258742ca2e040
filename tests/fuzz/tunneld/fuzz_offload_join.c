/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "daemons/tunneld/cksum.h"
#include "daemons/tunneld/ippkt.h"
#include "daemons/tunneld/offload_join.h"
#include "daemons/tunneld/offload_split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Packets, each as: how its checksums are (1), length (2), bytes. What was joined of them must cut
 * into the same packets again.
 */
#define PACKETS_MAX 64

struct packets {
	uint8_t *bytes[PACKETS_MAX], *given[PACKETS_MAX];
	size_t len[PACKETS_MAX];
	bool seen[PACKETS_MAX];
	unsigned n, out;
};

/* But for the identification of what must not be fragmented. */
static bool
same(const uint8_t *a, const uint8_t *b, size_t len)
{
	if (a[0] >> 4 != 4 || (a[6] & 0x40) == 0)
		return memcmp(a, b, len) == 0;
	return memcmp(a, b, 4) == 0 && memcmp(a + 6, b + 6, 4) == 0 &&
	    memcmp(a + 12, b + 12, len - 12) == 0;
}

static void
take(struct packets *p, const uint8_t *pkt, size_t len)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (!p->seen[i] && p->len[i] == len && same(p->bytes[i], pkt, len)) {
			p->seen[i] = true;
			p->out++;
			return;
		}
	}
	abort();	/* nobody has sent this */
}

static void
on_write(void *arg, const struct iovec *iov, unsigned n, unsigned packets)
{
	struct packets *p = arg;
	struct offload_split s;
	uint8_t *whole, *room;
	size_t len = 0;

	for (unsigned i = 0; i < n; i++)
		len += iov[i].iov_len;
	whole = malloc(len);
	len = 0;
	for (unsigned i = 0; i < n; i++) {
		memcpy(whole + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	if (!offload_split_init(&s, whole, len) || s.parts != packets)
		abort();
	room = malloc(s.head + s.part + 1);
	for (size_t i = 0; i < s.parts; i++) {
		uint8_t *pkt = offload_split_part(&s, i, room, &len);

		take(p, pkt, len);
	}
	free(room);
	free(whole);
}

/* Makes the checksums right, which chance would not. */
static void
fix(uint8_t *pkt, size_t len)
{
	bool v6 = pkt[0] >> 4 == 6;
	size_t l4 = v6 ? IPV6_HEAD : IPV4_HEAD, field;
	uint8_t protocol = v6 ? pkt[6] : pkt[9];
	uint16_t sum;

	if (!v6)
		cksum_put_ipv4(pkt);
	field = l4 + (protocol == IPPROTO_UDP ? UDP_CKSUM : TCP_CKSUM);
	if (len < field + sizeof(sum))
		return;
	memset(pkt + field, 0, sizeof(sum));
	sum = (uint16_t) ~cksum_fold(cksum_add(cksum_pseudo(pkt, protocol, len - l4), pkt + l4,
	    len - l4));
	memcpy(pkt + field, &sum, sizeof(sum));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct offload_join join;
	struct packets p = { .n = 0 };

	offload_join_init(&join, size % 2 == 0, on_write, &p);
	while (size >= 3 && p.n < PACKETS_MAX) {
		bool right = data[0] % 8 != 0;
		size_t len = ((size_t) data[1] << 8 | data[2]) % 2000;
		struct ippkt ip;
		uint8_t *copy;

		data += 3;
		size -= 3;
		if (len > size)
			len = size;
		copy = malloc(len + 1);
		memcpy(copy, data, len);
		data += len;
		size -= len;
		if (!ippkt_parse(copy, len, &ip)) {
			free(copy);
			continue;
		}
		if (right)
			fix(copy, len);
		p.bytes[p.n] = copy;
		p.given[p.n] = malloc(len);
		p.len[p.n] = len;
		memcpy(p.given[p.n], copy, len);
		p.n++;
		offload_join_put(&join, p.given[p.n - 1], len);
	}
	offload_join_flush(&join);
	if (p.out != p.n)
		abort();	/* some were lost */
	for (unsigned i = 0; i < p.n; i++) {
		free(p.bytes[i]);
		free(p.given[i]);
	}
	return 0;
}
