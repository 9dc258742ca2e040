/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_CARRIER_H
#define TUNNELD_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ip.h"
#include "daemons/tunneld/esp.h"
#include "daemons/tunneld/grace.h"
#include "daemons/tunneld/sa.h"
#include "daemons/tunneld/udp_tx.h"

/*
 * What carries the packets of a session: the part of it that workers see. One SA per worker and
 * direction, so that no counter and no replay window is shared (RFC 9611): a *lane* is what one of
 * our workers sends by, a receiving SA belongs to the worker that its SPI names.
 *
 * Who writes what:
 *  - what stands before `end` is made by the control thread before any worker sees it;
 *  - `end`, `on_udp`, `over_tls`, `mtu`, `udp_max`: the control thread's decisions. An end is never changed but for its
 *    credit: another one takes its place (grace.h);
 *  - a lane: the worker of its number. An SA: its worker. The control thread reads their counters;
 *  - `rx_us`, `echoes`, `refused_us`, an end's credit: any worker; `heard`, `armed`: any worker sets
 *    them, the control thread clears `armed`.
 */
struct carrier_end {
	struct grace_item grace;
	struct udp_end udp;
	bool proven;		/* an echo has come back from there */
	int64_t credit;		/* bytes that may go to an unproven end */
};

struct carrier_lane {
	struct esp_tx tx;	/* no aead: the peer has no SPI for this worker */
	uint64_t packets, bytes;	/* inner ones that left by this worker, in TLS too */
	int64_t waiting_us;	/* when something was first sent after something had come */
} __attribute__((aligned(64)));

struct carrier_sa {
	struct esp_rx rx;	/* its aead comes last: NULL: it takes nothing */
	struct carrier *carrier;
	uint64_t packets, bytes;	/* inner */
	int64_t told_us;	/* the round in which the control thread was told of a move */
} __attribute__((aligned(64)));

struct carrier {
	struct grace_item grace;
	void *session;		/* for the control thread */
	struct ip_addr addr;	/* the peer's, inside */
	bool any_source;	/* but what it sends may come from anywhere behind it */
	bool roams;		/* its end follows its packets */
	unsigned nlanes;	/* our workers */
	unsigned nkeyed;	/* the first of them have an SA to send by */
	unsigned nsas;		/* the peer's workers */
	struct carrier_lane *lanes;
	struct carrier_sa *sas;	/* sas[0].rx.spi names the session; its worker is the home */

	struct carrier_end *end;	/* NULL: not known */
	bool on_udp;			/* packets go as ESP */
	bool over_tls;			/* or can go in TLS */
	unsigned mtu;			/* what inner packets should keep to */
	size_t udp_max;			/* what is longer does not pass in UDP, as is known */

	int64_t rx_us;		/* when something authentic came over UDP (ev_now_us) */
	uint64_t echoes;	/* milliseconds of the first one in this second, then how many */
	bool heard;		/* the control thread knows that something came */
	bool armed;		/* and that an answer may be waited for */
	bool worn;		/* half of a key's life is over */
	int64_t refused_us;	/* when the control thread was told that the kernel refuses datagrams */
};

/* Where packets for a peer go: its carrier of the moment, or NULL. The control thread writes it. */
struct outlet {
	struct carrier *carrier;
};

/* --- for the control thread --------------------------------------------------------------------- */

/*
 * With nlanes of our workers and nsas of the peer's, SPIs in the table and no keys. `first`: the
 * worker of sas[0]; the others follow in turn. 0, -ENOSPC or -ENOMEM.
 */
int carrier_new(struct sa_table *table, unsigned nlanes, unsigned nsas, unsigned first,
    struct carrier **out);

/* Out of sight, and freed when no worker looks at it any more. consumes: c; NULL is fine. */
void carrier_bury(struct carrier *c, struct sa_table *table, struct grave *grave);

/* The peer is somewhere else now. 0 or -ENOMEM. */
int carrier_set_end(struct carrier *c, const struct udp_end *udp, bool proven, int64_t credit,
    struct grave *grave);

/* Of the first of its lanes that began to wait and has had no answer; 0: none waits. */
int64_t carrier_waits_since(const struct carrier *c);

/* Inner packets and their bytes, from peers and to them. */
struct traffic {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
};

/* Adds those of all workers. */
void carrier_add_traffic(const struct carrier *c, struct traffic *sum);

/* --- for workers -------------------------------------------------------------------------------- */

/* What the control thread is to be told; the bits that carrier_tell takes. */
enum { CARRIER_HEARD = 1, CARRIER_WAITING = 2, CARRIER_MOVED = 4, CARRIER_REFUSED = 8 };

/* What packets of an IP version are told to keep to. */
unsigned carrier_mtu(const struct carrier *c, bool ipv6);

/* Has this worker an SA to send by? */
bool carrier_is_keyed(const struct carrier *c, unsigned worker);

/*
 * Seals an inner packet (ESP_TRAILER writable bytes behind it) into tx as the next datagram for the
 * peer. *news_out: bits of the above. VERDICT_ENDPOINT_UNPROVEN when no more may go there now;
 * VERDICT_PATH_DOWN when it is not known where.
 */
enum verdict carrier_seal(struct carrier *c, unsigned worker, struct udp_tx *tx, uint8_t *pkt,
    size_t len, enum esp_next next, int64_t now_us, unsigned *news_out);

/*
 * The same for an echo request of `len` inner bytes that begins with text, by itself, now, and whole:
 * -EMSGSIZE when our own link does not take it; what else fails is as good as a loss.
 */
int carrier_ask(struct carrier *c, unsigned worker, struct udp_tx *tx, const uint8_t *text,
    size_t text_len, size_t len);

struct carrier_opened {
	uint8_t *inner;		/* in the datagram, with ESP_TRAILER writable bytes behind it */
	size_t len;
	uint8_t next;
	unsigned news;		/* bits of the above */
};

/* A datagram for this SA of the worker. */
enum verdict carrier_open(struct carrier_sa *sa, uint8_t *pkt, size_t len,
    const struct udp_end *from, int64_t now_us, struct carrier_opened *out);

/*
 * The control thread is being told, and not again of the same (of a move: in this round); or it
 * could not be. sa may be NULL but for CARRIER_MOVED.
 */
void carrier_tell(struct carrier_sa *sa, struct carrier *c, unsigned news, bool told,
    int64_t now_us);

/* May one more echo request of this peer be answered? */
bool carrier_may_echo(struct carrier *c, int64_t now_us);

/*
 * The kernel refuses datagrams to the peer, at `now_us`: is that to be told? Once a second, and only
 * while packets go in UDP: a way that is closed anyway may be asked in vain.
 */
bool carrier_minds_refusal(const struct carrier *c, int64_t now_us);

/* The SA whose state this is; each is the rx of a carrier_sa. */
struct carrier_sa *carrier_sa_of(struct esp_rx *rx);

#endif
