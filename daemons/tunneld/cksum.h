/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_CKSUM_H
#define TUNNELD_CKSUM_H

#include <stddef.h>
#include <stdint.h>

/*
 * The Internet checksum (RFC 1071). Sums are kept wide and in the machine's byte order; only what
 * cksum_fold gives is put into a packet, as it lies in memory. Pure.
 */

/* sum plus the 16-bit words at p; an odd byte counts as the first of a word. */
uint64_t cksum_add(uint64_t sum, const uint8_t *p, size_t len);

/* What TCP and UDP sum up besides themselves (RFC 9293, 3.1; RFC 8200, 8.1). ip: either version. */
uint64_t cksum_pseudo(const uint8_t *ip, uint8_t protocol, size_t l4_len);

/* 16 bits, not complemented. 0xffff when what was summed up contains its own right checksum. */
uint16_t cksum_fold(uint64_t sum);

/* Computes the checksum of the IPv4 header at ip, and writes it there. */
void cksum_put_ipv4(uint8_t *ip);

#endif
