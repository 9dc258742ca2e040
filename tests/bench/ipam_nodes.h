/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_BENCH_IPAM_NODES_H
#define LV_BENCH_IPAM_NODES_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Token and id of node number n, as tests/bench/ipam.sh writes them into the database: in an order
 * that has nothing to do with that of the rows, as of real ones, and never twice below 2^32.
 */
#define IPAM_TOKEN_LEN 16
#define IPAM_ID_LEN 14

static inline uint32_t
ipam_scatter(uint64_t n)
{
	return (uint32_t) (n * UINT64_C(2654435761));
}

static inline void
ipam_token(uint64_t n, char out[IPAM_TOKEN_LEN + 1])
{
	snprintf(out, IPAM_TOKEN_LEN + 1, "%016" PRIx32, ipam_scatter(n));
}

static inline void
ipam_id(uint64_t n, char out[IPAM_ID_LEN + 1])
{
	snprintf(out, IPAM_ID_LEN + 1, "n-%012" PRIx32, ipam_scatter(n));
}

#endif
