/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_ASK_TUNNELD_H
#define LV_CTLD_ASK_TUNNELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ip.h"
#include "common/pki.h"
#include "daemons/ctld/backend.h"

/* What tunneld is asked. Each function: one question; `next` tells how it ended (backend.h). */

#define TUNNELD_SESSIONS_MAX 1000	/* of one answer: a page of nodes */
#define TUNNELD_DROPS_MAX 64
#define TUNNELD_WORD_MAX 64		/* versions, names of ciphers, devices and counters */

struct tunneld_session {
	char node_id[PKI_ID_MAX + 1];
	char endpoint[TUNNELD_WORD_MAX];	/* "192.0.2.7:40112" */
	char cipher[TUNNELD_WORD_MAX];
	char version[TUNNELD_WORD_MAX];
	bool over_udp;
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	int64_t since_s;	/* UTC */
	int64_t last_rx_ms;	/* ago */
	int64_t rtt_us;		/* 0: none measured */
	int64_t cert_expire_s;	/* UTC; of the node's certificate; 0: not known */
	uint32_t mtu;		/* of inner packets to the node */
};

struct tunneld_sessions {
	struct tunneld_session *rows;
	size_t n;
};

struct tunneld_counter {
	char name[TUNNELD_WORD_MAX];
	uint64_t value;
};

struct tunneld_info {
	char version[TUNNELD_WORD_MAX];
	char device[TUNNELD_WORD_MAX];
	char offload[2 * TUNNELD_WORD_MAX];	/* a few words */
	uint32_t mtu;
	int64_t started_s;
	int64_t cert_expire_s, ca_expire_s;	/* UTC; of the vpn PKI */
	struct tunneld_counter drops[TUNNELD_DROPS_MAX];
	size_t ndrops;
};

/*
 * Ends the node's session when its epoch is at most this; reason: what the node is told.
 * had_session_out: there was one.
 */
void tunneld_cut(struct backend *b, struct call *c, const char *node_id, uint64_t epoch,
    enum reason reason, bool *had_session_out, backend_next *next);

/* Of these nodes, those that have one. End it with tunneld_sessions_fini. */
void tunneld_get_sessions(struct backend *b, struct call *c, const char *const *node_ids, size_t n,
    struct tunneld_sessions *out, backend_next *next);
void tunneld_sessions_fini(struct tunneld_sessions *sessions);

/* The decoder of that: out is a struct tunneld_sessions. Rows that cannot be right are left out. */
backend_decode tunneld_decode_sessions;

/* The session of that node, or NULL. */
const struct tunneld_session *tunneld_session_of(const struct tunneld_sessions *sessions,
    const char *node_id);

void tunneld_get_info(struct backend *b, struct call *c, struct tunneld_info *out,
    backend_next *next);

#endif
