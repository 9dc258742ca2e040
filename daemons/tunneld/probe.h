/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_PROBE_H
#define TUNNELD_PROBE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Which way one end of a session sends: ESP in UDP, or inside of the TLS connection. Decided by
 * echoes over UDP. Time (monotonic, microseconds) and randomness come from the caller. Pure.
 *
 * A session starts on TLS and takes UDP after its first answered echo. On UDP, data that was sent
 * with nothing received for max(200 ms, 2 RTT) makes it ask; three questions without an answer
 * switch to TLS, from where it comes back after three answers in a row.
 */
struct probe {
	bool on_udp;
	bool fell_back;			/* has been on UDP before: three answers are wanted */
	unsigned unanswered;		/* questions in a row */
	unsigned answered;		/* in a row, while on TLS */
	uint64_t nonce;			/* of the last question; 0: none is out */
	int64_t asked_us;		/* when it went out */
	int64_t waiting_us;		/* first data sent since something came; 0: none */
	int64_t active_us;		/* last time that something came over UDP */
	int64_t due_us;			/* the next question, while one is due at a time */
	int64_t interval_us;		/* between questions while on TLS: grows */
	int64_t rtt_us;			/* smoothed (RFC 6298); 0: not known */
	int64_t keepalive_us;		/* longest silence on UDP before a question */
};

#define PROBE_FAST_US 200000
#define PROBE_SLOW_US 5000000	/* how often a blocked path is asked whether it is open again */
#define PROBE_TRIES 3

void probe_init(struct probe *p, int64_t now_us, int64_t keepalive_us);

/* Data went out over UDP. True when nothing was being waited for: probe_due has changed. */
bool probe_sent(struct probe *p, int64_t now_us);

/* Something authentic came over UDP. */
void probe_received(struct probe *p, int64_t now_us);

/* The answer with this nonce came. True when the path has changed (to UDP). */
bool probe_answered(struct probe *p, uint64_t nonce, int64_t now_us);

/*
 * When the next thing is to be done, in absolute time: call probe_tick then. *ask_out: send an echo
 * request with the nonce given (never 0). Returns true when the path has changed (to TLS).
 */
int64_t probe_due(const struct probe *p);
bool probe_tick(struct probe *p, uint64_t nonce, int64_t now_us, bool *ask_out);

/* The peer's endpoint is another one now: ask it at once. */
void probe_moved(struct probe *p, int64_t now_us);

#endif
