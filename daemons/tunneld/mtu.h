/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_MTU_H
#define TUNNELD_MTU_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How long an inner packet may be that passes one way of a session's UDP path in one datagram. Found
 * by echoes that are padded to the length in question and may not be fragmented (RFC 8899, which it
 * follows in timers): first the longest that is wanted, then halving. Each end asks for the packets
 * that it sends. Time (monotonic, microseconds) and randomness come from the caller. Pure.
 */
struct mtu {
	unsigned top;		/* the longest that is wanted; 0: nothing is asked */
	unsigned fit;		/* the longest that is known to pass; 0: none is known yet */
	unsigned passed, failed;	/* of the search: what is between them is not known */
	unsigned asked;		/* the length in question */
	unsigned tries;		/* that it had */
	enum { MTU_REST, MTU_SEARCH, MTU_CONFIRM } state;
	uint64_t nonce;		/* of the question that is out; 0: none is */
	int64_t due_us;		/* the next question, or when the answer is late */
	int64_t rested_us;	/* when the last question was settled */
	int64_t raise_us;	/* from when on the path may have become wider */
	/* The caller's: packets were sent since the last question; how long an answer may take. */
	bool in_use;
	int64_t patience_us;
};

#define MTU_LEAST 512		/* what every path takes, IPv4's smallest (576) included */
#define MTU_LEAST_IPV4 576	/* what a host may take for granted inside; */
#define MTU_LEAST_IPV6 1280	/* the same: RFC 8200, 5 */
#define MTU_MOST 9000
#define MTU_TRIES 3
#define MTU_PACE_US 200000	/* between questions: half of the echoes that the peer answers */
#define MTU_DOUBT_US 2000000	/* so long after an answer a doubt has to wait */
#define MTU_CHECK_US 30000000	/* a path that is in use is checked so often; */
#define MTU_RAISE_US 600000000	/* whether it has become wider, so often */

/* The longest inner packet in an IPv4 datagram of `outer` bytes, at most MTU_MOST. */
unsigned mtu_inside(unsigned outer);

/* top: at least MTU_LEAST, or 0. Asks as soon as mtu_tick is called. */
void mtu_init(struct mtu *m, unsigned top, int64_t now_us);

/* Takes over what an older session of the same peer has found, and has it confirmed. */
void mtu_inherit(struct mtu *m, const struct mtu *from, int64_t now_us);

/* The path is another one: search again. What was found counts until then. */
void mtu_moved(struct mtu *m, int64_t now_us);

/* Long packets may be disappearing: see whether what was found still holds. */
void mtu_suspect(struct mtu *m, int64_t now_us);

/* When mtu_tick is to be called, in absolute time; INT64_MAX: never. */
int64_t mtu_due(const struct mtu *m);

/*
 * *ask_out: send an echo of this inner length with the nonce (never 0); 0: nothing to send. Returns
 * true when `fit` has changed.
 */
bool mtu_tick(struct mtu *m, uint64_t nonce, int64_t now_us, unsigned *ask_out);

/* The kernel has not taken it: too long for our own link. Then as mtu_tick, with the same nonce. */
bool mtu_refused(struct mtu *m, int64_t now_us, unsigned *ask_out);

/* An echo was answered. True when `fit` has changed. */
bool mtu_answered(struct mtu *m, uint64_t nonce, int64_t now_us);

/* What inner packets are told to keep to, by IP version: `fit`, but not below the least. */
unsigned mtu_of(unsigned fit, bool ipv6);

#endif
