/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IP_H
#define LV_IP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * IPv4 and IPv6 addresses and prefixes as values. Bytes are in network order. An IPv4 address uses
 * the first four, and nobody looks at the others: an address may come as it is from a process that
 * is not trusted, and what is in them must not make it another one. Pure.
 */
struct ip_addr {
	uint8_t family;	/* AF_INET, AF_INET6; 0: no address */
	uint8_t b[16];
};

struct ip_prefix {
	struct ip_addr addr; /* host bits may be set: 10.1.1.1/24 is an address with its network */
	uint8_t len;		/* bits */
};

#define IP_TEXT_MAX 52	/* "address/128" or "[address]:65535" with its NUL */

struct ip_addr ip_from_bytes(int family, const uint8_t *bytes);
struct ip_addr ip_from_sockaddr(const struct sockaddr *sa);	/* v4-mapped comes back as IPv4 */
uint16_t ip_port(const struct sockaddr *sa); /* host order; 0 for other families */

/* Fills *ss_out; returns its length, 0 when addr is none. */
socklen_t ip_to_sockaddr(const struct ip_addr *addr, uint16_t port,
    struct sockaddr_storage *ss_out);

/* 32 or 128; 0 for none. */
unsigned ip_bits(const struct ip_addr *addr);

bool ip_equal(const struct ip_addr *a, const struct ip_addr *b);

/* Text both ways (inet_pton(3)). Parsing returns 0 or -EINVAL and leaves *out alone then. */
int ip_parse(const char *text, struct ip_addr *out);
int ip_prefix_parse(const char *text, struct ip_prefix *out);	/* the length is required */
const char *ip_format(const struct ip_addr *addr, char buf[IP_TEXT_MAX]);
const char *ip_prefix_format(const struct ip_prefix *prefix, char buf[IP_TEXT_MAX]);
/* "a:p" or "[a]:p" */
const char *ip_sockaddr_format(const struct sockaddr *sa, char buf[IP_TEXT_MAX]);

/* The same in a temporary that lives as long as the enclosing block: for log lines. */
#define IP_TEXT(addr)	ip_format((addr), (char[IP_TEXT_MAX]){ 0 })
#define PREFIX_TEXT(p)	ip_prefix_format((p), (char[IP_TEXT_MAX]){ 0 })
#define SOCK_TEXT(sa)	ip_sockaddr_format((const struct sockaddr *) (sa), (char[IP_TEXT_MAX]){ 0 })

/* The prefix with its host bits cleared, and its last address (the broadcast address of IPv4). */
struct ip_prefix ip_prefix_network(const struct ip_prefix *prefix);
struct ip_addr ip_prefix_last(const struct ip_prefix *prefix);

bool ip_prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b); /* host bits, too */
bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_addr *addr);
bool ip_prefix_overlap(const struct ip_prefix *a, const struct ip_prefix *b);

/*
 * Addresses of a prefix by number: index 0 is the network's own. ip_prefix_index gives the number
 * of addr, which must be inside; only the low 64 host bits count.
 */
struct ip_addr ip_prefix_at(const struct ip_prefix *prefix, uint64_t index);
uint64_t ip_prefix_index(const struct ip_prefix *prefix, const struct ip_addr *addr);

/* Can a single machine have it: not unspecified, loopback, multicast or (IPv4) broadcast. */
bool ip_is_host(const struct ip_addr *addr);

/* A hash of family and address (FNV-1a, 64 bit): for addresses that we gave out ourselves. */
uint64_t ip_hash(const struct ip_addr *addr);

#endif
