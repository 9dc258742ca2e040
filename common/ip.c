/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct ip_addr
ip_from_bytes(int family, const uint8_t *bytes)
{
	struct ip_addr a = { .family = (uint8_t) family };

	memcpy(a.b, bytes, family == AF_INET ? 4 : 16);
	return a;
}

struct ip_addr
ip_from_sockaddr(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *) (const void *) sa;

		return ip_from_bytes(AF_INET, (const uint8_t *) &in->sin_addr);
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *) (const void *) sa;
		const uint8_t *b = in6->sin6_addr.s6_addr;

		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
			return ip_from_bytes(AF_INET, b + 12);
		return ip_from_bytes(AF_INET6, b);
	}
	return (struct ip_addr){ 0 };
}

uint16_t
ip_port(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return ntohs(((const struct sockaddr_in *) (const void *) sa)->sin_port);
	if (sa->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *) (const void *) sa)->sin6_port);
	return 0;
}

socklen_t
ip_to_sockaddr(const struct ip_addr *addr, uint16_t port, struct sockaddr_storage *ss_out)
{
	memset(ss_out, 0, sizeof(*ss_out));
	if (addr->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *) ss_out;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, addr->b, 4);
		return sizeof(*in);
	}
	if (addr->family == AF_INET6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) ss_out;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, addr->b, 16);
		return sizeof(*in6);
	}
	return 0;
}

unsigned
ip_bits(const struct ip_addr *addr)
{
	return addr->family == AF_INET ? 32 : addr->family == AF_INET6 ? 128 : 0;
}

bool
ip_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->family == b->family && memcmp(a->b, b->b, ip_bits(a) / 8) == 0;
}

int
ip_parse(const char *text, struct ip_addr *out)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, text, b) == 1)
		*out = ip_from_bytes(AF_INET, b);
	else if (inet_pton(AF_INET6, text, b) == 1)
		*out = ip_from_bytes(AF_INET6, b);
	else
		return -EINVAL;
	return 0;
}

int
ip_prefix_parse(const char *text, struct ip_prefix *out)
{
	const char *slash = strchr(text, '/');
	char addr[IP_TEXT_MAX];
	struct ip_prefix p = { 0 };
	unsigned len = 0;

	if (slash == NULL || (size_t) (slash - text) >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, (size_t) (slash - text));
	addr[slash - text] = '\0';
	if (ip_parse(addr, &p.addr) < 0 || slash[1] == '\0' || strlen(slash + 1) > 3)
		return -EINVAL;
	for (const char *c = slash + 1; *c != '\0'; c++) {
		if (*c < '0' || *c > '9')
			return -EINVAL;
		len = len * 10 + (unsigned) (*c - '0');
	}
	if (len > ip_bits(&p.addr))
		return -EINVAL;
	p.len = (uint8_t) len;
	*out = p;
	return 0;
}

const char *
ip_format(const struct ip_addr *addr, char buf[IP_TEXT_MAX])
{
	if (addr->family == 0 || inet_ntop(addr->family, addr->b, buf, IP_TEXT_MAX) == NULL)
		snprintf(buf, IP_TEXT_MAX, "-");
	return buf;
}

const char *
ip_prefix_format(const struct ip_prefix *prefix, char buf[IP_TEXT_MAX])
{
	size_t n;

	ip_format(&prefix->addr, buf);
	if (prefix->addr.family != 0) {
		n = strlen(buf);
		snprintf(buf + n, IP_TEXT_MAX - n, "/%u", prefix->len);
	}
	return buf;
}

const char *
ip_sockaddr_format(const struct sockaddr *sa, char buf[IP_TEXT_MAX])
{
	struct ip_addr a = ip_from_sockaddr(sa);
	char text[IP_TEXT_MAX];

	ip_format(&a, text);
	snprintf(buf, IP_TEXT_MAX, a.family == AF_INET6 ? "[%.40s]:%u" : "%.40s:%u", text,
	    ip_port(sa));
	return buf;
}

/* Sets the bits from `len` on to all zeros or all ones. */
static void
fill_host_bits(struct ip_addr *a, unsigned len, bool ones)
{
	for (unsigned i = 0; i < ip_bits(a) / 8; i++) {
		unsigned keep = len >= 8 * (i + 1) ? 8 : len > 8 * i ? len - 8 * i : 0;
		uint8_t mask = (uint8_t) (0xff00u >> keep);

		a->b[i] = (uint8_t) ((a->b[i] & mask) | (ones ? (uint8_t) ~mask : 0));
	}
}

struct ip_prefix
ip_prefix_network(const struct ip_prefix *prefix)
{
	struct ip_prefix p = *prefix;

	fill_host_bits(&p.addr, p.len, false);
	return p;
}

struct ip_addr
ip_prefix_last(const struct ip_prefix *prefix)
{
	struct ip_addr a = prefix->addr;

	fill_host_bits(&a, prefix->len, true);
	return a;
}

bool
ip_prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->len == b->len && ip_equal(&a->addr, &b->addr);
}

bool
ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_addr *addr)
{
	struct ip_prefix a = ip_prefix_network(prefix);
	struct ip_prefix b = ip_prefix_network(&(struct ip_prefix){ *addr, prefix->len });

	return prefix->addr.family == addr->family && ip_equal(&a.addr, &b.addr);
}

bool
ip_prefix_overlap(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->len <= b->len ? ip_prefix_contains(a, &b->addr) : ip_prefix_contains(b, &a->addr);
}

struct ip_addr
ip_prefix_at(const struct ip_prefix *prefix, uint64_t index)
{
	struct ip_addr a = ip_prefix_network(prefix).addr;
	unsigned n = ip_bits(&a) / 8;

	for (unsigned i = n; i > 0 && index > 0; i--) {
		index += a.b[i - 1];
		a.b[i - 1] = (uint8_t) index;
		index >>= 8;
	}
	return a;
}

uint64_t
ip_prefix_index(const struct ip_prefix *prefix, const struct ip_addr *addr)
{
	struct ip_addr base = ip_prefix_network(prefix).addr;
	unsigned n = ip_bits(&base) / 8;
	uint64_t a = 0, b = 0;

	for (unsigned i = n > 8 ? n - 8 : 0; i < n; i++) {
		a = a << 8 | addr->b[i];
		b = b << 8 | base.b[i];
	}
	return a - b;
}

bool
ip_is_host(const struct ip_addr *addr)
{
	struct in6_addr in6;

	if (addr->family == AF_INET)
		return addr->b[0] != 0 && addr->b[0] != 127 && addr->b[0] < 224;
	if (addr->family != AF_INET6)
		return false;
	memcpy(&in6, addr->b, sizeof(in6));
	return !IN6_IS_ADDR_UNSPECIFIED(&in6) && !IN6_IS_ADDR_LOOPBACK(&in6) &&
	    !IN6_IS_ADDR_MULTICAST(&in6) && !IN6_IS_ADDR_V4MAPPED(&in6);
}

uint64_t
ip_hash(const struct ip_addr *addr)
{
	const uint64_t prime = 0x100000001b3u;
	uint64_t h = (0xcbf29ce484222325u ^ addr->family) * prime;

	for (size_t i = 0; i < ip_bits(addr) / 8; i++)
		h = (h ^ addr->b[i]) * prime;
	return h;
}
