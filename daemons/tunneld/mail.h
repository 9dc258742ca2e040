/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_MAIL_H
#define TUNNELD_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ev.h"
#include "daemons/tunneld/control.h"
#include "daemons/tunneld/udp.h"

/*
 * What the threads of an engine say to each other: its workers, by their numbers, and the control
 * thread, whose number is that of the workers. A ring of bytes per pair of threads, with one writer
 * and one reader: no lock. Who finds a ring full drops what it wanted to say.
 *
 * It is not on the way of an ESP packet that reaches the worker whose SA it is, nor of a packet that
 * leaves by an SA: that is nearly all of them.
 */
enum mail_kind {
	/* To whom can send it: an inner packet, or an echo, for the session's peer. */
	MAIL_SEND,
	/* To a worker that can send it: an echo, alone, with `size` bytes in all (carrier_ask). */
	MAIL_ASK,
	/* To a worker: an inner packet that came from the session's peer, in TLS. */
	MAIL_INNER,
	/* To the worker whose SA it is: a datagram that another one got. */
	MAIL_DATAGRAM,
	/* To the control thread, of a session (carrier.h): */
	MAIL_HEARD,		/* the first authentic packet came */
	MAIL_WAITING,		/* something was sent, and an answer is waited for */
	MAIL_MOVED,		/* its newest packet, of `size` bytes, came from another place */
	MAIL_ECHO,		/* the answer to an echo came; its text follows */
	MAIL_REFUSED,		/* our own link does not take an ASK of `size`; its text follows */
	MAIL_UNSENT,		/* the kernel does not take its datagrams: udp_tx_refused is `size` */
	/* To the control thread: the TUN device is there no more. No session. */
	MAIL_DEVICE_LOST,
};

struct mail {
	enum mail_kind kind;
	uint32_t spi;		/* one that we receive on: names the session */
	uint32_t next;		/* SEND: enum esp_next */
	uint32_t size;		/* bytes of a datagram that are not in `len` */
	int64_t now_us;		/* of the sender */
	struct udp_end from;	/* DATAGRAM, MOVED, ECHO */
	uint32_t len;		/* of the bytes behind */
	uint8_t bytes[];	/* with ESP_TRAILER more that may be overwritten */
};

#define MAIL_THREADS_MAX (CONTROL_WORKERS_MAX + 1)
#define MAIL_RING_BYTES (512 * 1024)	/* what a worker reads from its TUN in one turn */

struct mail_ring;

struct mail_box {	/* of one thread */
	struct ev *ev;
	struct ev_waker waker;
	bool called;	/* it has been woken, and has not begun to look */
	struct mail_ring *from[MAIL_THREADS_MAX];
};

struct mail_room {
	unsigned n;	/* threads */
	struct mail_box *boxes;
	uint32_t *unsaid;	/* per sender: boxes with mail since its last mail_wake */
};

/* For n threads, with their boxes closed. 0 or -ENOMEM. */
int mail_init(struct mail_room *r, unsigned n);
void mail_fini(struct mail_room *r);	/* all threads have ended */

/* fn is called on ev, the loop of thread `who`, when there is mail: mail_take it then. */
int mail_open(struct mail_room *r, unsigned who, struct ev *ev,
    void (*fn)(void *arg, uint32_t events), void *arg);

/*
 * Puts a message with its m->len bytes into the ring; m->from counts only where the kind has one.
 * False: the ring is full. Only from the thread `from`, which calls mail_wake afterwards.
 */
bool mail_put(struct mail_room *r, unsigned from, unsigned to, const struct mail *m,
    const void *bytes);

/* Wakes those for whom mail was put. */
void mail_wake(struct mail_room *r, unsigned from);

/*
 * Calls each for every message that is there, from any thread; its bytes stay as they are until
 * `done`, which is called when their memory is about to be used again. Only from the thread `who`.
 */
void mail_take(struct mail_room *r, unsigned who, void (*each)(void *arg, struct mail *m),
    void (*done)(void *arg), void *arg);

#endif
