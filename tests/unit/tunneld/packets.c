/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tunneld/packets.h"

#include <string.h>

struct packet
packet_usual(size_t payload)
{
	return (struct packet){ .df = true, .ttl = 64, .flags = 0x10, .id = 7, .port = 1000,
		.window = 500, .seq = 100, .ack = 200, .options = 12, .payload = payload };
}

uint16_t
packet_sum(const uint8_t *p, size_t len, uint32_t start)
{
	uint32_t sum = start;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t) p[i] << 8 : p[i];
	while (sum > 0xffff)
		sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t) sum;
}

static void
put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t) (v >> 8);
	p[1] = (uint8_t) v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint32_t
pseudo(const uint8_t *pkt, size_t l4_len)
{
	bool v6 = pkt[0] >> 4 == 6;

	return (uint32_t) packet_sum(v6 ? pkt + 8 : pkt + 12, v6 ? 32 : 8, 0) +
	    (v6 ? pkt[6] : pkt[9]) + (uint32_t) l4_len;
}

static void
put_ip(const struct packet *p, uint8_t *out, size_t l4_len)
{
	if (p->v6) {
		out[0] = (uint8_t) (0x60 | p->tos >> 4);
		out[1] = (uint8_t) (p->tos << 4);
		put16(out + 4, l4_len);
		out[6] = p->udp ? 17 : 6;
		out[7] = p->ttl;
		memset(out + 8, 0x20, 16);
		memset(out + 24, 0x30, 16);
		return;
	}
	out[0] = 0x45;
	out[1] = p->tos;
	put16(out + 2, 20 + l4_len);
	put16(out + 4, p->id);
	out[6] = p->df ? 0x40 : 0;
	out[8] = p->ttl;
	out[9] = p->udp ? 17 : 6;
	memcpy(out + 12, (const uint8_t[]){ 10, 0, 1, 2, 10, 0, 2, 2 }, 8);
	put16(out + 10, (uint16_t) ~packet_sum(out, 20, 0));
}

static void
put_tcp(const struct packet *p, uint8_t *l4)
{
	put32(l4 + 4, p->seq);
	put32(l4 + 8, p->ack);
	l4[12] = (uint8_t) ((20 + p->options) / 4 << 4);
	l4[13] = p->flags;
	put16(l4 + 14, p->window);
	memset(l4 + 20, 1, p->options);
}

size_t
packet_make(const struct packet *p, uint8_t *out)
{
	size_t ip = p->v6 ? 40 : 20, head = p->udp ? 8 : 20 + p->options;
	size_t l4_len = head + p->payload;
	uint8_t *l4 = out + ip, *field = l4 + (p->udp ? 6 : 16);
	uint16_t sum;

	memset(out, 0, ip + head);
	for (size_t i = 0; i < p->payload; i++)
		l4[head + i] = (uint8_t) (p->fill + i * 3);
	put_ip(p, out, l4_len);
	put16(l4, p->port);
	put16(l4 + 2, 2000);
	if (p->udp)
		put16(l4 + 4, l4_len);
	else
		put_tcp(p, l4);
	sum = (uint16_t) ~packet_sum(l4, l4_len, pseudo(out, l4_len));
	if (p->udp && sum == 0)
		sum = 0xffff;
	put16(field, p->bad_sum ? (uint16_t) (sum ^ 0x0100) : sum);
	return ip + l4_len;
}

bool
packet_sums_right(const uint8_t *pkt, size_t len)
{
	bool v6 = pkt[0] >> 4 == 6;
	size_t ip = v6 ? 40 : 20;

	return (v6 || packet_sum(pkt, ip, 0) == 0xffff) &&
	    packet_sum(pkt + ip, len - ip, pseudo(pkt, len - ip)) == 0xffff;
}

bool
packet_same(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	bool atomic = a[0] >> 4 == 4 && (a[6] & 0x40) != 0;

	if (a_len != b_len)
		return false;
	if (!atomic)
		return memcmp(a, b, a_len) == 0;
	return memcmp(a, b, 4) == 0 && memcmp(a + 6, b + 6, 4) == 0 &&
	    memcmp(a + 12, b + 12, a_len - 12) == 0 && packet_sum(b, 20, 0) == packet_sum(a, 20, 0);
}
