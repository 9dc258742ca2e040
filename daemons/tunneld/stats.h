/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_STATS_H
#define TUNNELD_STATS_H

#include <stdint.h>

#include "daemons/tunneld/atom.h"

/*
 * What became of a packet. The packet way returns one of these and never logs; each but OK is a
 * counter that status and metrics show by its name. OK: it was handed on; the kernel may refuse it
 * later, with others of its batch, which is counted then. Pure.
 */
#define VERDICT_TABLE(X)                                                                           \
	X(OK, "delivered")                                                                         \
	X(ESP_SHORT, "esp_short")                       /* smaller than any ESP packet */          \
	X(ESP_SPI_UNKNOWN, "esp_spi_unknown")           /* no SA has this SPI */                   \
	X(ESP_REPLAYED, "esp_replayed")                 /* seen before, or too old to tell */      \
	X(ESP_AUTH_FAILED, "esp_auth_failed")           /* the ICV does not match */               \
	X(ESP_TRAILER_BAD, "esp_trailer_bad")           /* authentic, but padded wrongly */        \
	X(ESP_NEXT_HEADER, "esp_next_header")           /* neither IPv4, IPv6 nor an echo */       \
	X(ESP_SEQUENCE_OVER, "esp_sequence_over")       /* the key's packet limit is reached */    \
	X(ECHO_LIMITED, "echo_limited")                 /* more echo requests than are answered */ \
	X(ECHO_BAD, "echo_bad")                         /* not an echo that we know */             \
	X(INNER_MALFORMED, "inner_malformed")           /* not an IP packet of its own length */   \
	X(INNER_SPOOFED, "inner_spoofed")               /* the source is not the node's address */ \
	X(INNER_NO_ROUTE, "inner_no_route")             /* no node has the destination */          \
	X(INNER_TOO_BIG, "inner_too_big")               /* its sender is told a path MTU */        \
	X(INTERCONNECTION_OFF, "interconnection_off")   /* node to node, which is not allowed */   \
	X(NODE_OFFLINE, "node_offline")                 /* the node has no running session */      \
	X(ENDPOINT_UNPROVEN, "endpoint_unproven")       /* new endpoint: 3 times what it sent */   \
	X(PATH_DOWN, "path_down")                       /* UDP is silent and TLS is not there */   \
	X(THREAD_QUEUE_FULL, "thread_queue_full")       /* another thread does not keep up */      \
	X(TLS_QUEUE_FULL, "tls_queue_full")             /* the TLS connection does not keep up */  \
	X(UDP_SEND_FAILED, "udp_send_failed")           /* the kernel did not take the datagram */ \
	X(TUN_WRITE_FAILED, "tun_write_failed")         /* the kernel did not take the packet */

enum verdict {
#define X(name, text) VERDICT_##name,
	VERDICT_TABLE(X)
#undef X
	VERDICT_COUNT
};

struct stats {	/* of one thread; others read it */
	uint64_t count[VERDICT_COUNT];
};

static inline void
stats_count(struct stats *s, enum verdict v, uint64_t packets)
{
	atom_count(&s->count[v], packets);
}

/* Adds those of another thread. */
void stats_add(struct stats *sum, const struct stats *s);

/* The name of the counter. */
const char *verdict_name(enum verdict v);

#endif
